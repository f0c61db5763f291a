//! Dates of a profile: how long until one, since one, and until its day and month come again.

use crate::calendar::END;
use crate::customer::Trait;
use crate::mutants::m;
use crate::plan::Operator;
use crate::times::{DAY, NEVER};
use crate::zone::{Zone, civil, days};
use serde::Deserialize;

/// Longer than any time between an anniversary and the next: 366 days, and what a zone may change in them.
const LONGEST_YEAR: i64 = 368 * DAY;

/// The measure of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateMeasure {
    /// The time left until it begins; none from then on.
    Remaining,
    /// The time since it began; none before.
    Age,
    /// The time left until its month and day begin again; 0 during it.
    Anniversary,
}

/// A date of the profile against a bound.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dated {
    /// The name of the attribute.
    pub attribute: String,
    /// What is compared.
    pub told: DateMeasure,
    /// How.
    pub operator: Operator,
    /// Milliseconds, or calendar years.
    pub bound: i64,
    /// Whether the bound counts years.
    pub years: bool,
}

impl Dated {
    /// The milliseconds that are told, None without a date or outside of its time; whether it holds; and an instant
    /// before which time alone can't change that.
    pub fn look(&self, zone: &Zone, held: Option<&Trait>, now: i64) -> (Option<i64>, bool, i64) {
        let Some(day) = held.and_then(date_of) else {
            return (None, false, NEVER);
        };
        match self.told {
            DateMeasure::Remaining => self.remaining(zone.begin(day), now),
            DateMeasure::Age => self.age(zone, day, now),
            DateMeasure::Anniversary => self.anniversary(zone, day, now),
        }
    }

    fn remaining(&self, begins: i64, now: i64) -> (Option<i64>, bool, i64) {
        let left = begins - now;
        if m!("a date is still to come on itself", left <= 0, left < 0) {
            return (None, false, NEVER);
        }
        (Some(left), self.holds(left), self.shrinks(begins, now))
    }

    fn age(&self, zone: &Zone, day: i64, now: i64) -> (Option<i64>, bool, i64) {
        let begins = zone.begin(day);
        if now < begins {
            return (None, false, begins);
        }
        let passed = if self.years {
            zone.begin(in_year(day, civil(day).0 + self.bound))
        } else {
            begins.saturating_add(self.bound)
        };
        let change = [passed, passed + 1].into_iter().find(|at| *at > now);
        (
            Some(now - begins),
            self.operator.holds(now.cmp(&passed)),
            m!("an age is passed late", change, change.map(|at| at + 1)).unwrap_or(NEVER),
        )
    }

    fn anniversary(&self, zone: &Zone, day: i64, now: i64) -> (Option<i64>, bool, i64) {
        let today = zone.day(now);
        let year = civil(today).0;
        let coming = m!(
            "the date itself does not count",
            [day],
            [in_year(day, civil(day).0 + 1)]
        )
        .into_iter()
        .chain([year, year + 1].map(|year| in_year(day, year)))
        .filter(|each| *each >= day)
        .find(|each| *each >= today)
        .unwrap_or(day);
        if coming == today {
            let ends = zone.begin(today + 1);
            return (Some(0), self.holds(0), self.known(ends));
        }
        let begins = zone.begin(coming);
        let left = begins - now;
        if coming != day && self.bound > LONGEST_YEAR {
            return (Some(left), self.holds(left), NEVER);
        }
        let change = self.shrinks(begins, now);
        (Some(left), self.holds(left), self.known(change))
    }

    /// Never beyond the years that the plan knows: a condition that comes again each year has an end there.
    fn known(&self, change: i64) -> i64 {
        if change >= END { NEVER } else { change }
    }

    fn holds(&self, value: i64) -> bool {
        self.operator.holds(value.cmp(&self.bound))
    }

    /// When the time left until an instant passes the bound; at the latest that instant.
    fn shrinks(&self, begins: i64, now: i64) -> i64 {
        let at = begins.saturating_sub(self.bound);
        [at, at + 1, begins]
            .into_iter()
            .filter(|each| *each > now)
            .min()
            .unwrap_or(NEVER)
    }
}

/// A date in another year; 29 February is 1 March where there is none.
fn in_year(day: i64, year: i64) -> i64 {
    let (_, month, date) = civil(day);
    days(year, month, date)
}

