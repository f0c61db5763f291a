//! `idle`: the time since the latest event. It leaves the window with it.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;

/// Whether the latest event was so long ago.
#[inline]
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    let at = asked.rows.last();
    if m!("idle at the floor", at <= asked.floor, at < asked.floor) {
        return (false, NEVER);
    }
    kernel.duration(at, asked.now)
}

/// The time since the latest event, if it counts.
pub fn value(asked: &Asked) -> Value {
    let at = asked.rows.last();
    if at <= asked.floor {
        Value::Nothing
    } else {
        Value::Number((asked.now - at) as i128)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};

    /// From the bound on, exactly, until the event leaves the window.
    #[test]
    fn since_the_latest() {
        let (rows, names) = ([3, 0, 5, 0], Names::default());
        let holds = |operator, bound| over_time(&kernel(Measure::Idle, operator, bound, 1), &rows, &names);
        assert_eq!(holds(Operator::AtLeast, 4), (9..15).collect::<Vec<_>>());
        assert_eq!(holds(Operator::Above, 4), (10..15).collect::<Vec<_>>());
        assert_eq!(holds(Operator::Below, 2), [3, 4, 5, 6]);
        assert_eq!(holds(Operator::AtMost, 2), [3, 4, 5, 6, 7]);
        assert_eq!(holds(Operator::Equal, 4), [9]);
        assert_eq!(
            holds(Operator::Unequal, 4),
            (3..15).filter(|now| *now != 9).collect::<Vec<_>>()
        );
        let idle = kernel(Measure::Idle, Operator::AtLeast, 4, 1);
        assert_eq!(
            value_at(&idle, Measure::Idle, &rows, 14, &names),
            Value::Number(9)
        );
        assert_eq!(value_at(&idle, Measure::Idle, &rows, 15, &names), Value::Nothing);
    }
}
