//! The time zone of the shop: what its clock shows at an instant, and when a calendar period begins.
//!
//! The plan carries the instants at which the zone changes its offset, so there is no data base of zones here.

use crate::mutants::m;
use crate::times::DAY;
use serde::Deserialize;

/// Milliseconds in an hour.
const HOUR: i64 = 3_600_000;

const WEEKDAYS: [&str; 7] = [
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

#[cfg(test)]
mod tests {
    use super::*;

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
