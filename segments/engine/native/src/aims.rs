//! What a rule is measured by, as the plan has it: `segments/plan/aims.py` says what each field means.

use crate::plan::{Field, Filter, Flips, Take};
use serde::Deserialize;

/// The goal of a rule and its arms; no part of its version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aim {
    /// Open watches go on in a rule set that has the same.
    pub identity: String,
    /// The events that an enter is to lead to.
    pub goal: Option<Goal>,
    /// Which customers are left alone.
    pub arms: Option<Arms>,
}

/// The events that an enter is to lead to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Which events.
    pub takes: Vec<Take>,
    /// Or which flips.
    pub flips: Vec<Flips>,
    /// Each line of `items` is an event of its own.
    pub lines: bool,
    /// Only events that pass.
    pub filter: Option<Filter>,
    /// In a rule with values only events that have the value which was entered.
    pub key: Option<Field>,
    /// The money of an event, in cents.
    pub revenue: Option<Field>,
    /// Milliseconds from the enter on; its two ends do not count.
    pub window: i64,
    /// As an outcome tells it.
    pub text: String,
}

/// Which customers are left alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arms {
    /// The name by which they are drawn.
    pub experiment: String,
    /// The percentage of them, as an outcome tells it.
    pub control: String,
    /// Of the 10,000 numbers of the split, those below this one are of the control group.
    pub below: u32,
}

impl Aim {
    /// Whether the numbers of topics and rules exist in a plan with this many.
    pub fn in_range(&self, topics: usize, rules: usize) -> bool {
        self.goal.as_ref().is_none_or(|goal| {
            goal.takes.iter().all(|take| take.topic < topics)
                && goal.flips.iter().all(|flips| flips.rule < rules)
                && goal.window > 0
        })
    }
}

impl Goal {
    /// Whether events of a kind of a topic are of its set.
    pub fn takes(&self, topic: usize, kind: &[u8]) -> bool {
        self.takes.iter().any(|take| {
            let kinds = take.kinds.as_ref();
            take.topic == topic && kinds.is_none_or(|kinds| kinds.iter().any(|each| each.as_bytes() == kind))
        })
    }

    /// Whether the flips of a rule are.
    pub fn hears(&self, rule: usize, enters: bool) -> bool {
        self.flips
            .iter()
            .any(|flips| (flips.rule, flips.enters) == (rule, enters))
    }
}
