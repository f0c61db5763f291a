//! `count()`: how many events there are. Counting up to a bound needs no counting: the k-th latest counts, or not.

use super::{Asked, How, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::plan::{Comparison, Operator};
use crate::times::NEVER;

/// A comparison that means `at least k` (rising) or `less than k`.
#[derive(Debug)]
pub struct Reach {
    k: usize,
    rising: bool,
}

/// How a count is compared.
pub fn how(comparison: &Comparison) -> How {
    let (more, rising) = match comparison.operator {
        Operator::AtLeast => (0, true),
        Operator::Above => (1, true),
        Operator::Below => (0, false),
        Operator::AtMost => (1, false),
        _ => return How::Count,
    };
    match comparison.numbers.first() {
        Some(bound) if bound.denominator == 1 => match bound.numerator.saturating_add(more) {
            ..=0 => How::Always(rising),
            k => How::CountReach(Reach {
                k: usize::try_from(k).unwrap_or(usize::MAX),
                rising,
            }),
        },
        _ => How::Count,
    }
}

impl Reach {
    /// Whether the k-th latest event counts.
    #[inline]
    pub fn look(&self, asked: &Asked, window: i64) -> Look {
        if let Some(row) = asked.rows.len().checked_sub(self.k) {
            let at = asked.rows.at(row);
            if m!("count at the floor", at > asked.floor, at >= asked.floor) {
                return (
                    self.rising,
                    m!("a count falls late", at + window, at + window + 1),
                );
            }
        }
        (!self.rising, NEVER)
    }
}

/// Whether the number of events is as asked.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    let start = asked.start();
    let count = (asked.rows.len() - start) as i128;
    (
        kernel.comparison.of_number(count),
        m!("a count never changes", asked.expiry(start, kernel.window), NEVER),
    )
}

/// The number of events.
pub fn value(asked: &Asked) -> Value {
    Value::Number((asked.rows.len() - asked.start()) as i128)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::Measure;

    const ROWS: [i64; 6] = [3, 0, 5, 0, 9, 0];

    fn holds(operator: Operator, numerator: i128, denominator: i128) -> Vec<i64> {
        over_time(
            &kernel(Measure::Count, operator, numerator, denominator),
            &ROWS,
            &Names::default(),
        )
    }

    /// An event at t counts while t <= now < t + window.
    #[test]
    fn counts_within_the_window() {
        assert_eq!(holds(Operator::AtLeast, 2, 1), (5..15).collect::<Vec<_>>());
        assert_eq!(holds(Operator::Above, 2, 1), (9..13).collect::<Vec<_>>());
        assert_eq!(
            holds(Operator::Below, 1, 1),
            [0, 1, 2].into_iter().chain(19..40).collect::<Vec<_>>()
        );
        assert_eq!(holds(Operator::AtMost, 0, 1), holds(Operator::Below, 1, 1));
        assert_eq!(holds(Operator::Equal, 3, 1), holds(Operator::AtLeast, 5, 2));
        assert_eq!(holds(Operator::AtLeast, -1, 1).len(), 40);
        assert!(holds(Operator::AtLeast, i128::MAX, 1).is_empty());
    }

    /// The value is the number of those that count.
    #[test]
    fn the_value_counts() {
        let kernel = kernel(Measure::Count, Operator::AtLeast, 1, 1);
        let at = |now| value_at(&kernel, Measure::Count, &ROWS, now, &Names::default());
        assert_eq!(
            (at(9), at(13), at(19)),
            (Value::Number(3), Value::Number(2), Value::Number(0))
        );
    }
}
