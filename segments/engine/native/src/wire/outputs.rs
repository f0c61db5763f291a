//! What a partition did, as the records of one Kafka transaction: flips, memberships, dead letters, changed states.

use super::avro;
use super::batches::{Batch, Batches};
use super::instants::to_iso;
use super::refusals::{Reason, Refusal};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Bytes of key and value of a record beyond which its dead letter holds only the beginning of both: the topic of dead
/// letters takes records of twice that.
pub const LONGEST_LETTER: usize = 8 << 20;
/// Bytes of the value of such a record that its dead letter holds: enough to see what it is.
pub const KEPT_VALUE: usize = 64 << 10;
/// Bytes of its key.
pub const KEPT_KEY: usize = 1 << 10;
/// Characters of the text that tells why a record was refused: it is a header.
const LONGEST_ERROR: usize = 1_000;

/// An enter or an exit, as a `SegmentEvent` tells it; times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Flip<'a> {
    /// A function of customer, segment, version, transition, sequence and instant.
    pub event_id: &'a [u8],
    /// The customer's id, which is the key.
    pub customer: &'a [u8],
    /// The segment's id.
    pub segment: &'a [u8],
    /// The version of its rule.
    pub version: &'a [u8],
    /// `enter` or `exit`.
    pub transition: &'a [u8],
    /// The instant of the flip.
    pub occurred_at: i64,
    /// The customer's sequence.
    pub sequence: i64,
    /// The sequence of the enter.
    pub episode: i64,
    /// Why, in one word.
    pub reason: &'a [u8],
    /// The record in whose evaluation it flipped.
    pub cause: Option<Cause<'a>>,
    /// By time alone it does not flip before this.
    pub valid_until: Option<i64>,
    /// For which value of a segment with values.
    pub value: Option<&'a [u8]>,
    /// `treated` or `control`.
    pub arm: Option<&'a [u8]>,
}

/// A record of an input topic.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    /// Its topic.
    pub topic: &'a [u8],
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its id, none of an erasure.
    pub event_id: Option<&'a [u8]>,
}

/// One leaf condition of a rule, as it stood at a flip.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was measured, in the words of the rule.
    pub measure: &'a [u8],
    /// What it came to.
    pub value: Option<&'a [u8]>,
    /// What it was compared with.
    pub bound: &'a [u8],
    /// Whether the condition holds.
    pub holds: bool,
}

/// A segment that a customer is in.
#[derive(Clone, Copy, Debug)]
pub struct Membership<'a> {
    /// The segment's id.
    pub segment: &'a [u8],
    /// The version of the rule by which the customer is in.
    pub version: &'a [u8],
    /// The instant of the enter, in milliseconds.
    pub entered_at: i64,
    /// The sequence of the enter.
    pub episode: i64,
    /// By time alone it does not end before this.
    pub valid_until: Option<i64>,
    /// For which value of a segment with values.
    pub value: Option<&'a [u8]>,
    /// `treated` or `control`.
    pub arm: Option<&'a [u8]>,
}

/// What came of an enter, as a `SegmentOutcome` tells it; times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct SegmentOutcome<'a> {
    /// A function of customer, entered_as, segment, value, episode, instant of the enter and kind.
    pub event_id: &'a [u8],
    /// The customer's id, which is the key.
    pub customer: &'a [u8],
    /// The customer's id at the enter.
    pub entered_as: &'a [u8],
    /// The segment's id.
    pub segment: &'a [u8],
    /// The version of its rule at the enter.
    pub version: &'a [u8],
    /// For which value of a segment with values.
    pub value: Option<&'a [u8]>,
    /// The sequence of the enter.
    pub episode: i64,
    /// `converted` or `matured`.
    pub kind: &'a [u8],
    /// The reason of the enter.
    pub reason: &'a [u8],
    /// `treated`, `control` or `mixed`.
    pub arm: Option<&'a [u8]>,
    /// The name of the experiment and the percentage held out.
    pub experiment: Option<(&'a [u8], &'a [u8])>,
    /// The goal, with window and revenue.
    pub goal: &'a [u8],
    /// The instant of the enter.
    pub entered_at: i64,
    /// The instant of the first event of the goal.
    pub first_goal_at: Option<i64>,
    /// When it converted, or the end of the window.
    pub occurred_at: i64,
    /// How many events of the goal there were.
    pub goals: u64,
    /// Their money, in cents.
    pub revenue: Option<i128>,
}

