//! `last(field)`: the value of a field at the latest event that has it.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::rows::NULL;
use crate::times::NEVER;

/// Whether the latest value is as asked.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    match latest(kernel, asked) {
        None => (false, NEVER),
        Some(word) => (
            kernel.holds_of(word, asked.names),
            asked.rows.last() + kernel.window,
        ),
    }
}

/// The latest value, if it counts.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    latest(kernel, asked).map_or(Value::Nothing, |word| kernel.shown(word))
}

fn latest(kernel: &Kernel, asked: &Asked) -> Option<i64> {
    let word = asked.rows.word(asked.rows.len() - 1, kernel.column);
    (m!(
        "the last at the floor counts",
        asked.rows.last() > asked.floor,
        asked.rows.last() >= asked.floor
    ) && word != NULL)
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    /// Only the latest counts, as long as it is in the window.
    #[test]
    fn the_latest_alone() {
        let (rows, names) = ([3, 40, 5, 50], Names::default());
        let less = kernel(Measure::Last, Operator::Below, 50, 1);
        assert_eq!(over_time(&less, &rows, &names), [3, 4]);
        assert_eq!(
            over_time(&kernel(Measure::Last, Operator::AtLeast, 50, 1), &rows, &names).len(),
            10
        );
        assert_eq!(
            value_at(&less, Measure::Last, &rows, 14, &names),
            Value::Number(50)
        );
        assert_eq!(value_at(&less, Measure::Last, &rows, 15, &names), Value::Nothing);
    }
}
