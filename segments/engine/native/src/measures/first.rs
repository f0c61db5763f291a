//! `first(field)`: the value of a field at the earliest event that has it.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::rows::NULL;
use crate::times::NEVER;

/// Whether the earliest value is as asked: until its event leaves the window.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    match earliest(kernel, asked) {
        None => (false, NEVER),
        Some((row, word)) => (
            kernel.holds_of(word, asked.names),
            m!(
                "a first value stays",
                asked.rows.at(row) + kernel.window,
                asked.rows.last() + kernel.window
            ),
        ),
    }
}

/// The earliest value, if there is any.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    earliest(kernel, asked).map_or(Value::Nothing, |(_, word)| kernel.shown(word))
}

fn earliest(kernel: &Kernel, asked: &Asked) -> Option<(usize, i64)> {
    (asked.start()..asked.rows.len())
        .map(|row| (row, asked.rows.word(row, kernel.column)))
        .find(|each| each.1 != NULL)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    /// The earliest that counts and is not missing; as it leaves the window, the next one.
    #[test]
    fn the_earliest_alone() {
        let (rows, names) = ([2, NULL, 3, 40, 5, 50], Names::default());
        let less = kernel(Measure::First, Operator::Below, 50, 1);
        assert_eq!(over_time(&less, &rows, &names), (3..13).collect::<Vec<_>>());
        let most = kernel(Measure::First, Operator::AtLeast, 50, 1);
        assert_eq!(over_time(&most, &rows, &names), [13, 14]);
        let at = |now| value_at(&less, Measure::First, &rows, now, &names);
        assert_eq!(
            (at(12), at(13), at(15)),
            (Value::Number(40), Value::Number(50), Value::Nothing)
        );
    }
}
