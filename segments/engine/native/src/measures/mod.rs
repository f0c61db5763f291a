//! The measures: two questions to each, over the rows of one stream at one instant.
//!
//! Both see the rows, `floor` (only later ones count) and `now`. *Look*: whether the comparison holds, and an instant
//! after `now` before which that can't change by time alone; it may be early, never late, since whoever uses it looks
//! again then; `NEVER`: time alone changes nothing. *Value*: what the evidence shows.

mod age;
mod buying;
mod count;
mod distinct;
mod extreme;
mod first;
mod gap;
mod idle;
mod last;
mod mean;
mod mode;
mod sum;
mod values;

use serde::Deserialize;

use crate::by_key::Look;
use crate::mutants::m;
use crate::names::Names;
use crate::plan::{Comparison, Measured, Operator};
use crate::rows::{NULL, Series};
use crate::times::NEVER;

/// The measures, by the names that the plan has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names of the language")]
pub enum Measure {
    Count,
    Sum,
    Mean,
    Max,
    Min,
    Distinct,
    Idle,
    Age,
    Last,
    First,
    Mode,
    Gap,
    Alive,
    Expected,
    Clv,
    Values,
}

/// Millionths in a unit.
const MILLION: i128 = 1_000_000;

/// What a measure comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// It has none.
    Nothing,
    /// A number, cents or milliseconds.
    Number(i128),
    /// The number of a text.
    Text(i64),
    /// A sum, and of how many.
    Mean(i128, i64),
}

/// What a question is asked of.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The rows, of which there is at least one.
    pub rows: Series<'a>,
    /// Only later rows count.
    pub floor: i64,
    /// The instant of the question.
    pub now: i64,
    /// The texts of the partition.
    pub names: &'a Names,
}

impl Asked<'_> {
    /// The first row that counts.
    fn start(&self) -> usize {
        self.rows.upto(self.floor)
    }

    /// When the first row that counts ceases to, by its place.
    fn expiry(&self, start: usize, window: i64) -> i64 {
        if start < self.rows.len() {
            self.rows.at(start) + window
        } else {
            NEVER
        }
    }

    /// The values that count and are not missing, the latest first, each with its instant.
    fn latest_first(&self, column: usize) -> impl Iterator<Item = (i64, i64)> {
        let rows = self.rows;
        let counted = (0..rows.len()).rev().take_while(move |row| {
            m!(
                "a value at the floor counts",
                rows.at(*row) > self.floor,
                rows.at(*row) >= self.floor
            )
        });
        counted
            .map(move |row| (rows.at(row), rows.word(row, column)))
            .filter(|each| each.1 != NULL)
    }
}

/// A measure against its bound, as it is looked at.
#[derive(Debug)]
pub struct Kernel {
    column: usize,
    window: i64,
    text: bool,
    comparison: Comparison,
    how: How,
    /// Whether it holds of nothing.
    pub nothing: bool,
}

#[derive(Debug)]
enum How {
    Always(bool),
    CountReach(count::Reach),
    Count,
    SumReach(Reach),
    Sum,
    DistinctReach(Reach),
    Distinct,
    ExtremeReach,
    Extreme(extreme::End),
    Mean,
    Last,
    First,
    Mode,
    Gap,
    Idle,
    Age,
    Buying(Box<buying::Buying>),
}

/// A bound that a measure may reach, if time alone only moves the measure away from it.
///
/// From the latest row backwards only as many are looked at as reach the bound; with the last of them it is lost.
#[derive(Debug)]
pub struct Reach {
    comparison: Comparison,
    holds: bool,
}

impl Reach {
    /// For a measure that counts up from nothing; None: the comparison has no such bound.
    fn rising(comparison: &Comparison) -> Option<Reach> {
        let (operator, holds) = match comparison.operator {
            Operator::AtLeast | Operator::Above => (comparison.operator, true),
            Operator::Below => (Operator::AtLeast, false),
            Operator::AtMost => (Operator::Above, false),
            _ => return None,
        };
        let found = Comparison {
            operator,
            ..comparison.clone()
        };
        (!comparison.numbers.is_empty()).then_some(Reach {
            comparison: found,
            holds,
        })
    }
}

