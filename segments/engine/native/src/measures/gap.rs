//! `gap`: the mean time between consecutive events, rounded down to the millisecond. It needs two events.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;

/// Whether the gap is as asked: it is another one once the earliest event leaves the window.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    match gap(asked) {
        None => (false, NEVER),
        Some(gap) => (
            kernel.comparison.of_number(gap as i128),
            m!(
                "a gap never changes",
                asked.expiry(asked.start(), kernel.window),
                NEVER
            ),
        ),
    }
}

/// The gap, of two events or more.
pub fn value(asked: &Asked) -> Value {
    gap(asked).map_or(Value::Nothing, |gap| Value::Number(gap as i128))
}

fn gap(asked: &Asked) -> Option<i64> {
    let start = asked.start();
    let count = (asked.rows.len() - start) as i64;
    let between = m!("a gap counts events", count - 1, count);
    (count > 1).then(|| (asked.rows.last() - asked.rows.at(start)) / between)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    /// From the earliest to the latest that count, divided by one less than there are, rounded down.
    #[test]
    fn between_events() {
        let (rows, names) = ([3, 0, 5, 0, 10, 0], Names::default());
        let three = kernel(Measure::Gap, Operator::Equal, 3, 1);
        assert_eq!(over_time(&three, &rows, &names), [10, 11, 12]);
        let five = kernel(Measure::Gap, Operator::AtLeast, 5, 1);
        assert_eq!(over_time(&five, &rows, &names), [13, 14]);
        let at = |now| value_at(&three, Measure::Gap, &rows, now, &names);
        assert_eq!(
            (at(4), at(5), at(12), at(15)),
            (Value::Nothing, Value::Number(2), Value::Number(3), Value::Nothing)
        );
    }
}
