//! What comes out of a partition: all that it did since it was last asked, to be committed as a whole.
//!
//! Texts that are not the rule set's own lie in one buffer, [`Effects::text`], so that a flip costs no allocation.

use crate::identity::{Linked, Transfer};
use crate::rules::Rules;
use crate::watches::Dropped;
use crate::wire::record::Run;
use crate::wire::refusals::Refusal;
use std::sync::Arc;

/// A text in [`Effects::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The first byte.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

/// Why a segment was entered or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The customer was erased.
    Erasure,
    /// The customer was merged into another, or another into them.
    Merged,
    /// The rule is new.
    RuleAdded,
    /// The rule means something else.
    RuleChanged,
    /// The rule is gone.
    RuleRemoved,
    /// A border that the rule reads, or that a rule it reads does, is another one.
    Borders,
    /// An event that occurred before the customer's instant.
    LateEvent,
    /// A consent that the rule reads changed.
    Consent,
    /// A profile.
    Profile,
    /// An event.
    Event,
    /// Time.
    Timer,
}

impl Reason {
    /// As the segment event has it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Erasure => "erasure",
            Reason::Merged => "merged",
            Reason::RuleAdded => "rule_added",
            Reason::RuleChanged => "rule_changed",
            Reason::RuleRemoved => "rule_removed",
            Reason::Borders => "borders",
            Reason::LateEvent => "late_event",
            Reason::Consent => "consent",
            Reason::Profile => "profile",
            Reason::Event => "event",
            Reason::Timer => "timer",
        }
    }
}

/// A segment: one of the rule set's, or one that it does not have any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The rule's place.
    Rule(u32),
    /// Its id and version.
    Removed {
        /// The id.
        id: Text,
        /// The version.
        version: Text,
    },
}

/// The record in whose evaluation something flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The number of its topic.
    pub topic: usize,
    /// Its partition; None: this one.
    pub partition: Option<u32>,
    /// Its offset.
    pub offset: i64,
    /// Its `event_id`; None of an erasure.
    pub event_id: Option<Text>,
}

/// One leaf of a rule as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the leaf, whose texts the rule set has: [`crate::rules::Leaf`].
    pub leaf: u32,
    /// The text of the measure, ending in the smallest key that holds; None: the leaf's own.
    pub measure: Option<Text>,
    /// The value, if there is any.
    pub value: Option<Text>,
    /// The value of the other side of a calculation; None: the leaf's own bound.
    pub bound: Option<Text>,
    /// Whether the leaf holds.
    pub holds: bool,
}

/// An enter or an exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flip {
    /// The same flip has the same id in every run: sixteen bytes, written as hex digits.
    pub id: [u8; 16],
    /// The customer id.
    pub customer: Text,
    /// The segment.
    pub segment: Segment,
    /// Whether it was entered.
    pub enters: bool,
    /// The instant.
    pub at: i64,
    /// One more than that of the customer's flip before.
    pub sequence: i64,
    /// The `sequence` of the enter.
    pub episode: i64,
    /// Why.
    pub reason: Reason,
    /// The record that caused it.
    pub cause: Option<Cause>,
    /// The first of its entries in [`Effects::evidence`].
    pub evidence: u32,
    /// How many there are.
    pub entries: u32,
    /// By time alone it does not flip before this.
    pub valid_until: Option<i64>,
    /// What segments with values, details and arms add.
    pub additions: Additions,
}

/// What is told of an enter into a segment with a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The first event of the goal came.
    Converted,
    /// The window of the goal is over.
    Matured,
}

impl Kind {
    /// As the outcome has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Converted => "converted",
            Kind::Matured => "matured",
        }
    }
}

/// What came of an enter so far. Goal, experiment and control are those of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentOutcome {
    /// The same outcome has the same id in every run.
    pub id: [u8; 16],
    /// The customer id.
    pub customer: Text,
    /// The customer id of the enter.
    pub entered_as: Text,
    /// The rule's place.
    pub rule: u32,
    /// The version of the rule at the enter; None: as it is now.
    pub version: Option<Text>,
    /// The value that was entered, of a segment with values.
    pub value: Option<Text>,
    /// The `sequence` of the enter.
    pub episode: i64,
    /// What is additions.
    pub kind: Kind,
    /// Why it was entered.
    pub reason: Reason,
    /// `treated`, `control` or `mixed`, if the rule has a control group.
    pub arm: Option<&'static str>,
    /// The instant of the enter.
    pub entered_at: i64,
    /// The instant of the first event of the goal.
    pub first_goal_at: Option<i64>,
    /// The customer's instant of the evaluation, or the end of the window.
    pub at: i64,
    /// How many events of the goal there were.
    pub goals: u64,
    /// Their money, in cents; None: the rule names no revenue.
    pub revenue: Option<i128>,
}

