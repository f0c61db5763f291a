//! What the evaluations of each rule take: timed while it is asked for.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Spent in evaluations that were timed.
    pub spent: Duration,
    /// How many these are.
    pub evaluations: u64,
}

/// Of all rules of a partition.
#[derive(Debug, Default)]
pub struct Costs {
    /// Whether evaluations are timed.
    pub timed: bool,
    of_rules: Vec<Cell<Cost>>,
}

impl Costs {
    /// Costs of this many rules.
    pub fn new(rules: usize) -> Costs {
        Costs {
            timed: false,
            of_rules: vec![Cell::default(); rules],
        }
    }

    /// An evaluation begins.
    #[inline]
    pub fn begin(&self) -> Option<Instant> {
        if self.timed { Some(Instant::now()) } else { None }
    }

    /// The evaluation of a rule ends.
    #[inline]
    pub fn end(&self, place: usize, began: Option<Instant>) {
        if let Some(began) = began {
            let held = &self.of_rules[place];
            let Cost { spent, evaluations } = held.get();
            held.set(Cost {
                spent: spent + began.elapsed(),
                evaluations: evaluations + 1,
            });
        }
    }

    /// What was timed since the last time, by the rules' places.
    pub fn take(&self) -> Vec<Cost> {
        self.of_rules.iter().map(Cell::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only timed evaluations count; reading the costs resets them.
    #[test]
    fn counts_what_is_timed() {
        let mut costs = Costs::new(2);
        costs.end(1, costs.begin());
        costs.timed = true;
        costs.end(1, costs.begin());
        let found = costs.take();
        assert_eq!((found[0].evaluations, found[1].evaluations), (0, 1));
        assert_eq!(costs.take(), [Cost::default(); 2]);
    }
}
