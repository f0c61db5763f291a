//! Whether every number in a plan is one of something that the plan has.

use super::{
    After, Asked, Calculated, Condition, Field, Filter, Leaf, Measure, Measured, Plan, Rule, Stream, Term,
    View,
};

impl Plan {
    pub(super) fn in_range(&self) -> bool {
        let topics = |stream: &Stream| stream.takes.iter().all(|take| take.topic < self.topics.len());
        self.streams.iter().all(|stream| {
            let flips = stream.flips.iter().all(|flips| flips.rule < self.rules.len());
            topics(stream) && flips && self.are_rules(&stream.readers)
        }) && self.leaves.iter().all(|leaf| self.leaf_in_range(leaf))
            && self
                .rules
                .iter()
                .enumerate()
                .all(|(place, rule)| self.rule_in_range(place, rule))
    }

    fn are_rules(&self, places: &[usize]) -> bool {
        places.iter().all(|place| *place < self.rules.len())
    }

    fn leaf_in_range(&self, leaf: &Leaf) -> bool {
        match &leaf.asked {
            Asked::Measured(asked) => self.measured_in_range(asked),
            Asked::Calculated(asked) => self.calculated_in_range(asked),
            Asked::Inside { rule, .. } => *rule < self.rules.len(),
            Asked::Profile { .. }
            | Asked::List { .. }
            | Asked::Date(_)
            | Asked::Today { .. }
            | Asked::Consent { .. }
            | Asked::Split { .. } => true,
        }
    }

    fn measured_in_range(&self, asked: &Measured) -> bool {
        let Some(stream) = self.streams.get(asked.stream) else {
            return false;
        };
        let linked = |after: &After| {
            self.streams
                .get(after.stream)
                .is_some_and(|stream| after.view.as_ref().is_none_or(|view| view.in_range(stream)))
        };
        asked.known < self.measures.len()
            && asked.after.iter().all(linked)
            && asked.column.is_none_or(|column| column < stream.columns.len())
            && asked.model_in_range(stream)
            && asked.border.is_none_or(|border| border < self.borders.len())
            && asked.view.as_ref().is_none_or(|view| view.in_range(stream))
            && match asked.reset.map(|reset| self.streams.get(reset)) {
                None => asked.reset_view.is_none(),
                Some(None) => false,
                Some(Some(reset)) => asked.reset_view.as_ref().is_none_or(|view| view.in_range(reset)),
            }
    }

    fn calculated_in_range(&self, asked: &Calculated) -> bool {
        let parts = asked.parts.len();
        asked.left.in_range(parts)
            && asked.right.in_range(parts)
            && asked.parts.iter().all(|part| self.measured_in_range(part))
    }

    fn rule_in_range(&self, place: usize, rule: &Rule) -> bool {
        let leaves = self.leaves.len();
        rule.leaves.iter().all(|leaf| *leaf < leaves)
            && rule.reads.iter().all(|read| *read < place)
            && self.are_rules(&rule.readers)
            && rule.rank < self.rules.len()
            && rule
                .aim
                .as_ref()
                .is_none_or(|aim| aim.in_range(self.topics.len(), self.rules.len()))
            && rule.when.in_range(leaves)
            && rule.stages.iter().all(|stage| stage.when.in_range(leaves))
            && rule.details.iter().all(|detail| {
                let listed = detail.asked.measure == Measure::Values;
                self.measured_in_range(&detail.asked) && (!listed || detail.asked.column.is_some())
            })
            && rule.until.as_ref().is_none_or(|until| until.in_range(leaves))
    }
}

impl Measured {
    /// Those that need a model have one, with all its numbers and columns of the stream.
    fn model_in_range(&self, stream: &Stream) -> bool {
        let needed = matches!(self.measure, Measure::Alive | Measure::Expected | Measure::Clv);
        let Some(model) = &self.model else {
            return !needed;
        };
        needed
            && model.parameters.len() == 4
            && model.spend.as_ref().is_none_or(|spend| spend.len() == 3)
            && (self.measure != Measure::Clv || model.spend.is_some())
            && model.day < stream.columns.len()
            && model.amount.is_none_or(|column| column < stream.columns.len())
    }
}

impl View {
    fn in_range(&self, stream: &Stream) -> bool {
        let has = |field: &Field| stream.column(field).is_some();
        self.key.as_ref().is_none_or(has)
            && self.present.as_ref().is_none_or(has)
            && self.filter.as_ref().is_none_or(|filter| filter.reads_only(&has))
    }
}

impl Filter {
    fn reads_only(&self, has: &impl Fn(&Field) -> bool) -> bool {
        match self {
            Filter::Test { field, .. } => has(field),
            Filter::Not { test } => test.reads_only(has),
            Filter::Any { tests } | Filter::All { tests } => tests.iter().all(|test| test.reads_only(has)),
        }
    }
}

impl Condition {
    fn in_range(&self, leaves: usize) -> bool {
        match self {
            Condition::Leaf { leaf } => *leaf < leaves,
            Condition::Not { condition } => condition.in_range(leaves),
            Condition::All { conditions } | Condition::Any { conditions } => {
                conditions.iter().all(|condition| condition.in_range(leaves))
            }
        }
    }
}

impl Term {
    fn in_range(&self, parts: usize) -> bool {
        match self {
            Term::Constant { .. } => true,
            Term::Part { part } => *part < parts,
            Term::Product { of, .. } => of.in_range(parts),
            Term::Sum { left, right, .. } | Term::Quotient { left, right } => {
                left.in_range(parts) && right.in_range(parts)
            }
        }
    }
}