/// The segments that a customer is in after an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The customer id.
    pub customer: Text,
    /// The `sequence` of the latest flip; None: a null value, the customer was erased or forgotten.
    pub sequence: Option<i64>,
    /// The first of the stays in [`Effects::stays`].
    pub stays: u32,
    /// How many there are.
    pub count: u32,
}

/// A segment that a customer is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The rule's place.
    pub rule: u32,
    /// When it was entered.
    pub entered_at: i64,
    /// The `sequence` of the enter.
    pub episode: i64,
    /// By time alone it is not left before this.
    pub valid_until: Option<i64>,
    /// What segments with values, details and arms add.
    pub additions: Additions,
}

/// What an enter, an exit or a stay tells beside the segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// For which value of a segment with values, or which stage.
    pub value: Option<Text>,
    /// The first of its details in [`Effects::details`].
    pub details: u32,
    /// How many there are.
    pub count: u32,
    /// `treated` or `control`.
    pub arm: Option<&'static str>,
}

/// A refused record.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The number of its topic.
    pub topic: usize,
    /// The run that it came with.
    pub run: Arc<Run>,
    /// Its index there.
    pub index: usize,
    /// The reason that it is counted by, and the error in words.
    pub refusal: Refusal,
}

/// What the sender of a record that was accepted may not have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A profile over a limit that takes away a consent: its consents took effect, its attributes did not.
    ConsentsAlone,
    /// A transaction in the currency of the rules, but not in capital letters: it is no money.
    CurrencyCase,
    /// An erasure of a customer of whom nothing is remembered.
    ErasedNobody,
    /// An event that is ignored because no rule looks back so far.
    TooOld,
}

impl Notice {
    /// As metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Notice::ConsentsAlone => "consents_alone",
            Notice::CurrencyCase => "currency_case",
            Notice::ErasedNobody => "erased_nobody",
            Notice::TooOld => "too_old",
        }
    }
}

/// A record that a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// What is noticed.
    pub notice: Notice,
    /// The number of its topic.
    pub topic: usize,
    /// Its offset.
    pub offset: i64,
    /// The customer id.
    pub customer: Text,
}

/// A state to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The key beside the customers' ids: see [`crate::position::KEY`] and [`crate::codec::OLDER`].
    pub key: Arc<[u8]>,
    /// None deletes it.
    pub value: Option<Arc<[u8]>>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect.
    Applied,
    /// The same event came before.
    Duplicate,
    /// It is too old, or older than what replaced it.
    Ignored,
    /// It was refused.
    DeadLetter,
    /// It went on to the id that its customer is merged into, in another partition.
    Forwarded,
}

impl Outcome {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Outcome; 5] = [
        Outcome::Applied,
        Outcome::Duplicate,
        Outcome::Ignored,
        Outcome::DeadLetter,
        Outcome::Forwarded,
    ];

    /// As metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::Duplicate => "duplicate",
            Outcome::Ignored => "ignored",
            Outcome::DeadLetter => "dead_letter",
            Outcome::Forwarded => "forwarded",
        }
    }
}

