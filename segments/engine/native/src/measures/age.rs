//! `age`: the time since the earliest event of the window. It leaves the window with it.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::times::NEVER;

/// Whether the earliest event was so long ago.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    let start = asked.start();
    if start == asked.rows.len() {
        return (false, NEVER);
    }
    kernel.duration(asked.rows.at(start), asked.now)
}

/// The time since the earliest event that counts.
pub fn value(asked: &Asked) -> Value {
    let start = asked.start();
    if start == asked.rows.len() {
        return Value::Nothing;
    }
    Value::Number((asked.now - asked.rows.at(start)) as i128)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    /// From the bound on until the earliest event leaves the window, then of the next one.
    #[test]
    fn since_the_earliest() {
        let (rows, names) = ([3, 0, 9, 0], Names::default());
        let age = kernel(Measure::Age, Operator::AtLeast, 6, 1);
        assert_eq!(
            over_time(&age, &rows, &names),
            (9..13).chain(15..19).collect::<Vec<_>>()
        );
        assert_eq!(value_at(&age, Measure::Age, &rows, 13, &names), Value::Number(4));
        assert_eq!(value_at(&age, Measure::Age, &rows, 19, &names), Value::Nothing);
    }
}
