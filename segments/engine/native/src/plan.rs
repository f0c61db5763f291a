//! The plan: a rule set as data, read from the bytes that `segments.plan` writes.
//!
//! The types mirror `segments/plan/ir.py` and `events.py`, which say what each field means. Numbers of streams, leaves and rules are
//! indices into the plan's own vectors; [`Plan::read`] refuses a plan in which one of them is out of range, so that
//! users of a plan may index without checks.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::aims::Aim;
use crate::borders::BorderKey;
use crate::calendar::{During, Part};
use crate::dated::Dated;
pub use crate::measures::Measure;
use crate::sources;
use crate::wire::record::{Format, text_field};
use crate::zone::Zone;

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

/// An exact number that a rule compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// With the sign.
    pub numerator: i128,
    /// Positive; 1 for a whole number. The fraction is in lowest terms.
    pub denominator: i128,
}

impl Ratio {
    /// How `value` compares with this number.
    ///
    /// A product that does not fit 128 bits is farther from zero than any numerator.
    pub fn compared_with(self, value: i128) -> Ordering {
        match value.checked_mul(self.denominator) {
            Some(product) => product.cmp(&self.numerator),
            None => value.cmp(&0),
        }
    }

    /// How the fraction `total / count` compares with this number; `count` is positive.
    ///
    /// By whole parts, then by the remainders turned upside down, as Euclid does: nothing is multiplied.
    pub fn compared_with_mean(self, total: i128, count: i128) -> Ordering {
        let (mut a, mut b, mut c, mut d) = (total, count, self.numerator, self.denominator);
        loop {
            let (left, right) = (a.div_euclid(b), c.div_euclid(d));
            if left != right {
                return left.cmp(&right);
            }
            let (left, right) = (a.rem_euclid(b), c.rem_euclid(d));
            match (left, right) {
                (0, 0) => return Ordering::Equal,
                (0, _) => return Ordering::Less,
                (_, 0) => return Ordering::Greater,
                // left/b < right/d exactly if d/right < b/left.
                _ => (a, b, c, d) = (d, right, b, left),
            }
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (numerator, denominator) = text.split_once('/').unwrap_or((&text, "1"));
        match (numerator.parse(), denominator.parse()) {
            (Ok(numerator), Ok(denominator)) if denominator > 0 => Ok(Ratio {
                numerator,
                denominator,
            }),
            _ => Err(de::Error::custom(format!(
                "{text:?} is no number of at most 38 digits"
            ))),
        }
    }
}

/// An operator of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    Unequal,
    /// Greater or equal.
    #[serde(rename = ">=")]
    AtLeast,
    /// Greater.
    #[serde(rename = ">")]
    Above,
    /// Less or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// Less.
    #[serde(rename = "<")]
    Below,
    /// Equal to one of the bounds.
    #[serde(rename = "in")]
    In,
}

impl Operator {
    /// Whether the operator holds of a value that compares so with its bound.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Operator::Equal | Operator::In => ordering.is_eq(),
            Operator::Unequal => ordering.is_ne(),
            Operator::AtLeast => ordering.is_ge(),
            Operator::Above => ordering.is_gt(),
            Operator::AtMost => ordering.is_le(),
            Operator::Below => ordering.is_lt(),
        }
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

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// Cents, missing if the event's currency is not the plan's.
    Money,
    /// Millionths: the text of an attribute that is a decimal, else missing.
    Decimal,
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

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name in the record; `day`, `hour`, `weekday`, `month`: of `occurred_at`; `total`: price × quantity.
    pub name: FieldName,
    /// The key in the map `attributes`.
    pub key: Option<String>,
    /// Whether it is a field of one line of `items`.
    pub line: bool,
    /// What it holds.
    pub kind: FieldKind,
}

/// The fields that an event may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the records' own fields")]
pub enum FieldName {
    EventId,
    Kind,
    Day,
    Hour,
    Weekday,
    Month,
    Attributes,
    Value,
    Amount,
    Quantity,
    Price,
    Total,
    /// By its place in `wire::record::TEXTS`.
    Text(usize),
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldName, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(match name.as_str() {
            "event_id" => FieldName::EventId,
            "kind" => FieldName::Kind,
            "day" => FieldName::Day,
            "hour" => FieldName::Hour,
            "weekday" => FieldName::Weekday,
            "month" => FieldName::Month,
            "attributes" => FieldName::Attributes,
            "value" => FieldName::Value,
            "amount" => FieldName::Amount,
            "quantity" => FieldName::Quantity,
            "price" => FieldName::Price,
            "total" => FieldName::Total,
            other => match text_field(other) {
                Some(place) => FieldName::Text(place),
                None => return Err(de::Error::custom(format!("`{other}` is no field of an event"))),
            },
        })
    }
}

/// An operator with its bounds. Without bounds it is never true.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The operator.
    pub operator: Operator,
    /// The bounds if texts are compared: in the order of their UTF-8 bytes.
    pub texts: Vec<String>,
    /// The bounds if numbers, cents or milliseconds are compared.
    pub numbers: Vec<Ratio>,
}