/// The date that an attribute tells, as a number of days since 1970: `YYYY-MM-DD`.
fn date_of(held: &Trait) -> Option<i64> {
    let Trait::Text(text) = held else { return None };
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let number = |range: std::ops::Range<usize>| {
        let digits = &bytes[range];
        digits.iter().all(u8::is_ascii_digit).then(|| {
            digits
                .iter()
                .fold(0i64, |total, digit| 10 * total + i64::from(digit - b'0'))
        })
    };
    if !shape {
        return None;
    }
    let (year, month, date) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let day = days(year, month, date);
    (year > 0
        && m!(
            "a date that is none is read",
            civil(day) == (year, month, date),
            true
        ))
    .then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(told: DateMeasure, operator: Operator, bound: i64, years: bool) -> Dated {
        Dated {
            attribute: "date".into(),
            told,
            operator,
            bound,
            years,
        }
    }

    fn at(year: i64, month: i64, day: i64) -> i64 {
        days(year, month, day) * DAY
    }

    fn text(text: &str) -> Trait {
        Trait::Text(text.into())
    }

    /// Only dates of the calendar are dates.
    #[test]
    fn dates() {
        assert_eq!(date_of(&text("1970-01-02")), Some(1));
        assert_eq!(date_of(&text("2024-02-29")), Some(days(2024, 2, 29)));
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "0000-01-01",
            "2026-01-01T",
            "x026-01-01",
            "",
        ] {
            assert_eq!(date_of(&text(wrong)), None, "{wrong}");
        }
        assert_eq!(date_of(&Trait::Number(1970.0)), None);
    }

    /// Each kind at the instants at which it changes, and a millisecond before.
    #[test]
    fn changes_in_time() {
        let (zone, day) = (Zone::default(), text("2026-05-10"));
        let remaining = dated(DateMeasure::Remaining, Operator::AtMost, 30 * DAY, false);
        let look = |of: &Dated, now| of.look(&zone, Some(&day), now);
        let begins = at(2026, 5, 10);
        assert_eq!(
            look(&remaining, at(2026, 4, 10) - 1),
            (Some(30 * DAY + 1), false, at(2026, 4, 10))
        );
        assert_eq!(
            look(&remaining, at(2026, 4, 10)),
            (Some(30 * DAY), true, at(2026, 4, 10) + 1)
        );
        assert_eq!(look(&remaining, begins - 1), (Some(1), true, begins));
        assert_eq!(look(&remaining, begins), (None, false, NEVER));
        let age = dated(DateMeasure::Age, Operator::AtLeast, DAY, false);
        assert_eq!(look(&age, begins - 1), (None, false, begins));
        assert_eq!(look(&age, begins), (Some(0), false, begins + DAY));
        assert_eq!(look(&age, begins + DAY), (Some(DAY), true, begins + DAY + 1));
        assert_eq!(look(&age, begins + DAY + 1), (Some(DAY + 1), true, NEVER));
        let soon = dated(DateMeasure::Anniversary, Operator::AtMost, 7 * DAY, false);
        assert_eq!(look(&soon, at(2020, 5, 9)).0, Some(begins - at(2020, 5, 9)));
        assert_eq!(look(&soon, begins + DAY - 1), (Some(0), true, begins + DAY));
        assert_eq!(look(&soon, begins + DAY).0, Some(364 * DAY));
        assert!(!look(&soon, at(2027, 5, 3) - 1).1);
        assert!(look(&soon, at(2027, 5, 3)).1);
    }

    /// 65 years later is the same date; 29 February is 1 March in other years.
    #[test]
    fn years_of_the_calendar() {
        let zone = Zone::default();
        let old = dated(DateMeasure::Age, Operator::AtLeast, 65, true);
        let born = text("1961-02-15");
        assert!(!old.look(&zone, Some(&born), at(2026, 2, 15) - 1).1);
        assert!(old.look(&zone, Some(&born), at(2026, 2, 15)).1);
        let leap = text("2004-02-29");
        let grown = dated(DateMeasure::Age, Operator::AtLeast, 18, true);
        assert_eq!(grown.look(&zone, Some(&leap), at(2022, 2, 28)).2, at(2022, 3, 1));
        let day = dated(DateMeasure::Anniversary, Operator::Equal, 0, false);
        assert!(day.look(&zone, Some(&leap), at(2026, 3, 1)).1);
        assert!(day.look(&zone, Some(&leap), at(2028, 2, 29)).1);
        assert!(!day.look(&zone, Some(&leap), at(2028, 3, 1)).1);
    }

    /// A condition that comes again each year is looked at no further than the zone is known.
    #[test]
    fn ends_with_the_zone() {
        let day = text("2000-06-01");
        let never = dated(DateMeasure::Anniversary, Operator::Above, 400 * DAY, false);
        assert_eq!(never.look(&Zone::default(), Some(&day), at(2026, 1, 1)).2, NEVER);
        let soon = dated(DateMeasure::Anniversary, Operator::AtMost, 0, false);
        assert_eq!(soon.look(&Zone::default(), Some(&day), at(2100, 12, 1)).2, NEVER);
    }
}