/// What an enter tells, by name.
pub type Detail<'a> = (&'a [u8], &'a [u8]);

/// A refused record.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The topic that it came from.
    pub topic: &'a str,
    /// Its partition, if it was read in another one than what it is refused in.
    pub partition: Option<u32>,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Why it was refused.
    pub refusal: &'a Refusal,
}

/// The finished batches of one transaction, by output topic.
#[derive(Debug, Default)]
pub struct Outputs {
    /// Of `segment-events`.
    pub segment_events: Vec<Batch>,
    /// Of `segment-outcomes`.
    pub segment_outcomes: Vec<Batch>,
    /// Of `segment-memberships`.
    pub memberships: Vec<Batch>,
    /// Of `dead-letters`.
    pub dead_letters: Vec<Batch>,
    /// Of the group's changelog.
    pub changelog: Vec<Batch>,
    /// Of `dead-letters`, in other partitions than this one.
    pub letters_elsewhere: Elsewhere,
    /// Of the group's transfers, by the partition that each goes to.
    pub transfers: Elsewhere,
}

/// Batches for other partitions than this one, by their numbers.
pub type Elsewhere = Vec<(u32, Vec<Batch>)>;

/// Turns what one partition did into batches.
#[derive(Clone, Debug)]
pub struct Encoder {
    partition: String,
    source: String,
    event_id: u32,
    memberships_id: u32,
    outcome_id: u32,
    segment_events: Batches,
    segment_outcomes: Batches,
    memberships: Batches,
    dead_letters: Batches,
    changelog: Batches,
    letters_elsewhere: BTreeMap<u32, Batches>,
    transfers: BTreeMap<u32, Batches>,
    value: Vec<u8>,
}

impl Encoder {
    /// Write for a partition of a group; the numbers are the schema ids of `SegmentEvent`, `SegmentMemberships` and
    /// `SegmentOutcome`.
    pub fn new(
        group: &str,
        partition: i32,
        (event_id, memberships_id, outcome_id): (u32, u32, u32),
    ) -> Encoder {
        Encoder {
            partition: partition.to_string(),
            source: format!("/segments/{group}"),
            event_id,
            memberships_id,
            outcome_id,
            segment_events: Batches::default(),
            segment_outcomes: Batches::default(),
            memberships: Batches::default(),
            dead_letters: Batches::default(),
            changelog: Batches::default(),
            letters_elsewhere: BTreeMap::new(),
            transfers: BTreeMap::new(),
            value: Vec::new(),
        }
    }

