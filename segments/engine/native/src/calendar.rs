//! Periods of the calendar of the zone, and conditions on what its clock shows now.

use crate::mutants::m;
use crate::plan::{Comparison, Operator};
use crate::times::{DAY, NEVER, date};
use crate::zone::{HOUR, WEEKDAYS, Zone, civil, days, hour, month, weekday};
use serde::Deserialize;

/// The beginning of 2101: a plan knows its zone until then, and from then on the calendar alone changes nothing.
pub const END: i64 = 4_133_980_800_000;

/// The dates of the years 1 to 9999, as numbers of days since 1970.
const DATES: std::ops::Range<i64> = -719_162..2_932_897;

/// The length of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A date.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
    /// From 1 January on.
    Year,
}

/// The period that contains now, or the one before: only its events count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// How long it is.
    pub unit: Unit,
    /// The one before.
    pub previous: bool,
}

/// A period, seen at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Only what is later counts.
    pub floor: i64,
    /// What is later counts not yet; `NEVER`: all that happened counts.
    pub upto: i64,
    /// When another period takes its place.
    pub ends: i64,
}

impl During {
    /// The period at an instant.
    pub fn span(self, zone: &Zone, now: i64) -> Span {
        let [before, this, next] = self.around(zone.day(now));
        let begins = zone.begin(this);
        if m!("the period before is this one", self.previous, false) {
            Span {
                floor: zone.begin(before) - 1,
                upto: m!("a new period counts at once", begins - 1, begins),
                ends: zone.begin(next),
            }
        } else {
            Span {
                floor: m!("a period begins a millisecond late", begins - 1, begins),
                upto: NEVER,
                ends: m!("a period ends late", zone.begin(next), zone.begin(next) + 1),
            }
        }
    }

    /// The first dates of the period before, of that of a date, and of the next one.
    fn around(self, day: i64) -> [i64; 3] {
        let (year, month, _) = civil(day);
        match self.unit {
            Unit::Day => [day - 1, day, day + 1],
            Unit::Week => {
                // 1 January 1970 was a Thursday.
                let monday = day - m!("weeks begin on Sunday", day + 3, day + 4).rem_euclid(7);
                [monday - 7, monday, monday + 7]
            }
            Unit::Month => [-1, 0, 1].map(|step| {
                let months = 12 * year + month - 1 + step;
                days(months.div_euclid(12), months.rem_euclid(12) + 1, 1)
            }),
            Unit::Year => [-1, 0, 1].map(|step| days(year + step, 1, 1)),
        }
    }
}

/// What a clock shows, of which a condition asks one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// 0 to 23.
    Hour,
    /// `monday` …
    Weekday,
    /// 1 to 12.
    Month,
    /// As 2026-11-22.
    Day,
}

/// A condition on now.
#[derive(Debug)]
pub struct Today {
    part: Part,
    comparison: Comparison,
    /// It never changes.
    constant: bool,
    /// Of dates: the first ones, ascending, at which it may change, as a clock of UTC shows their beginning.
    edges: Vec<i64>,
}

impl Today {
    /// A condition of a plan.
    pub fn new(part: Part, comparison: Comparison) -> Today {
        let of_numbers = |mut range: std::ops::Range<i128>| {
            let first = comparison.of_number(range.start);
            range.all(|each| comparison.of_number(each) == first)
        };
        let constant = match part {
            Part::Hour => of_numbers(0..24),
            Part::Month => of_numbers(1..13),
            Part::Weekday => {
                let mut told = WEEKDAYS.iter().map(|day| comparison.of_text(day.as_bytes()));
                let first = told.next();
                told.all(|each| Some(each) == first)
            }
            Part::Day => false,
        };
        let mut edges = Vec::new();
        if part == Part::Day {
            for bound in &comparison.texts {
                for operator in [Operator::AtLeast, Operator::Above] {
                    let is_there =
                        |day: i64| operator.holds(date(day * DAY).as_bytes().cmp(bound.as_bytes()));
                    edges.push(first(is_there) * DAY);
                }
            }
            edges.sort_unstable();
        }
        Today {
            part,
            comparison,
            constant,
            edges,
        }
    }

    /// What the clock shows, as the evidence tells it.
    pub fn shown(&self, zone: &Zone, now: i64) -> String {
        let local = zone.local(now);
        match self.part {
            Part::Hour => hour(local).to_string(),
            Part::Month => month(local).to_string(),
            Part::Weekday => weekday(local).into(),
            Part::Day => date(local),
        }
    }

    /// Whether it holds at an instant.
    pub fn holds(&self, zone: &Zone, now: i64) -> bool {
        let local = zone.local(now);
        match self.part {
            Part::Hour => self.comparison.of_number(hour(local) as i128),
            Part::Month => self.comparison.of_number(month(local) as i128),
            Part::Weekday => self.comparison.of_text(weekday(local).as_bytes()),
            Part::Day => self.comparison.of_text(date(local).as_bytes()),
        }
    }

    /// Whether it holds, and when it changes.
    pub fn look(&self, zone: &Zone, now: i64) -> (bool, i64) {
        let holds = self.holds(zone, now);
        if self.constant {
            return (holds, NEVER);
        }
        let mut at = now;
        loop {
            at = self.next(zone, at);
            if at >= END {
                return (holds, NEVER);
            }
            if self.holds(zone, at) != holds {
                return (holds, m!("the clock of now is late", at, at + 1));
            }
        }
    }