/// All that a partition did since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// The bytes that every [`Text`] is a place in.
    pub text: Vec<u8>,
    /// In the order in which they happened.
    pub flips: Vec<Flip>,
    /// Of all flips.
    pub evidence: Vec<Entry>,
    /// In the order in which they happened; of one evaluation by segment and value, `converted` first.
    pub segment_outcomes: Vec<SegmentOutcome>,
    /// By segment id: open watches that were dropped, and why.
    pub dropped: Vec<(Text, Dropped)>,
    /// In the order in which they happened.
    pub memberships: Vec<Membership>,
    /// Of all memberships.
    pub stays: Vec<Stay>,
    /// Name and text of all details of flips and stays.
    pub details: Vec<(Text, Text)>,
    /// In the order in which they happened.
    pub dead_letters: Vec<DeadLetter>,
    /// The changed states; the partition's own record comes last.
    pub states: Vec<State>,
    /// The next offset to be taken, by topic; None: the topic was never read.
    pub offsets: Vec<Option<i64>>,
    /// By topic, in the order of [`Outcome::ALL`]: how many records.
    pub outcomes: Vec<[u64; 5]>,
    /// The names of the inputs, by number, and after them that of transfers.
    pub topics: Arc<[String]>,
    /// What goes to ids of other partitions.
    pub transfers: Vec<Transfer>,
    /// In the order of [`Linked::ALL`]: how many links.
    pub links: [u64; 7],
    /// For each flip by time, the milliseconds from its instant to the clock at which it fired.
    pub lateness: Vec<i64>,
    /// Records applied that occurred before their customer's instant.
    pub late: u64,
    /// Runs that did not begin where the one before ended.
    pub gaps: u64,
    /// Enters that found the customer at the most values of a segment, by evaluation.
    pub waiting: u64,
    /// Bugs in flips by time.
    pub engine_errors: u64,
    /// In the order in which the records were applied.
    pub notices: Vec<Noticed>,
    /// The clock of the partition, in milliseconds.
    pub clock: i64,
}

/// How much of everything there was before a step that may have to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark([usize; 8]);

impl Effects {
    /// The bytes of a text.
    #[inline]
    pub fn of(&self, text: Text) -> &[u8] {
        &self.text[text.start as usize..(text.start + text.len) as usize]
    }

    /// The id of a segment.
    pub fn id_of(&self, segment: Segment, rules: &Rules) -> String {
        match segment {
            Segment::Rule(place) => rules.plan.rules[place as usize].id.clone(),
            Segment::Removed { id, .. } => String::from_utf8_lossy(self.of(id)).into_owned(),
        }
    }

    /// Count what became of a link.
    pub fn count(&mut self, linked: Linked) {
        self.links[linked as usize] += 1;
    }

    /// The name of an input.
    pub fn topic(&self, number: usize) -> &str {
        self.topics.get(number).map_or("", |name| name)
    }

    /// Put a text into the buffer.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Text {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Text {
            start,
            len: bytes.len() as u32,
        }
    }

    /// What was put into the buffer from a place on.
    pub fn since(&self, start: usize) -> Text {
        Text {
            start: start as u32,
            len: (self.text.len() - start) as u32,
        }
    }

    /// The evidence of a flip.
    pub fn evidence_of(&self, flip: &Flip) -> &[Entry] {
        &self.evidence[flip.evidence as usize..(flip.evidence + flip.entries) as usize]
    }

    /// Name and text of what an enter or a stay tells.
    pub fn details_of(&self, additions: &Additions) -> &[(Text, Text)] {
        &self.details[additions.details as usize..(additions.details + additions.count) as usize]
    }

    /// The stays of a membership.
    pub fn stays_of(&self, membership: &Membership) -> &[Stay] {
        &self.stays[membership.stays as usize..(membership.stays + membership.count) as usize]
    }

    /// How much of everything there is.
    pub fn mark(&self) -> Mark {
        Mark([
            self.text.len(),
            self.flips.len(),
            self.evidence.len(),
            self.memberships.len(),
            self.stays.len(),
            self.details.len(),
            self.segment_outcomes.len(),
            self.dropped.len(),
        ])
    }

    /// The flips since a mark.
    pub fn flips_since(&self, mark: Mark) -> &[Flip] {
        &self.flips[mark.0[1]..]
    }

    /// Take back what came since a mark.
    pub fn back_to(&mut self, mark: Mark) {
        let Mark(
            [
                text,
                flips,
                evidence,
                memberships,
                stays,
                details,
                outcomes,
                dropped,
            ],
        ) = mark;
        self.segment_outcomes.truncate(outcomes);
        self.dropped.truncate(dropped);
        self.text.truncate(text);
        self.flips.truncate(flips);
        self.evidence.truncate(evidence);
        self.memberships.truncate(memberships);
        self.stays.truncate(stays);
        self.details.truncate(details);
    }
}
