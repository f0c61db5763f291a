//! `mode(field)`: the most frequent value of a field, of several the one that came last.

use super::{Asked, Kernel, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;
use hashbrown::HashMap;

/// Whether the most frequent value is as asked: another one may be as any event leaves the window.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    match most(kernel, asked) {
        None => (false, NEVER),
        Some(word) => (
            kernel.holds_of(word, asked.names),
            m!(
                "the most frequent value stays",
                asked.expiry(asked.start(), kernel.window),
                asked.rows.last() + kernel.window
            ),
        ),
    }
}

/// The most frequent value, if there is any.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    most(kernel, asked).map_or(Value::Nothing, |word| kernel.shown(word))
}

fn most(kernel: &Kernel, asked: &Asked) -> Option<i64> {
    // How often each came, and how many came later than its last.
    let mut met: HashMap<i64, (usize, usize), foldhash::fast::RandomState> = HashMap::default();
    for (later, (_, word)) in asked.latest_first(kernel.column).enumerate() {
        met.entry(word).or_insert((0, later)).0 += 1;
    }
    let found = met.iter().max_by_key(|(_, (count, later))| {
        (
            *count,
            m!(
                "of several the first",
                std::cmp::Reverse(*later),
                std::cmp::Reverse(usize::MAX - *later)
            ),
        )
    });
    found.map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, kernel_of_text, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};
    use crate::rows::NULL;

    /// The most frequent within the window; of as many the one that came last.
    #[test]
    fn the_most_frequent() {
        let (rows, names) = ([3, 7, 4, NULL, 5, 8, 6, 7, 9, 8], Names::default());
        let seven = kernel(Measure::Mode, Operator::Equal, 7, 1);
        assert_eq!(over_time(&seven, &rows, &names), [3, 4, 6, 7, 8]);
        let at = |now| value_at(&seven, Measure::Mode, &rows, now, &names);
        assert_eq!(
            (at(8), at(9), at(18), at(19)),
            (
                Value::Number(7),
                Value::Number(8),
                Value::Number(8),
                Value::Nothing
            )
        );
    }

    /// Of texts, too.
    #[test]
    fn of_texts() {
        let mut names = Names::default();
        let [pear, fig] = ["pear", "fig"].map(|text| names.intern(text.as_bytes()));
        let rows = [3, pear, 5, fig, 6, pear];
        let mode = kernel_of_text(Measure::Mode, Operator::Equal, "pear");
        assert_eq!(
            over_time(&mode, &rows, &names),
            [3, 4].into_iter().chain(6..16).collect::<Vec<_>>()
        );
        assert_eq!(value_at(&mode, Measure::Mode, &rows, 5, &names), Value::Text(fig));
    }
}