impl Comparison {
    /// Whether it holds of a number.
    pub fn of_number(&self, value: i128) -> bool {
        self.numbers
            .iter()
            .any(|bound| self.operator.holds(bound.compared_with(value)))
    }

    /// Whether it holds of the mean of `count` values, at least one.
    pub fn of_mean(&self, total: i128, count: i128) -> bool {
        self.numbers
            .iter()
            .any(|bound| self.operator.holds(bound.compared_with_mean(total, count)))
    }

    /// Whether it holds of a text.
    pub fn of_text(&self, value: &[u8]) -> bool {
        self.texts
            .iter()
            .any(|bound| self.operator.holds(value.cmp(bound.as_bytes())))
    }
}

/// What `where` says of an event.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Filter {
    /// The comparison of a field; false if the field is missing.
    Test {
        /// The field.
        field: Field,
        /// With what it is compared.
        comparison: Comparison,
    },
    /// The opposite, true too if a field is missing.
    Not {
        /// Of this.
        test: Box<Filter>,
    },
    /// At least one of these passes.
    Any {
        /// The parts.
        tests: Vec<Filter>,
    },
    /// Each of these passes.
    All {
        /// The parts.
        tests: Vec<Filter>,
    },
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

/// How a stream of visits is read: the starts that pass, each under its key. Its fields are columns of the stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Only starts that pass.
    pub filter: Option<Filter>,
    /// Starts are told apart by it; those without it are left out.
    pub key: Option<Field>,
    /// Starts without it are left out.
    pub present: Option<Field>,
}

/// A measure against a bound.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// What is measured.
    pub measure: Measure,
    /// The number of the measure in the plan.
    pub known: usize,
    /// The stream that is read.
    pub stream: usize,
    /// Of visits, unless their bare starts are read.
    pub view: Option<View>,
    /// The column that is measured.
    pub column: Option<usize>,
    /// Of the value.
    pub kind: Kind,
    /// How many of what is measured make a unit: 100 cents, 1,000,000 millionths.
    pub scale: i64,
    /// Whether no value is negative.
    pub monotone: bool,
    /// The condition holds if it holds for one value of this field.
    pub by: Option<Field>,
    /// Only what is later than the latest event of this stream counts.
    pub reset: Option<usize>,
    /// How the reset stream is read.
    pub reset_view: Option<View>,
    /// The latest event of the reset stream with the same key.
    pub same: bool,
    /// Only what came after events of these, the first directly, those after events of the second.
    #[serde(default)]
    pub after: Vec<After>,
    /// Milliseconds that an event counts.
    pub window: i64,
    /// Milliseconds: the measure is taken as it was this long ago.
    pub offset: i64,
    /// Only events of this period; `window` is as long as any.
    #[serde(default)]
    pub during: Option<During>,
    /// Of `alive`, `expected` and `clv`.
    #[serde(default)]
    pub model: Option<Model>,
    /// The number of the border that it is compared with.
    #[serde(default)]
    pub border: Option<usize>,
    /// With what it is compared.
    pub comparison: Comparison,
}

impl Measured {
    /// The streams that are read.
    pub fn streams(&self) -> impl Iterator<Item = usize> + '_ {
        let after = self.after.iter().map(|link| link.stream);
        std::iter::once(self.stream).chain(self.reset).chain(after)
    }
}

/// A model of purchases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// r, alpha in days, a, b of MBG/NBD.
    pub parameters: Vec<Ratio>,
    /// p, q, v in units of the currency, of Gamma-Gamma.
    pub spend: Option<Vec<Ratio>>,
    /// How many days ahead.
    pub days: u32,
    /// The column with the date in the zone.
    pub day: usize,
    /// The column with the amount.
    pub amount: Option<usize>,
}

/// An event counts if it is later than one of these by less than the span.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The stream of these.
    pub stream: usize,
    /// How it is read, if it is one of visits.
    pub view: Option<View>,
    /// Milliseconds.
    pub span: i64,
    /// Only events with the same key.
    pub same: bool,
}

/// What an attribute of the profile is compared with.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Bound {
    /// A text.
    Text {
        /// The text.
        value: String,
    },
    /// A boolean; false is less than true.
    Boolean {
        /// The boolean.
        value: bool,
    },
    /// A number.
    Number {
        /// The nearest double.
        value: f64,
        /// Whether the number itself is less than that double (-1), equal to it, or greater (1).
        rest: i8,
    },
}

impl Bound {
    /// How a double compares with a number; `None` if either is none.
    pub fn compared_with(value: f64, nearest: f64, rest: i8) -> Option<Ordering> {
        value.partial_cmp(&nearest).map(|found| found.then(0.cmp(&rest)))
    }
}

