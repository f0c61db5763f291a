//! `max(field)`, `min(field)`: the largest and the smallest value, of numbers or texts.

use super::{Asked, How, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::names::Names;
use crate::plan::Operator;
use crate::times::NEVER;
use std::cmp::Ordering;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `max`.
    Largest,
    /// `min`.
    Smallest,
}

/// How an extreme is compared: one value may do, or all must be looked at.
pub fn how(end: End, operator: Operator) -> How {
    let one_does = match end {
        End::Largest => matches!(operator, Operator::AtLeast | Operator::Above),
        End::Smallest => matches!(operator, Operator::AtMost | Operator::Below),
    };
    if one_does {
        How::ExtremeReach
    } else {
        How::Extreme(end)
    }
}

/// Whether one value passes the bound: until the latest of those ceases to count.
pub fn reached(kernel: &Kernel, asked: &Asked) -> Look {
    let found = asked
        .latest_first(kernel.column)
        .find(|each| kernel.holds_of(each.1, asked.names));
    found.map_or((false, NEVER), |(at, _)| {
        (
            true,
            m!(
                "an extreme falls late",
                at + kernel.window,
                at + kernel.window + 1
            ),
        )
    })
}

/// Whether the extreme is as asked.
pub fn look(kernel: &Kernel, end: End, asked: &Asked) -> Look {
    match extreme(kernel, end, asked) {
        None => (false, NEVER),
        Some(word) => (
            kernel.holds_of(word, asked.names),
            asked.expiry(asked.start(), kernel.window),
        ),
    }
}

/// The extreme, if there is any value.
pub fn value(kernel: &Kernel, end: End, asked: &Asked) -> Value {
    extreme(kernel, end, asked).map_or(Value::Nothing, |word| kernel.shown(word))
}

fn extreme(kernel: &Kernel, end: End, asked: &Asked) -> Option<i64> {
    let order = |a: &i64, b: &i64| {
        if kernel.text {
            by_text(asked.names, *a, *b)
        } else {
            a.cmp(b)
        }
    };
    let words = asked.latest_first(kernel.column).map(|each| each.1);
    if end == End::Largest {
        words.max_by(order)
    } else {
        words.min_by(order)
    }
}

fn by_text(names: &Names, left: i64, right: i64) -> Ordering {
    names.text(left).cmp(names.text(right))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, kernel_of_text, over_time, value_at};
    use super::*;
    use crate::plan::Measure;

    const ROWS: [i64; 6] = [3, 40, 5, 50, 9, 20];

    fn holds(measure: Measure, operator: Operator, bound: i128) -> Vec<i64> {
        over_time(&kernel(measure, operator, bound, 1), &ROWS, &Names::default())
    }

    /// The largest and the smallest within the window; of nothing there is none.
    #[test]
    fn of_numbers() {
        assert_eq!(
            holds(Measure::Max, Operator::AtLeast, 50),
            (5..15).collect::<Vec<_>>()
        );
        assert_eq!(holds(Measure::Max, Operator::Below, 50), [3, 4, 15, 16, 17, 18]);
        assert_eq!(
            holds(Measure::Min, Operator::AtMost, 20),
            (9..19).collect::<Vec<_>>()
        );
        assert_eq!(
            holds(Measure::Min, Operator::Above, 20),
            (3..9).collect::<Vec<_>>()
        );
        assert_eq!(
            holds(Measure::Min, Operator::Unequal, 40),
            (9..19).collect::<Vec<_>>()
        );
    }

    /// Texts are compared by their bytes.
    #[test]
    fn of_texts() {
        let mut names = Names::default();
        let [pear, apple, fig] = ["pear", "apple", "fig"].map(|text| names.intern(text.as_bytes()));
        let rows = [3, pear, 5, apple, 9, fig];
        let first = kernel_of_text(Measure::Max, Operator::Below, "g");
        assert_eq!(over_time(&first, &rows, &names), (13..19).collect::<Vec<_>>());
        assert_eq!(
            value_at(&first, Measure::Min, &rows, 9, &names),
            Value::Text(apple)
        );
        assert_eq!(value_at(&first, Measure::Max, &rows, 30, &names), Value::Nothing);
    }
}