    /// When the clock shows something else that may matter: by its running on, or because it is put forward or back.
    fn next(&self, zone: &Zone, now: i64) -> i64 {
        let local = zone.local(now);
        let shown = match self.part {
            Part::Hour => Some((local.div_euclid(HOUR) + 1) * HOUR),
            Part::Weekday => Some((local.div_euclid(DAY) + 1) * DAY),
            Part::Month => {
                let month = During {
                    unit: Unit::Month,
                    previous: false,
                };
                Some(month.around(local.div_euclid(DAY))[2] * DAY)
            }
            Part::Day => self.edges.iter().copied().find(|edge| *edge > local),
        };
        let runs = shown.map_or(NEVER, |shown| now + shown - local);
        m!(
            "the clock is never put forward",
            runs.min(zone.change_after(now)),
            runs
        )
    }
}

/// The first date of which something is true that stays true; the day after the last one if it never is.
fn first(is_there: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (DATES.start, DATES.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_there(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Ratio;

    /// Amsterdam in 2026: 29 March has 23 hours, 25 October 25.
    fn amsterdam() -> Zone {
        Zone {
            name: "Europe/Amsterdam".into(),
            offset: HOUR,
            changes: vec![(1_774_746_000_000, 2 * HOUR), (1_792_890_000_000, HOUR)],
        }
    }

    fn at(year: i64, month: i64, day: i64, hours: i64) -> i64 {
        days(year, month, day) * DAY + hours * HOUR
    }

    fn span(unit: Unit, previous: bool, now: i64) -> Span {
        During { unit, previous }.span(&amsterdam(), now)
    }

    /// A period begins at midnight of the zone and ends as the next one begins; the one before ends where this begins.
    #[test]
    fn periods() {
        let short = span(Unit::Day, false, at(2026, 3, 29, 12));
        assert_eq!(
            (short.floor + 1, short.ends),
            (at(2026, 3, 28, 23), at(2026, 3, 29, 22))
        );
        let long = span(Unit::Day, false, at(2026, 10, 25, 22));
        assert_eq!(
            (long.floor + 1, long.ends),
            (at(2026, 10, 24, 22), at(2026, 10, 25, 23))
        );
        let week = span(Unit::Week, false, at(2026, 11, 29, 12));
        assert_eq!(
            (week.floor + 1, week.ends),
            (at(2026, 11, 22, 23), at(2026, 11, 29, 23))
        );
        let month = span(Unit::Month, true, at(2026, 1, 10, 0));
        let expected = (
            at(2025, 11, 30, 23),
            at(2025, 12, 31, 23) - 1,
            at(2026, 1, 31, 23),
        );
        assert_eq!((month.floor + 1, month.upto, month.ends), expected);
        let year = span(Unit::Year, true, at(2026, 12, 31, 22));
        let expected = (
            at(2024, 12, 31, 23),
            at(2025, 12, 31, 23) - 1,
            at(2026, 12, 31, 23),
        );
        assert_eq!((year.floor + 1, year.upto, year.ends), expected);
    }

    fn today(part: Part, operator: Operator, texts: &[&str], numbers: &[i128]) -> Today {
        let ratio = |numerator: &i128| Ratio {
            numerator: *numerator,
            denominator: 1,
        };
        let comparison = Comparison {
            operator,
            texts: texts.iter().map(|each| (*each).into()).collect(),
            numbers: numbers.iter().map(ratio).collect(),
        };
        Today::new(part, comparison)
    }

    /// A look is right about when it changes, at every quarter of an hour round both changes of the clock.
    #[test]
    fn looks_ahead() {
        let zone = amsterdam();
        for asked in [
            today(Part::Hour, Operator::AtLeast, &[], &[9]),
            today(Part::Hour, Operator::Equal, &[], &[2]),
            today(Part::Weekday, Operator::In, &["saturday", "sunday"], &[]),
            today(Part::Month, Operator::Equal, &[], &[4]),
            today(Part::Day, Operator::AtLeast, &["2026-03-30"], &[]),
            today(Part::Day, Operator::Equal, &["2026-10-25"], &[]),
            today(Part::Day, Operator::Above, &["2026-03"], &[]),
        ] {
            for from in [at(2026, 3, 27, 0), at(2026, 10, 23, 0)] {
                let (mut holds, mut until) = asked.look(&zone, from);
                for now in (0..8 * 96).map(|step| from + step * HOUR / 4) {
                    if now >= until {
                        assert!(now < until + HOUR / 4);
                        let next = asked.look(&zone, now);
                        assert_ne!(next.0, holds);
                        (holds, until) = next;
                    }
                    assert_eq!(asked.holds(&zone, now), holds, "{asked:?} at {now}");
                }
            }
        }
    }

    /// What is always the same never changes, nor does anything after the zone is known.
    #[test]
    fn never_changes() {
        let zone = amsterdam();
        let now = at(2026, 5, 1, 0);
        for asked in [
            today(Part::Hour, Operator::AtLeast, &[], &[0]),
            today(Part::Month, Operator::Above, &[], &[12]),
            today(Part::Weekday, Operator::Equal, &["someday"], &[]),
            today(Part::Day, Operator::Equal, &["2026-04-30"], &[]),
            today(Part::Day, Operator::AtLeast, &["zero"], &[]),
        ] {
            assert_eq!(asked.look(&zone, now).1, NEVER, "{asked:?}");
        }
        assert_eq!(
            today(Part::Hour, Operator::AtLeast, &[], &[9])
                .look(&zone, END - 1)
                .1,
            NEVER
        );
    }
}