    /// Add a segment event, emitted `now`, with the headers of CloudEvents' binary binding, so that a consumer can
    /// filter without decoding.
    pub fn segment_event<'a>(
        &mut self,
        now: i64,
        flip: &Flip,
        evidence: impl ExactSizeIterator<Item = Evidence<'a>>,
        details: impl ExactSizeIterator<Item = Detail<'a>>,
    ) {
        self.begin(self.event_id);
        write_flip(&mut self.value, now, flip);
        write_all(&mut self.value, evidence, write_evidence);
        avro::optional_long(&mut self.value, flip.valid_until);
        avro::optional(&mut self.value, flip.value, avro::bytes);
        write_all(&mut self.value, details, write_detail);
        avro::optional(&mut self.value, flip.arm, avro::bytes);
        let kind = [b"segment.", flip.transition].concat();
        let time = to_iso(flip.occurred_at);
        let headers: [(&str, &[u8]); 9] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", flip.event_id),
            ("ce_source", self.source.as_bytes()),
            ("ce_type", &kind),
            ("ce_time", time.as_bytes()),
            ("ce_subject", flip.customer),
            ("ce_segment", flip.segment),
            ("ce_transition", flip.transition),
            ("content-type", b"application/avro"),
        ];
        let mut headers: SmallVec<[(&str, &[u8]); 11]> = SmallVec::from_slice(&headers);
        headers.extend(flip.value.map(|value| ("ce_value", value)));
        headers.extend(flip.arm.map(|arm| ("ce_arm", arm)));
        let key = flip.customer;
        self.segment_events
            .add(now, Some(key), Some(&self.value), &headers);
    }

    /// Add a segment outcome, emitted `now`, with the headers of CloudEvents' binary binding.
    pub fn segment_outcome(&mut self, now: i64, outcome: &SegmentOutcome) {
        self.begin(self.outcome_id);
        write_outcome(&mut self.value, now, outcome);
        let kind = [b"segment.", outcome.kind].concat();
        let time = to_iso(outcome.occurred_at);
        let headers: [(&str, &[u8]); 8] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", outcome.event_id),
            ("ce_source", self.source.as_bytes()),
            ("ce_type", &kind),
            ("ce_time", time.as_bytes()),
            ("ce_subject", outcome.customer),
            ("ce_segment", outcome.segment),
            ("content-type", b"application/avro"),
        ];
        let mut headers: SmallVec<[(&str, &[u8]); 10]> = SmallVec::from_slice(&headers);
        headers.extend(outcome.value.map(|value| ("ce_value", value)));
        headers.extend(outcome.arm.map(|arm| ("ce_arm", arm)));
        self.segment_outcomes
            .add(now, Some(outcome.customer), Some(&self.value), &headers);
    }

    /// Add the segments that a customer is in now.
    pub fn memberships<'a, D: ExactSizeIterator<Item = Detail<'a>>>(
        &mut self,
        now: i64,
        customer: &[u8],
        sequence: i64,
        segments: impl ExactSizeIterator<Item = (Membership<'a>, D)>,
    ) {
        self.begin(self.memberships_id);
        avro::bytes(&mut self.value, customer);
        avro::long(&mut self.value, sequence);
        write_all(&mut self.value, segments, write_membership);
        self.memberships.add(now, Some(customer), Some(&self.value), &[]);
    }

    /// Add a null: the customer was erased or forgotten.
    pub fn no_memberships(&mut self, now: i64, customer: &[u8]) {
        self.memberships.add(now, Some(customer), None, &[]);
    }

    /// Add a refused record, byte for byte; of one that is too long the beginning, with its length and digest.
    pub fn dead_letter(&mut self, now: i64, letter: &Letter) {
        let (offset, error) = (letter.offset.to_string(), shortened(&letter.refusal.error));
        let elsewhere = letter.partition.map(|number| (number, number.to_string()));
        let elsewhere = elsewhere.filter(|each| each.1 != self.partition);
        let partition = elsewhere.as_ref().map_or(&self.partition, |each| &each.1);
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("reason", letter.refusal.reason.name().as_bytes()),
            ("error", error.as_bytes()),
            ("topic", letter.topic.as_bytes()),
            ("partition", partition.as_bytes()),
            ("offset", offset.as_bytes()),
        ];
        let (key, value) = kept_of(letter);
        let digest = digest_of(letter).map(|digest| hex(&digest));
        if let Some(digest) = &digest {
            headers.push(("sha256", digest.as_bytes()));
        }
        let kept = (key.map(<[u8]>::len), value.map(<[u8]>::len));
        let cut = letter.refusal.digest.is_some()
            || kept != (letter.key.map(<[u8]>::len), letter.value.map(<[u8]>::len));
        if cut {
            headers.push(("truncated", b"true"));
        }
        let letters = match &elsewhere {
            None => &mut self.dead_letters,
            Some((number, _)) => self.letters_elsewhere.entry(*number).or_default(),
        };
        letters.add(now, key, value, &headers);
    }

    /// Add what goes to an id of another partition.
    pub fn transfer(&mut self, now: i64, partition: u32, id: &[u8], value: &[u8]) {
        let there = self.transfers.entry(partition).or_default();
        there.add(now, Some(id), Some(value), &[]);
    }

    /// Add a changed state; None deletes it.
    pub fn state(&mut self, now: i64, key: &[u8], state: Option<&[u8]>) {
        self.changelog.add(now, Some(key), state, &[]);
    }

    /// All that was added, as finished batches.
    pub fn collect(&mut self) -> Outputs {
        Outputs {
            segment_events: self.segment_events.take(),
            segment_outcomes: self.segment_outcomes.take(),
            memberships: self.memberships.take(),
            dead_letters: self.dead_letters.take(),
            changelog: self.changelog.take(),
            letters_elsewhere: taken(&mut self.letters_elsewhere),
            transfers: taken(&mut self.transfers),
        }
    }

    /// The header of the Confluent wire format.
    fn begin(&mut self, schema_id: u32) {
        self.value.clear();
        self.value.push(0);
        self.value.extend_from_slice(&schema_id.to_be_bytes());
    }
}

/// What was added for each partition, as finished batches.
fn taken(batches: &mut BTreeMap<u32, Batches>) -> Elsewhere {
    let made = std::mem::take(batches).into_iter();
    made.map(|(number, mut each)| (number, each.take())).collect()
}

