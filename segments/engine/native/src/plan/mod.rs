//! The plan: a rule set as data, read from the bytes that `segments.plan` writes.
//!
//! The types mirror `segments/plan/ir.py` and `events.py`, which say what each field means. Numbers of streams, leaves and rules are
//! indices into the plan's own vectors; [`Plan::read`] refuses a plan in which one of them is out of range, so that
//! users of a plan may index without checks.

mod asked;
mod fields;
mod numbers;
mod range;

use std::fmt;

use serde::Deserialize;

use crate::aims::Aim;
use crate::borders::BorderKey;
pub use crate::measures::Measure;
use crate::sources;
use crate::wire::record::Format;
use crate::zone::Zone;
pub use asked::{After, Asked, Bound, Calculated, Measured, Model, Term, View};
pub use fields::{Comparison, Field, FieldKind, FieldName, Filter};
pub use numbers::{Operator, Ratio};

/// The number of the plan's format; plans of another number are refused.
pub const FORMAT: u32 = 1;

/// Why bytes are no plan.
#[derive(Debug)]
pub struct PlanError(String);

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}

impl PlanError {
    /// With this message.
    pub fn new(message: String) -> PlanError {
        PlanError(message)
    }
}

/// How a value is written in the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Digits.
    Number,
    /// Cents, as units with two decimals.
    Money,
    /// Milliseconds.
    Duration,
    /// Rounded half-even to six decimals, of money in its unit.
    Mean,
    /// Millionths, as a decimal without zeros at its end.
    Decimal,
    /// As it is.
    Text,
    /// `true` or `false`.
    Boolean,
}

/// An input topic. Its number breaks ties in the order of application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// What its records tell of.
    pub record: Format,
}

/// A visit: clicks of these kinds, each less than the gap after the one before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Kinds of click.
    pub kinds: Vec<String>,
    /// Milliseconds.
    pub gap: i64,
}

/// Events of a topic that go into a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// The number of the topic.
    pub topic: usize,
    /// None: every kind.
    pub kinds: Option<Vec<String>>,
}

/// Flips of a segment that go into a stream.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flips {
    /// The number of the rule.
    pub rule: usize,
    /// Enters or exits.
    pub enters: bool,
}

/// A field that is kept beside the instants of a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Under this name it goes on in another rule set.
    pub name: String,
    /// The field.
    pub field: Field,
}

/// Events that are kept of a customer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What is remembered goes on in the stream of the same identity of another rule set.
    pub identity: String,
    /// Which events.
    pub takes: Vec<Take>,
    /// Flips for other reasons than a change of rules or a merge.
    #[serde(default)]
    pub flips: Vec<Flips>,
    /// Each line of `items` is an event of its own.
    pub lines: bool,
    /// Sessions are kept, not events.
    pub visits: bool,
    /// Only events that pass.
    pub filter: Option<Filter>,
    /// Events are kept apart by this field; those without it are not kept.
    pub key: Option<Field>,
    /// Only events that have this field.
    pub present: Option<Field>,
    /// What is kept of an event beside its instant.
    pub columns: Vec<Column>,
    /// Milliseconds that an event stays needed; of a visit, the session's gap longer.
    pub keep: i64,
    /// Only the latest event (of each key) is kept.
    pub latest: bool,
    /// The rules that an event of the stream may flip, ascending.
    pub readers: Vec<usize>,
}

impl Stream {
    /// The number of the column that holds a field.
    pub fn column(&self, field: &Field) -> Option<usize> {
        self.columns.iter().position(|column| column.field == *field)
    }
}

/// A measure that an enter carries as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// By which it is known.
    pub name: String,
    /// The measure; its comparison says nothing.
    #[serde(deserialize_with = "asked::measure")]
    pub asked: Measured,
}

/// A condition that is not made of others, and its texts in the evidence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// What is measured, in words.
    pub measure: String,
    /// What it is compared with, in words.
    pub bound: String,
    /// What it asks.
    pub asked: Asked,
}

/// How leaves combine.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Condition {
    /// The leaf of this number holds.
    Leaf {
        /// The number.
        leaf: usize,
    },
    /// The opposite.
    Not {
        /// Of this.
        condition: Box<Condition>,
    },
    /// Each of these holds.
    All {
        /// The parts.
        conditions: Vec<Condition>,
    },
    /// At least one of these holds.
    Any {
        /// The parts.
        conditions: Vec<Condition>,
    },
}

