//! `distinct(field)`: how many different values a field has.

use super::{Asked, Kernel, Reach, Value};
use crate::by_key::Look;
use crate::mutants::m;
use crate::times::NEVER;
use hashbrown::HashSet;
use smallvec::SmallVec;

/// Values that are looked through one by one; more of them are held in a set.
const FEW: usize = 16;

/// The values met so far.
#[derive(Default)]
struct Met {
    few: SmallVec<[i64; FEW]>,
    many: HashSet<i64, foldhash::fast::RandomState>,
}

impl Met {
    fn add(&mut self, word: i64) {
        if !self.many.is_empty() {
            self.many.insert(word);
        } else if !self.few.contains(&word) {
            self.few.push(word);
            if self.few.len() > FEW {
                self.many.extend(self.few.drain(..));
            }
        }
    }

    fn count(&self) -> usize {
        self.few.len().max(self.many.len())
    }
}

/// Whether there are as many values as the bound asks for.
pub fn reached(kernel: &Kernel, reach: &Reach, asked: &Asked) -> Look {
    let mut met = Met::default();
    for (at, word) in asked.latest_first(kernel.column) {
        met.add(word);
        if reach.comparison.of_number(met.count() as i128) {
            return (
                reach.holds,
                m!(
                    "distinct values fall late",
                    at + kernel.window,
                    at + kernel.window + 1
                ),
            );
        }
    }
    (!reach.holds, NEVER)
}

/// Whether the number of values is as asked.
pub fn look(kernel: &Kernel, asked: &Asked) -> Look {
    (
        kernel.comparison.of_number(count(kernel, asked) as i128),
        asked.expiry(asked.start(), kernel.window),
    )
}

/// The number of values.
pub fn value(kernel: &Kernel, asked: &Asked) -> Value {
    Value::Number(count(kernel, asked) as i128)
}

fn count(kernel: &Kernel, asked: &Asked) -> usize {
    let mut met = Met::default();
    asked.latest_first(kernel.column).for_each(|each| met.add(each.1));
    met.count()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, over_time, value_at};
    use super::*;
    use crate::names::Names;
    use crate::plan::{Measure, Operator};
    use crate::rows::NULL;

    const ROWS: [i64; 10] = [3, 7, 4, NULL, 5, 8, 9, 7, 10, 9];

    fn holds(operator: Operator, bound: i128) -> Vec<i64> {
        over_time(
            &kernel(Measure::Distinct, operator, bound, 1),
            &ROWS,
            &Names::default(),
        )
    }

    /// A value counts once, and as long as its latest event.
    #[test]
    fn counts_values() {
        assert_eq!(holds(Operator::AtLeast, 2), (5..19).collect::<Vec<_>>());
        assert_eq!(holds(Operator::Equal, 3), (10..15).collect::<Vec<_>>());
        assert_eq!(
            holds(Operator::AtMost, 0),
            [0, 1, 2].into_iter().chain(20..40).collect::<Vec<_>>()
        );
    }

    /// Many values are counted as few are.
    #[test]
    fn counts_many() {
        let words: Vec<i64> = (0..400).flat_map(|number| [5, number % 100]).collect();
        let kernel = kernel(Measure::Distinct, Operator::AtLeast, 100, 1);
        let names = Names::default();
        assert_eq!(
            value_at(&kernel, Measure::Distinct, &words, 5, &names),
            Value::Number(100)
        );
        assert_eq!(over_time(&kernel, &words, &names), (5..15).collect::<Vec<_>>());
    }
}