/// The fields before the evidence.
fn write_flip(out: &mut Vec<u8>, now: i64, flip: &Flip) {
    for text in [
        flip.event_id,
        flip.customer,
        flip.segment,
        flip.version,
        flip.transition,
    ] {
        avro::bytes(out, text);
    }
    for number in [flip.occurred_at, now, flip.sequence, flip.episode] {
        avro::long(out, number);
    }
    avro::bytes(out, flip.reason);
    avro::optional(out, flip.cause, |out, cause| {
        avro::bytes(out, cause.topic);
        avro::long(out, cause.partition.into());
        avro::long(out, cause.offset);
        avro::optional(out, cause.event_id, avro::bytes);
    });
}

fn write_outcome(out: &mut Vec<u8>, now: i64, outcome: &SegmentOutcome) {
    for text in [
        outcome.event_id,
        outcome.customer,
        outcome.entered_as,
        outcome.segment,
        outcome.version,
    ] {
        avro::bytes(out, text);
    }
    avro::optional(out, outcome.value, avro::bytes);
    avro::long(out, outcome.episode);
    avro::bytes(out, outcome.kind);
    avro::bytes(out, outcome.reason);
    avro::optional(out, outcome.arm, avro::bytes);
    avro::optional(out, outcome.experiment.map(|each| each.0), avro::bytes);
    avro::optional(out, outcome.experiment.map(|each| each.1), avro::bytes);
    avro::bytes(out, outcome.goal);
    avro::long(out, outcome.entered_at);
    avro::optional_long(out, outcome.first_goal_at);
    avro::long(out, outcome.occurred_at);
    avro::long(out, now);
    avro::long(out, outcome.goals as i64);
    avro::optional(out, outcome.revenue, avro::decimal);
}

fn write_evidence(out: &mut Vec<u8>, evidence: Evidence) {
    avro::bytes(out, evidence.measure);
    avro::optional(out, evidence.value, avro::bytes);
    avro::bytes(out, evidence.bound);
    out.push(evidence.holds.into());
}

fn write_detail(out: &mut Vec<u8>, (name, text): Detail) {
    avro::bytes(out, name);
    avro::bytes(out, text);
}

fn write_membership<'a>(
    out: &mut Vec<u8>,
    (membership, details): (Membership, impl ExactSizeIterator<Item = Detail<'a>>),
) {
    avro::bytes(out, membership.segment);
    avro::bytes(out, membership.version);
    avro::long(out, membership.entered_at);
    avro::long(out, membership.episode);
    avro::optional_long(out, membership.valid_until);
    avro::optional(out, membership.value, avro::bytes);
    write_all(out, details, write_detail);
    avro::optional(out, membership.arm, avro::bytes);
}

/// An array or a map, as one block.
fn write_all<T>(out: &mut Vec<u8>, items: impl ExactSizeIterator<Item = T>, write: fn(&mut Vec<u8>, T)) {
    if items.len() > 0 {
        avro::long(out, items.len() as i64);
    }
    for item in items {
        write(out, item);
    }
    out.push(0);
}

/// A text cut to the characters that a header may have.
fn shortened(error: &str) -> std::borrow::Cow<'_, str> {
    match error.char_indices().nth(LONGEST_ERROR) {
        None => error.into(),
        Some(_) => error.chars().take(LONGEST_ERROR - 1).chain(['…']).collect(),
    }
}

/// Whether a dead letter holds no more than the beginning: of a record for which Kafka refused a transaction whatever its
/// length, so that the letter itself can't be refused for that.
fn is_short(letter: &Letter) -> bool {
    let length = letter.key.map_or(0, <[u8]>::len) + letter.value.map_or(0, <[u8]>::len);
    length > LONGEST_LETTER || letter.refusal.reason == Reason::TooLarge
}

/// Key and value as a dead letter holds them.
fn kept_of<'a>(letter: &Letter<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    if !is_short(letter) {
        return (letter.key, letter.value);
    }
    (
        letter.key.map(|key| kept(key, KEPT_KEY)),
        letter.value.map(|value| kept(value, KEPT_VALUE)),
    )
}

/// The digest of the whole value, if the letter may not hold all of it.
fn digest_of(letter: &Letter) -> Option<[u8; 32]> {
    let made = || is_short(letter).then(|| Sha256::digest(letter.value.unwrap_or_default()).into());
    letter.refusal.digest.or_else(made)
}

fn kept(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[..bytes.len().min(most)]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