/// A segment. Rules stand after those that they read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The segment's id.
    pub id: String,
    /// The digest of its meaning.
    pub version: String,
    /// Outside, a customer enters when this holds and `until` does not; without `until`, leaves when it does not.
    pub when: Condition,
    /// Inside, a customer leaves when this holds.
    pub until: Option<Condition>,
    /// The rule is asked for each value of the field of `by`, of this kind, of its own.
    #[serde(default)]
    pub for_each: Option<FieldKind>,
    /// The value of the segment is the name of the first of these that holds; `when` is any of them.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Milliseconds for which the condition must hold without a break before a customer enters.
    #[serde(default)]
    pub for_at_least: i64,
    /// Milliseconds after an enter before which a customer does not enter again.
    #[serde(default)]
    pub at_most_every: i64,
    /// The leaves of `when`, then of `until`, in source order: the evidence.
    pub leaves: Vec<usize>,
    /// The rules whose segments it reads, directly or through others, ascending.
    pub reads: Vec<usize>,
    /// The rules that read this one's segment directly, ascending.
    pub readers: Vec<usize>,
    /// Its place among the rules by id.
    pub rank: usize,
    /// The consents that it reads, ascending.
    pub consents: Vec<String>,
    /// Whether it reads the profile or a consent.
    pub profile: bool,
    /// What it is measured by.
    #[serde(default)]
    pub aim: Option<Aim>,
    /// What an enter carries, by ascending name.
    #[serde(default)]
    pub details: Vec<Detail>,
}

/// A stage of a segment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Who is in it, unless an earlier one holds.
    pub when: Condition,
}

/// A rule set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// Of the meaning of the rules.
    pub digest: String,
    /// The currency in which money counts: ISO 4217.
    pub currency: String,
    /// The zone of the calendar.
    #[serde(default)]
    pub zone: Zone,
    /// Milliseconds after its `occurred_at` from which an event is ignored.
    pub retention: i64,
    /// The inputs: those that every rule set has in the order of their names, then the sources of profiles beside
    /// `profiles` in that of theirs.
    pub topics: Vec<Topic>,
    /// What a visit is.
    pub session: Session,
    /// What is kept.
    pub streams: Vec<Stream>,
    /// The texts of the measures, ascending.
    pub measures: Vec<String>,
    /// The conditions that are not made of others.
    pub leaves: Vec<Leaf>,
    /// The segments.
    pub rules: Vec<Rule>,
    /// The borders that leaves are compared with.
    #[serde(default)]
    pub borders: Vec<BorderKey>,
}

/// The part of a plan that is read before the rest.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

/// The topic of rule sets: an input beside those of a plan.
pub const DEPLOYMENTS: &str = "segment-deployments";

impl Plan {
    /// The name of an input, by its number: that after the topics of the plan is the one of deployments.
    pub fn topic(&self, number: usize) -> &str {
        self.topics.get(number).map_or(DEPLOYMENTS, |topic| &topic.name)
    }

    /// The sources of profiles beside `profiles`, ascending.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let names = self.topics.iter().map(|topic| &*topic.name);
        names.filter(|name| sources::is_other(name))
    }

    /// Reads a plan from the bytes that `segments.plan` writes.
    pub fn read(data: &[u8]) -> Result<Plan, PlanError> {
        let refused = |error: serde_json::Error| PlanError(format!("The bytes are no plan: {error}."));
        let Numbered { format } = serde_json::from_slice(data).map_err(refused)?;
        if format != FORMAT {
            return Err(PlanError(format!(
                "The plan has format {format}, this version reads {FORMAT}."
            )));
        }
        let plan: Plan = serde_json::from_slice(data).map_err(refused)?;
        if plan.in_range() {
            Ok(plan)
        } else {
            Err(PlanError("A number in the plan is out of range.".into()))
        }
    }

    /// The earliest number of milliseconds after which an event of some stream is not needed any more.
    pub fn shortest(&self) -> i64 {
        self.streams
            .iter()
            .map(|stream| stream.keep)
            .min()
            .unwrap_or(self.retention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn golden(case: &str) -> Vec<u8> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
        std::fs::read(root.join(case).join("plan.json")).unwrap()
    }

    #[test]
    fn reads_the_plan_of_the_shipped_rules() {
        let plan = Plan::read(&golden("shipped")).unwrap();
        assert_eq!(plan.rules.len(), 18);
        assert_eq!(plan.shortest(), 604_800_000);
    }

    #[test]
    fn reads_every_condition_of_the_language() {
        let plan = Plan::read(&golden("every_condition")).unwrap();
        let visits = plan.streams.iter().find(|stream| stream.visits).unwrap();
        assert_eq!(visits.takes[0].kinds.as_ref().unwrap(), &plan.session.kinds);
        assert!(
            plan.leaves
                .iter()
                .any(|leaf| matches!(leaf.asked, Asked::Profile { .. }))
        );
    }

    #[test]
    fn refuses_another_format_and_numbers_out_of_range() {
        let text = String::from_utf8(golden("shipped")).unwrap();
        let other = text.replacen("\"format\":1", "\"format\":2", 1);
        let error = Plan::read(other.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "The plan has format 2, this version reads 1.");
        let wrong = text.replacen("\"stream\":0", "\"stream\":99", 1);
        assert_ne!(wrong, text);
        assert!(Plan::read(wrong.as_bytes()).is_err());
        assert!(Plan::read(b"[]").is_err());
    }
}