impl Kernel {
    /// Of a measure in the plan; `column`: where in a row its field stands.
    pub fn new(measured: &Measured, column: usize) -> Kernel {
        let comparison = measured.comparison.clone();
        let counts = matches!(
            measured.measure,
            Measure::Count | Measure::Sum | Measure::Distinct
        );
        let nothing = counts && comparison.of_number(0);
        let how = match measured.measure {
            Measure::Count => count::how(&comparison),
            Measure::Sum => match Reach::rising(&comparison).filter(|_| measured.monotone) {
                Some(reach) if nothing == reach.holds => How::Always(reach.holds),
                Some(reach) => How::SumReach(reach),
                None => How::Sum,
            },
            Measure::Distinct => match Reach::rising(&comparison) {
                Some(reach) if nothing == reach.holds => How::Always(reach.holds),
                Some(reach) => How::DistinctReach(reach),
                None => How::Distinct,
            },
            Measure::Max => extreme::how(extreme::End::Largest, comparison.operator),
            Measure::Min => extreme::how(extreme::End::Smallest, comparison.operator),
            Measure::Mean => How::Mean,
            Measure::Last => How::Last,
            Measure::First => How::First,
            Measure::Mode => How::Mode,
            Measure::Gap => How::Gap,
            Measure::Idle => How::Idle,
            Measure::Age => How::Age,
            // Nothing is compared with it.
            Measure::Values => How::Always(false),
            Measure::Alive | Measure::Expected | Measure::Clv => match &measured.model {
                Some(model) => How::Buying(Box::new(buying::Buying::new(
                    measured.measure,
                    model,
                    &comparison,
                ))),
                // The plan's reader refuses it.
                None => How::Always(false),
            },
        };
        let text = measured.kind == crate::plan::Kind::Text;
        Kernel {
            column,
            window: measured.window,
            text,
            comparison,
            how,
            nothing,
        }
    }

    /// Whether the comparison holds, and until when time alone can't change that.
    #[inline]
    pub fn look(&self, asked: &Asked) -> Look {
        match &self.how {
            How::Always(holds) => (*holds, NEVER),
            How::CountReach(reach) => reach.look(asked, self.window),
            How::Count => count::look(self, asked),
            How::SumReach(reach) => sum::reached(self, reach, asked),
            How::Sum => sum::look(self, asked),
            How::DistinctReach(reach) => distinct::reached(self, reach, asked),
            How::Distinct => distinct::look(self, asked),
            How::ExtremeReach => extreme::reached(self, asked),
            How::Extreme(end) => extreme::look(self, *end, asked),
            How::Mean => mean::look(self, asked),
            How::Last => last::look(self, asked),
            How::First => first::look(self, asked),
            How::Mode => mode::look(self, asked),
            How::Gap => gap::look(self, asked),
            How::Idle => idle::look(self, asked),
            How::Age => age::look(self, asked),
            How::Buying(buying) => buying::look(buying, asked, self.window),
        }
    }

    /// What the measure comes to.
    pub fn value(&self, measure: Measure, asked: &Asked) -> Value {
        match measure {
            Measure::Count => count::value(asked),
            Measure::Sum => sum::value(self, asked),
            Measure::Distinct => distinct::value(self, asked),
            Measure::Max => extreme::value(self, extreme::End::Largest, asked),
            Measure::Min => extreme::value(self, extreme::End::Smallest, asked),
            Measure::Mean => mean::value(self, asked),
            Measure::Last => last::value(self, asked),
            Measure::First => first::value(self, asked),
            Measure::Mode => mode::value(self, asked),
            Measure::Gap => gap::value(asked),
            Measure::Idle => idle::value(asked),
            Measure::Age => age::value(asked),
            Measure::Values => Value::Nothing,
            Measure::Alive | Measure::Expected | Measure::Clv => match &self.how {
                How::Buying(buying) => buying::value(buying, asked),
                _ => Value::Nothing,
            },
        }
    }

    /// What the measure comes to as a number: so many of so many; and until when time alone can't change that, unless
    /// it is a duration that grows.
    pub fn number(&self, measure: Measure, scale: i64, asked: Option<&Asked>) -> (Option<(i128, i128)>, i64) {
        let scale = scale as i128;
        let value = asked.map_or(Value::Nothing, |asked| self.value(measure, asked));
        let found = match value {
            Value::Number(number) => Some((number, scale)),
            Value::Mean(total, count) => Some((total, count as i128 * scale)),
            _ => matches!(measure, Measure::Count | Measure::Sum | Measure::Distinct).then_some((0, 1)),
        };
        let until = asked.map_or(NEVER, |asked| asked.expiry(asked.start(), self.window));
        (found, until)
    }

