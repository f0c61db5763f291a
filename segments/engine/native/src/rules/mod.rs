//! A rule set, ready to run: the plan with what an event or a question needs found beforehand.

mod ready;

use crate::bits::Bits;
use crate::by_key::HoldingKeys;
use crate::calendar::{During, Today};
use crate::dated::Dated;
use crate::details::Detail;
use crate::measures::Kernel;
use crate::mutants::m;
use crate::plan::{self, Field, FieldKind, Filter, Measure, Plan};
use crate::rows::Rows;
use hashbrown::HashMap;

/// A rule set. A rule's *place* is its index here.
#[derive(Debug)]
pub struct Rules {
    /// As it was written.
    pub plan: Plan,
    /// By number.
    pub streams: Vec<Stream>,
    /// By number.
    pub leaves: Vec<Leaf>,
    /// By place.
    pub rules: Vec<Rule>,
    /// By the number of the topic: the streams that take an event of a kind.
    pub takes: Vec<Takes>,
    /// By place: the streams that take the exits of a rule, and those that take its enters.
    pub flips: Vec<[Vec<usize>; 2]>,
    /// How many leaves keep what they know of each key.
    pub holding_keys: usize,
    /// The rules that read the profile or a consent.
    pub of_profile: Bits,
    /// The rules that are asked for each value of their own.
    pub for_each: Bits,
    /// Milliseconds between two looks for what is not needed any more.
    pub forget_every: i64,
    /// The places of the rules by id.
    places: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

/// The streams that take an event of a topic.
#[derive(Debug)]
pub struct Takes {
    kinds: HashMap<Box<[u8]>, Vec<usize>, foldhash::fast::RandomState>,
    others: Vec<usize>,
}

impl Takes {
    /// The numbers of the streams that take an event of a kind, ascending.
    #[inline]
    pub fn of(&self, kind: &[u8]) -> &[usize] {
        self.kinds.get(kind).unwrap_or(&self.others)
    }
}

/// Whom an event of a stream tells that something was heard.
#[derive(Clone, Copy, Debug)]
pub enum Heard {
    /// A leaf that reads the stream by its key.
    Own,
    /// A leaf whose own stream, of this number, has the key perhaps, too.
    Same(usize),
    /// A leaf that must look at all keys again.
    All,
}

/// Events that are kept.
#[derive(Debug)]
pub struct Stream {
    /// Only events that pass.
    pub filter: Option<Filter>,
    /// Events are kept apart by this field.
    pub key: Option<Field>,
    /// Only events that have this field.
    pub present: Option<Field>,
    /// What is kept of each.
    pub columns: Vec<Field>,
    /// Milliseconds that an event stays needed; of a visit, `gap` longer.
    pub keep: i64,
    /// `keep`, and of visits the gap.
    pub needed: i64,
    /// Only the latest event (of each key) is kept.
    pub latest: bool,
    /// Sessions are kept.
    pub visits: bool,
    /// Milliseconds between two events that belong to two sessions.
    pub gap: i64,
    /// Words of a row.
    pub stride: usize,
    /// Each line of `items` is an event of its own.
    pub lines: bool,
    /// The rules that an event may flip.
    pub readers: Bits,
    /// Those of them that are asked for each value of their own.
    pub for_each: Vec<u32>,
    /// The numbers of the leaves that keep what they know of each key, if an event tells them something.
    pub heard: Vec<(usize, Heard)>,
}

impl Stream {
    /// Forget the rows that are not needed any more once instants up to `before` are out of the window.
    #[inline]
    pub fn prune(&self, rows: &mut Rows, before: i64) {
        if rows.0.is_empty() || rows.0[0] > before {
            return;
        }
        let series = rows.series(self.stride);
        let gone = if self.visits {
            m!(
                "a visit is forgotten early",
                series.upto_in(self.stride - 1, before - self.gap),
                series.upto(before)
            )
        } else {
            m!(
                "an event is forgotten early",
                series.upto(before),
                series.upto(before + 1)
            )
        };
        rows.forget(gone, self.stride);
    }
}

/// How visits are read: their starts, each under its key.
#[derive(Debug)]
pub struct View {
    /// Only starts that pass; its fields are columns of the stream.
    pub filter: Option<Filter>,
    /// Where the fields stand in a row, by the number of the column.
    pub columns: Vec<Field>,
    /// The key's place in a row.
    pub key: Option<usize>,
    /// The place of the field that must not be missing.
    pub present: Option<usize>,
}

/// A measure against its bound.
#[derive(Debug)]
pub struct Measured {
    /// What is measured.
    pub measure: Measure,
    /// How it is looked at.
    pub kernel: Kernel,
    /// The number of the measure in the plan.
    pub known: usize,
    /// The stream that is read.
    pub stream: usize,
    /// How visits are read.
    pub view: Option<View>,
    /// Where the measured field stands in a row of the stream.
    pub column: Option<usize>,
    /// The condition holds if it holds for one key; what the keys are.
    pub by: Option<FieldKind>,
    /// The number under which what is known of each key is kept; None: nothing is kept.
    pub holding_keys: Option<usize>,
    /// Only what is later than the latest event of this stream counts.
    pub reset: Option<usize>,
    /// How the visits of that stream are read.
    pub reset_view: Option<View>,
    /// The latest event of that stream with the same key.
    pub same: bool,
    /// Only what came after events of these; empty: no matter after what.
    pub after: Vec<After>,
    /// Milliseconds.
    pub window: i64,
    /// Only events of this period count.
    pub during: Option<During>,
    /// Milliseconds.
    pub offset: i64,
    /// How many of what is measured make a unit: 100 cents, 1,000,000 millionths.
    pub scale: i64,
}

/// An event counts if it is later than one of these by less than the span.
#[derive(Debug)]
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

/// A calculated value against another one.
#[derive(Debug)]
pub struct Calculated {
    /// The measures in source order; their kernels compare nothing.
    pub parts: Vec<Measured>,
    /// What is calculated with them.
    pub plan: plan::Calculated,
    /// What the keys are, if a measure has `by`.
    pub by: Option<FieldKind>,
    /// Whether each of the sides is a duration that grows with time.
    pub grows: (bool, bool),
}

/// What a leaf asks.
#[derive(Debug)]
pub enum Ask {
    /// A measure against a bound.
    Measured(Box<Measured>),
    /// A calculation with measures against another one.
    Calculated(Box<Calculated>),
    /// An attribute of the profile against bounds.
    Profile {
        /// The name of the attribute.
        attribute: String,
        /// The operator.
        operator: plan::Operator,
        /// The bounds.
        bounds: Vec<plan::Bound>,
    },
    /// A list of the profile has a value: the name, the value.
    List(String, String),
    /// A date of the profile against a bound.
    Date(Dated),
    /// What the clock shows now.
    Today(Box<Today>),
    /// A consent that is given.
    Consent(String),
    /// A share of all customers, drawn by a name.
    Split {
        /// The name.
        name: String,
        /// The first bucket.
        start: u32,
        /// The first one behind them.
        end: u32,
    },
    /// The customer is in the segment of this rule, at this value or, without one, at any.
    Inside(usize, Option<Box<[u8]>>),
}

/// A condition that is not made of others.
#[derive(Debug)]
pub struct Leaf {
    /// What is measured, in words.
    pub text: Box<[u8]>,
    /// The same as the evidence shows it.
    pub measure: Box<[u8]>,
    /// What it is compared with, as the evidence shows it.
    pub bound: Box<[u8]>,
    /// How its value is written.
    pub kind: plan::Kind,
    /// What it asks.
    pub ask: Ask,
}

/// How leaves combine.
#[derive(Debug)]
pub enum Node {
    /// The leaf of this number.
    Leaf(usize),
    /// The opposite.
    Not(Box<Node>),
    /// All of these (`ends` is false) or one of them (`ends` is true): what a part must be to decide the whole.
    Combined {
        /// What decides.
        ends: bool,
        /// The parts that time alone never changes.
        timeless: Vec<Node>,
        /// The others.
        timed: Vec<Node>,
    },
}

/// A segment.
#[derive(Debug)]
pub struct Rule {
    /// Outside, a customer enters when this holds.
    pub enter: Node,
    /// Inside, a customer leaves when this holds; None: when `enter` does not.
    pub until: Option<Node>,
    /// It is asked for each value of its own; what these are.
    pub for_each: Option<FieldKind>,
    /// Names and conditions, the first that holds decides.
    pub stages: Vec<(Box<[u8]>, Node)>,
    /// Milliseconds for which `enter` must have held without a break.
    pub for_at_least: i64,
    /// Milliseconds from one enter to the next.
    pub at_most_every: i64,
    /// The leaves of `when`, then of `until`.
    pub leaves: Vec<usize>,
    /// The rules whose segments it reads, directly or through others.
    pub reads: Vec<usize>,
    /// The rules that read it directly.
    pub readers: Bits,
    /// Its place among the rules by id.
    pub rank: usize,
    /// The consents that it reads.
    pub consents: Vec<String>,
    /// Whether it reads a border that is not published: nobody is in the segment.
    pub closed: bool,
    /// What an enter carries.
    pub details: Vec<Detail>,
}

impl Rules {
    /// Nothing is known any more of the keys of a stream.
    pub fn forget_holding_keys(&self, stream: usize, keys: &mut [HoldingKeys]) {
        for (number, heard) in &self.streams[stream].heard {
            if matches!(heard, Heard::Own) {
                keys[*number].forget();
            }
        }
    }

    /// The places of the rules in the order of their ids.
    pub fn by_rank(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rules.len()).collect();
        places.sort_unstable_by_key(|place| self.rules[*place].rank);
        places
    }

    /// The place of a rule.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }
}

impl Rule {
    /// Whether a customer is in the segment at values.
    pub fn has_values(&self) -> bool {
        self.for_each.is_some() || !self.stages.is_empty()
    }
}
