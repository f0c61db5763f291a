//! The time zone of the shop: what its clock shows at an instant, and when a calendar period begins.
//!
//! The plan carries the instants at which the zone changes its offset, so there is no data base of zones here.

use crate::mutants::m;
use crate::times::{DAY, NEVER};
use serde::Deserialize;

/// Milliseconds in an hour.
pub const HOUR: i64 = 3_600_000;

/// From Monday on.
pub const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A time zone: a name, and from which instant on its clock is how far ahead of UTC.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The IANA name.
    pub name: String,
    /// Milliseconds ahead of UTC before the first of `changes`.
    pub offset: i64,
    /// Instants, ascending, each with the milliseconds ahead of UTC from then on.
    pub changes: Vec<(i64, i64)>,
}

impl Zone {
    /// What the clock shows at an instant, as the instant at which a clock of UTC shows it.
    pub fn local(&self, at: i64) -> i64 {
        at + self.offset_at(at)
    }

    /// The date that an instant belongs to, as a number of days since 1970: the last one that has begun.
    pub fn day(&self, at: i64) -> i64 {
        let mut day = self.local(at).div_euclid(DAY);
        // A clock that is put back over midnight shows the date before once more.
        while m!("a date begins twice", self.begin(day + 1) <= at, false) {
            day += 1;
        }
        day
    }

    /// The first instant whose date is this one or a later one: a clock may skip midnight, and a date.
    pub fn begin(&self, day: i64) -> i64 {
        let local = day * DAY;
        // No clock is a day ahead of UTC, or behind.
        let mut place = self.changes.partition_point(|each| each.0 <= local - DAY);
        let mut from = local - DAY;
        loop {
            let offset = place
                .checked_sub(1)
                .map_or(self.offset, |before| self.changes[before].1);
            let at = from.max(local - offset);
            match self.changes.get(place) {
                Some(change) if at >= change.0 => from = change.0,
                _ => return at,
            }
            place += 1;
        }
    }

    /// The next instant at which the clock is put forward or back.
    pub fn change_after(&self, at: i64) -> i64 {
        let place = self.changes.partition_point(|each| each.0 <= at);
        self.changes.get(place).map_or(NEVER, |change| change.0)
    }

    fn offset_at(&self, at: i64) -> i64 {
        let place = self
            .changes
            .partition_point(|each| m!("the clock changes late", each.0 <= at, each.0 < at));
        place
            .checked_sub(1)
            .map_or(self.offset, |place| self.changes[place].1)
    }
}

/// The hour that a clock shows: 0 to 23.
pub fn hour(local: i64) -> i64 {
    local.rem_euclid(DAY) / HOUR
}

/// The weekday of a clock's date: `monday` …
pub fn weekday(local: i64) -> &'static str {
    // 1 January 1970 was a Thursday.
    WEEKDAYS[(local.div_euclid(DAY) + 3).rem_euclid(7) as usize]
}

/// The month of a clock's date: 1 to 12.
pub fn month(local: i64) -> i64 {
    civil(local.div_euclid(DAY)).1
}

/// Year, month and day of a number of days since 1970 (Howard Hinnant, civil_from_days).
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, day) = ((month + 2) % 12 + 1, of_year - (153 * month + 2) / 5 + 1);
    (of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The number of days since 1970 of a date (Howard Hinnant, days_from_civil); a day or month too many goes on into the
/// next month or year.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days and dates are each other's inverse; 29 February of another year is 1 March.
    #[test]
    fn numbers_of_days() {
        for day in (-800_000..3_000_000).step_by(97) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert_eq!(civil(days(2026, 2, 29)), (2026, 3, 1));
    }

    /// Midnight that is skipped, a date that is skipped, and midnight that comes twice.
    #[test]
    fn beginnings_of_dates() {
        let day = days(2026, 9, 6);
        let midnight = day * DAY;
        let skips = Zone {
            name: "skips midnight".into(),
            offset: -4 * HOUR,
            changes: vec![(midnight + 4 * HOUR, -3 * HOUR)],
        };
        assert_eq!(skips.begin(day), midnight + 4 * HOUR);
        assert_eq!(
            (skips.day(midnight + 4 * HOUR - 1), skips.day(midnight + 4 * HOUR)),
            (day - 1, day)
        );
        let skips_a_date = Zone {
            name: "skips a date".into(),
            offset: -10 * HOUR,
            changes: vec![(midnight + 10 * HOUR, 14 * HOUR)],
        };
        assert_eq!(skips_a_date.begin(day), midnight + 10 * HOUR);
        assert_eq!(skips_a_date.begin(day + 1), midnight + 10 * HOUR);
        assert_eq!(skips_a_date.day(midnight + 10 * HOUR), day + 1);
        let twice = Zone {
            name: "midnight twice".into(),
            offset: 0,
            changes: vec![(midnight + HOUR / 2, -HOUR)],
        };
        assert_eq!(twice.begin(day), midnight);
        assert_eq!(
            (twice.day(midnight - 1), twice.day(midnight + HOUR / 2)),
            (day - 1, day)
        );
        assert_eq!(twice.begin(day + 1), midnight + 25 * HOUR);
    }

    /// The clock goes forward at the very instant; before the first change another offset counts.
    #[test]
    fn what_the_clock_shows() {
        let zone = Zone {
            name: "Europe/Amsterdam".into(),
            offset: HOUR,
            changes: vec![(1_774_746_000_000, 2 * HOUR), (1_792_890_000_000, HOUR)],
        };
        let at = |instant| {
            (
                hour(zone.local(instant)),
                weekday(zone.local(instant)),
                month(zone.local(instant)),
            )
        };
        assert_eq!(at(1_774_745_999_999), (1, "sunday", 3));
        assert_eq!(at(1_774_746_000_000), (3, "sunday", 3));
        assert_eq!(at(1_792_889_999_999), (2, "sunday", 10));
        assert_eq!(at(1_792_890_000_000), (2, "sunday", 10));
        assert_eq!(at(-1), (0, "thursday", 1));
    }
}
