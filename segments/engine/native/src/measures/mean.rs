//! `mean(field)`: the sum against the bound times the number, exact, without a division.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;

/// Whether the mean is as asked.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    match value(kernel, asked) {
        Value::Mean(total, count) => {
            let holds = kernel.comparison.of_mean(total, count as i128);
            (
                holds,
                m!(
                    "a mean never changes",
                    asked.expiry(asked.start(), kernel.window),
                    NEVER
                ),
            )
        }
        _ => (false, NEVER),
    }
}

/// The sum, and of how many, if there is any.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    let words = asked.latest_first(kernel.column);
    let (total, count) = words.fold((0, 0), |(total, count), each| (total + each.1 as i128, count + 1));
    if count == 0 {
        Value::Nothing
    } else {
        Value::Mean(total, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    const ROWS: [i64; 6] = [3, 40, 5, 51, 9, 20];

    /// A mean is compared as a fraction.
    #[test]
    fn as_a_fraction() {
        let half = kernel(Measure::Mean, Operator::Equal, 91, 2);
        assert_eq!(
            over_time(&half, &ROWS, &Names::default()),
            (5..9).collect::<Vec<_>>()
        );
        let most = kernel(Measure::Mean, Operator::AtMost, 37, 1);
        assert_eq!(
            over_time(&most, &ROWS, &Names::default()),
            (9..19).filter(|now| *now != 0).collect::<Vec<_>>()
        );
        assert_eq!(
            value_at(&half, Measure::Mean, &ROWS, 9, &Names::default()),
            Value::Mean(111, 3)
        );
        assert_eq!(
            value_at(&half, Measure::Mean, &ROWS, 19, &Names::default()),
            Value::Nothing
        );
    }
}