    /// What the measure comes to in millionths, rounded down; None: it has no value, or is zero.
    pub fn millionths(&self, measure: Measure, scale: i64, asked: &Asked) -> Option<i128> {
        if let How::Buying(buying) = &self.how {
            return buying::millionths(buying, asked);
        }
        let (number, below) = self.number(measure, scale, Some(asked)).0?;
        (number != 0).then(|| {
            let (whole, rest) = (number.div_euclid(below), number.rem_euclid(below));
            whole * MILLION + rest * MILLION / below
        })
    }

    /// Whether the comparison holds of a word of the column.
    #[inline]
    fn holds_of(&self, word: i64, names: &Names) -> bool {
        if self.text {
            self.comparison.of_text(names.text(word))
        } else {
            self.comparison.of_number(word as i128)
        }
    }

    fn shown(&self, word: i64) -> Value {
        if self.text {
            Value::Text(word)
        } else {
            Value::Number(word as i128)
        }
    }

    /// How a time since an instant compares with its bound, and when it passes it next: before it leaves the window.
    fn duration(&self, at: i64, now: i64) -> Look {
        let elapsed = (now - at) as i128;
        let holds = self.comparison.of_number(elapsed);
        let steps: &[i64] = match self.comparison.operator {
            Operator::AtLeast | Operator::Below => m!("a duration is crossed late", &[0], &[1]),
            Operator::Above | Operator::AtMost => m!("a duration is crossed early", &[1], &[0]),
            _ => &[0, 1],
        };
        let bound = self
            .comparison
            .numbers
            .first()
            .map_or(NEVER, |bound| bound.numerator.min(NEVER as i128) as i64);
        for step in steps {
            if bound + step < self.window && at + bound + step > now {
                return (holds, at + bound + step);
            }
        }
        (
            holds,
            m!("a duration leaves late", at + self.window, at + self.window + 1),
        )
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Kernels over rows of `[instant, value]`, looked at at every instant.

    use super::*;
    use crate::plan::{Kind, Ratio};

    /// A kernel of a measure against one bound, in a window of ten milliseconds.
    pub fn kernel(measure: Measure, operator: Operator, numerator: i128, denominator: i128) -> Kernel {
        let comparison = Comparison {
            operator,
            texts: vec![],
            numbers: vec![Ratio {
                numerator,
                denominator,
            }],
        };
        Kernel::new(&measured(measure, comparison, Kind::Number), 1)
    }

    /// A kernel of a measure of texts against one bound, in a window of ten milliseconds.
    pub fn kernel_of_text(measure: Measure, operator: Operator, bound: &str) -> Kernel {
        let comparison = Comparison {
            operator,
            texts: vec![bound.into()],
            numbers: vec![],
        };
        Kernel::new(&measured(measure, comparison, Kind::Text), 1)
    }

    fn measured(measure: Measure, comparison: Comparison, kind: Kind) -> Measured {
        Measured {
            measure,
            known: 0,
            stream: 0,
            view: None,
            column: Some(0),
            kind,
            scale: 1,
            monotone: true,
            by: None,
            reset: None,
            reset_view: None,
            same: false,
            after: vec![],
            window: 10,
            offset: 0,
            during: None,
            model: None,
            border: None,
            comparison,
        }
    }

    /// For each instant up to 40 whether it holds; each look must be right about when that changes.
    pub fn over_time(kernel: &Kernel, words: &[i64], names: &Names) -> Vec<i64> {
        let rows = Series::new(words, 2);
        let look = |now: i64| {
            let seen = rows.first(rows.upto(now));
            if seen.is_empty() {
                return (kernel.nothing, NEVER);
            }
            kernel.look(&Asked {
                rows: seen,
                floor: now - 10,
                now,
                names,
            })
        };
        for now in 0..40 {
            let (holds, until) = look(now);
            let next_row = (0..rows.len())
                .map(|row| rows.at(row))
                .find(|at| *at > now)
                .unwrap_or(NEVER);
            assert!(until > now);
            for later in now..40.min(until).min(next_row) {
                assert_eq!(
                    look(later).0,
                    holds,
                    "at {now} it was said to hold until {until}, at {later} it changed"
                );
            }
        }
        (0..40).filter(|now| look(*now).0).collect()
    }

    /// The value at an instant.
    pub fn value_at(kernel: &Kernel, measure: Measure, words: &[i64], now: i64, names: &Names) -> Value {
        let rows = Series::new(words, 2);
        kernel.value(
            measure,
            &Asked {
                rows: rows.first(rows.upto(now)),
                floor: now - 10,
                now,
                names,
            },
        )
    }
}
