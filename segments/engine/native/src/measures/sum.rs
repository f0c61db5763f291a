//! `sum(field)`: exact. Of nothing it is 0, which the evidence shows as a plain 0.

use super::{Asked, Kernel, Reach, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;

/// Whether a sum that only grows with each event reaches its bound.
pub fn reached(kernel: &Kernel, reach: &Reach, asked: &Asked) -> Look {
    let mut found: i128 = 0;
    for (at, word) in asked.latest_first(kernel.column) {
        found += word as i128;
        if reach.comparison.of_number(found) {
            return (
                reach.holds,
                m!("a sum falls late", at + kernel.window, at + kernel.window + 1),
            );
        }
    }
    (!reach.holds, NEVER)
}

/// Whether the sum is as asked.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    let sum = asked.latest_first(kernel.column).map(|each| each.1 as i128).sum();
    (
        kernel.comparison.of_number(sum),
        m!(
            "a sum never changes",
            asked.expiry(asked.start(), kernel.window),
            NEVER
        ),
    )
}

/// The sum, if there is anything to be added.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    let words = asked.latest_first(kernel.column).map(|each| each.1 as i128);
    words
        .reduce(|sum, word| sum + word)
        .map_or(Value::Nothing, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};
    use crate::rows::NULL;

    const ROWS: [i64; 8] = [3, 40, 4, NULL, 5, 50, 9, 20];

    fn holds(operator: Operator, bound: i128) -> Vec<i64> {
        over_time(
            &kernel(Measure::Sum, operator, bound, 1),
            &ROWS,
            &Names::default(),
        )
    }

    /// Those within the window are added; missing ones are skipped.
    #[test]
    fn adds_up() {
        assert_eq!(holds(Operator::AtLeast, 90), (5..13).collect::<Vec<_>>());
        assert_eq!(holds(Operator::Above, 90), (9..13).collect::<Vec<_>>());
        assert_eq!(
            holds(Operator::Below, 20),
            [0, 1, 2].into_iter().chain(19..40).collect::<Vec<_>>()
        );
        assert_eq!(holds(Operator::Equal, 110), holds(Operator::Above, 90));
        assert_eq!(holds(Operator::AtLeast, 0).len(), 40);
    }

    /// The value is none where all are missing.
    #[test]
    fn the_value_is_none_of_nothing() {
        let kernel = kernel(Measure::Sum, Operator::AtLeast, 1, 1);
        let at = |now| value_at(&kernel, Measure::Sum, &ROWS, now, &Names::default());
        assert_eq!(
            (at(9), at(14), at(19)),
            (Value::Number(110), Value::Number(70), Value::Nothing)
        );
    }

    /// A sum of the largest numbers does not overflow.
    #[test]
    fn does_not_overflow() {
        let kernel = kernel(Measure::Sum, Operator::Equal, 2 * i64::MAX as i128, 1);
        assert!(over_time(&kernel, &[0, i64::MAX, 1, i64::MAX], &Names::default()).contains(&5));
    }
}