/// What is calculated with measures, each in its unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Term {
    /// A number; of a duration, milliseconds.
    Constant {
        /// The number.
        number: Ratio,
    },
    /// The value of a measure.
    Part {
        /// Its number among those of the comparison.
        part: usize,
    },
    /// A sum, or a difference.
    Sum {
        /// The first part.
        left: Box<Term>,
        /// Whether it is a difference.
        minus: bool,
        /// The second part.
        right: Box<Term>,
    },
    /// A multiple.
    Product {
        /// How many times.
        factor: Ratio,
        /// Of what.
        of: Box<Term>,
    },
    /// It has no value if the divisor is zero.
    Quotient {
        /// What is divided.
        left: Box<Term>,
        /// By what.
        right: Box<Term>,
    },
}

/// A calculated value against another one; false if a part of either has no value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calculated {
    /// The measures in source order; their own comparisons say nothing.
    #[serde(deserialize_with = "measures")]
    pub parts: Vec<Measured>,
    /// The left side.
    pub left: Term,
    /// How they are compared.
    pub operator: Operator,
    /// The right side.
    pub right: Term,
    /// How the evidence writes the value of the left side.
    pub left_kind: Kind,
    /// The same of the right side; None if it is a constant.
    pub right_kind: Option<Kind>,
}

/// A measure that an enter carries as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// By which it is known.
    pub name: String,
    /// The measure; its comparison says nothing.
    #[serde(deserialize_with = "measure")]
    pub asked: Measured,
}

/// A measure as a plan writes what a leaf asks: with its type.
fn measure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Measured, D::Error> {
    match Asked::deserialize(deserializer)? {
        Asked::Measured(measured) => Ok(*measured),
        _ => Err(de::Error::custom("a detail is no measure")),
    }
}

/// Measures as a plan writes what a leaf asks: with their type.
fn measures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Measured>, D::Error> {
    let each = Vec::<Asked>::deserialize(deserializer)?.into_iter();
    each.map(|asked| match asked {
        Asked::Measured(measured) => Ok(*measured),
        _ => Err(de::Error::custom("a part of a calculation is no measure")),
    })
    .collect()
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

/// What a leaf asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Asked {
    /// A measure against a bound.
    Measured(Box<Measured>),
    /// A calculation with measures against another one.
    Calculated(Box<Calculated>),
    /// An attribute of the profile: false if it is missing, or of the type of none of the bounds.
    Profile {
        /// The name of the attribute.
        attribute: String,
        /// The operator.
        operator: Operator,
        /// The bounds, more than one only of `in`.
        bounds: Vec<Bound>,
    },
    /// A list of the profile has a value.
    List {
        /// The name of the list.
        list: String,
        /// The value.
        value: String,
    },
    /// A date of the profile against a bound.
    Date(Dated),
    /// What the clock of the zone shows now.
    Today {
        /// What of it.
        part: Part,
        /// With what it is compared.
        comparison: Comparison,
    },
    /// A consent that is given.
    Consent {
        /// Its name.
        consent: String,
    },
    /// A share of all customers, drawn by a name.
    Split {
        /// The name.
        name: String,
        /// The first bucket of the 10,000.
        start: u32,
        /// The first one behind them.
        end: u32,
    },
    /// The customer is in the segment of another rule, after the same evaluation.
    Inside {
        /// The number of the rule.
        rule: usize,
        /// At this value; None: at any, if it has values.
        #[serde(default)]
        value: Option<String>,
    },
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

impl Asked {
    /// The measures that it asks, in source order.
    pub fn measures(&self) -> &[Measured] {
        match self {
            Asked::Measured(measured) => std::slice::from_ref(measured),
            Asked::Calculated(calculated) => &calculated.parts,
            _ => &[],
        }
    }
}

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

    fn in_range(&self) -> bool {
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

    #[test]
    fn compares_exactly_with_fractions() {
        let half = Ratio {
            numerator: 7,
            denominator: 2,
        };
        assert_eq!(half.compared_with(3), Ordering::Less);
        assert_eq!(half.compared_with(4), Ordering::Greater);
        assert_eq!(half.compared_with(i128::MAX), Ordering::Greater);
        assert_eq!(half.compared_with_mean(7, 2), Ordering::Equal);
        assert_eq!(half.compared_with_mean(21, 6), Ordering::Equal);
        assert_eq!(half.compared_with_mean(6_999_999, 2_000_000), Ordering::Less);
        assert_eq!(half.compared_with_mean(i128::MAX, i128::MAX / 3), Ordering::Less);
        let below = Ratio {
            numerator: -7,
            denominator: 2,
        };
        assert_eq!(below.compared_with_mean(-7, 2), Ordering::Equal);
        assert_eq!(below.compared_with_mean(-71, 20), Ordering::Less);
        assert_eq!(below.compared_with(-4), Ordering::Less);
    }

    #[test]
    fn compares_doubles_with_numbers_between_them() {
        let nearest = 9_007_199_254_740_992.0;
        assert_eq!(Bound::compared_with(nearest, nearest, 1), Some(Ordering::Less));
        assert_eq!(
            Bound::compared_with(nearest + 2.0, nearest, 1),
            Some(Ordering::Greater)
        );
        assert_eq!(Bound::compared_with(nearest, nearest, 0), Some(Ordering::Equal));
        assert_eq!(Bound::compared_with(f64::NAN, nearest, 0), None);
    }
}
