//! What is remembered of one customer, live.

use crate::bits::Bits;
use crate::by_key::HoldingKeys;
use crate::crowded::Crowded;
use crate::details;
use crate::held_back::{Enter, HeldBack};
use crate::identity::Identity;
use crate::mutants::m;
use crate::rows::Kept;
use crate::rules::Rules;
use crate::sources::Source;
use crate::times::{BEFORE_ALL, DAY, NEVER};
use crate::watches::{Arm, Watch, Watches};
use std::sync::Arc;

/// Bytes that are kept of an event's id: of those of a customer, thirty a day, two meet in 10^11 days.
pub const DIGEST: usize = 6;

/// What is kept of an event's id: `DIGEST` bytes, the first one lowest.
pub type Digest = u64;

/// A digest as a number.
#[inline]
pub fn digest_from(bytes: &[u8; DIGEST]) -> Digest {
    bytes
        .iter()
        .rev()
        .fold(0, |digest, byte| digest << 8 | u64::from(*byte))
}

/// A digest as bytes.
#[inline]
pub fn digest_bytes(digest: Digest) -> [u8; DIGEST] {
    let [first, second, third, fourth, fifth, sixth, ..] = digest.to_le_bytes();
    [first, second, third, fourth, fifth, sixth]
}

/// The value of a profile's attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Trait {
    /// A text.
    Text(Box<str>),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// A profile as it was last sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// By name, in the order of the record.
    pub traits: Vec<(Box<str>, Trait)>,
    /// By name, in the order of the record.
    pub consents: Vec<(Box<str>, bool)>,
    /// By name, in the order of the record.
    pub lists: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl Profile {
    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&Trait> {
        self.traits
            .iter()
            .find(|each| &*each.0 == name)
            .map(|each| &each.1)
    }

    /// Whether a consent was given; None: the profile does not tell.
    pub fn consent(&self, name: &str) -> Option<bool> {
        self.consents
            .iter()
            .find(|each| &*each.0 == name)
            .map(|each| each.1)
    }

    /// Whether a list has a value; None: the profile has no such list.
    pub fn lists(&self, name: &str, value: &str) -> Option<bool> {
        let mut lists = self.lists.iter();
        let list = &lists.find(|each| &*each.0 == name)?.1;
        Some(list.iter().any(|each| &**each == value))
    }

    /// Bytes on the heap: about.
    pub fn heap(&self) -> usize {
        let texts = self.traits.iter().map(|(name, value)| {
            name.len()
                + if let Trait::Text(text) = value {
                    text.len()
                } else {
                    0
                }
        });
        let names = self.consents.iter().map(|each| each.0.len());
        let lists = self.lists.iter().map(|(name, list)| {
            40 + name.len() + 16 * list.capacity() + list.iter().map(|each| each.len()).sum::<usize>()
        });
        48 * (self.traits.capacity() + self.consents.capacity())
            + texts.chain(names).chain(lists).sum::<usize>()
    }
}

/// A stay in a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// The rule's place.
    pub rule: u32,
    /// The number of the value's text; [`crate::values::PLAIN`]: a segment without values.
    pub value: u32,
    /// The `sequence` of the enter.
    pub sequence: i64,
    /// The instant of the enter.
    pub at: i64,
    /// The arm of the enter, if the rule had a control group.
    pub arm: Option<Arm>,
}

/// When to look at a rule again.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The rule's place.
    pub rule: u32,
    /// At which value: the number of its text, or [`crate::values::PLAIN`].
    pub value: u32,
    /// An instant that may be early, never late.
    pub at: i64,
    /// The very instant of the flip as it was last searched for; `BEFORE_ALL`: not known. Never written.
    pub exact: i64,
}

/// One customer. A missing instant is `BEFORE_ALL`.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The customer id.
    pub key: Arc<[u8]>,
    /// The customer's instant: the latest of what was applied and what flipped.
    pub instant: i64,
    /// The latest `occurred_at` of a click or transaction.
    pub latest: i64,
    /// The `occurred_at` of the latest profile held.
    pub profile_at: i64,
    /// When the customer was erased.
    pub erased_at: i64,
    /// The `sequence` of the last flip.
    pub sequence: i64,
    /// An instant before which time alone does nothing: `due`, or earlier.
    pub next: i64,
    /// The instant of the evaluation going on.
    pub at: i64,
    /// The segments that the customer is in, of those with values for any of them.
    pub inside: Bits,
    /// The stays in them.
    pub episodes: Vec<Episode>,
    /// The rules that time alone may flip.
    pub dues: Vec<Due>,
    /// Digests of the ids seen, the oldest first.
    pub ids: Vec<Digest>,
    /// For each of them the customer's instant just after.
    pub seen: Vec<i64>,
    /// By the number of the stream.
    pub streams: Box<[Kept]>,
    /// By the number of the leaf with `by`; empty until one is asked.
    pub holding_keys: Vec<HoldingKeys>,
    /// What all sources told together.
    pub profile: Option<Box<Profile>>,
    /// What each source told, once one beside `profiles` has: by topic.
    pub sources: Option<Box<Vec<Source>>>,
    /// What holds the customer back from segments.
    pub held_back: Option<Box<HeldBack>>,
    /// Where the customer is redirected, and whom they absorbed.
    pub identity: Option<Box<Identity>>,
    /// The enters whose outcome is awaited.
    pub watches: Option<Box<Watches>>,
    /// What stays keep of the details of their enters.
    pub details: Option<Box<Vec<details::KeptDetails>>>,
    /// The instants of entries with keys, of one who was near the limit.
    pub crowded: Option<Box<Crowded>>,
    /// At least as many entries as are needed.
    pub entries: usize,
    /// At least as many bytes as these occupy, as the limit counts them.
    pub weight: usize,
    /// From how many entries on those not needed any more are looked for, once `forgets_at` has come.
    pub forgets_above: usize,
    /// See `forgets_above`.
    pub forgets_at: i64,
    /// From this instant up to `full_until` the customer is at the limit, and nothing ceases to be needed.
    pub full_from: i64,
    /// See `full_from`.
    pub full_until: i64,
    /// Until when the record of what is older holds; `BEFORE_ALL`: there is none, or not any more.
    pub sealed: i64,
    /// Whether there is a record of what is older among the committed states, or will be with the next commit.
    pub older: bool,
    /// Whether the customer has a committed state, or will have with the next commit.
    pub stored: bool,
    /// Whether anything changed since the last commit.
    pub changed: bool,
    /// The generation in which the customer was last looked at.
    pub generation: u32,
}

impl Customer {
    /// A customer of whom nothing is remembered.
    pub fn new(key: Arc<[u8]>, streams: usize) -> Customer {
        Customer {
            key,
            instant: BEFORE_ALL,
            latest: BEFORE_ALL,
            profile_at: BEFORE_ALL,
            erased_at: BEFORE_ALL,
            sequence: 0,
            next: NEVER,
            at: BEFORE_ALL,
            inside: Bits::default(),
            episodes: Vec::new(),
            dues: Vec::new(),
            ids: Vec::new(),
            seen: Vec::new(),
            streams: std::iter::repeat_with(Kept::default).take(streams).collect(),
            holding_keys: Vec::new(),
            profile: None,
            sources: None,
            held_back: None,
            identity: None,
            watches: None,
            details: None,
            crowded: None,
            entries: 0,
            weight: 0,
            forgets_above: 0,
            forgets_at: BEFORE_ALL,
            full_from: BEFORE_ALL,
            full_until: BEFORE_ALL,
            sealed: BEFORE_ALL,
            older: false,
            stored: false,
            changed: false,
            generation: 0,
        }
    }

    /// Whether nothing is remembered.
    pub fn blank(&self) -> bool {
        self.instant == BEFORE_ALL
    }

    /// The customer id as a text: admission has refused the others.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    /// The earliest instant at which time alone may flip a rule, or a watch matures.
    #[inline]
    pub fn first_due(&self) -> i64 {
        let flips = self.dues.iter().map(|due| due.at).min().unwrap_or(NEVER);
        let end = self.watches.as_ref().map_or(NEVER, |watches| watches.first_end());
        flips.min(m!("a watch has no end", end, NEVER))
    }

    /// The earliest instant at which time alone does something.
    pub fn due(&self, retention: i64) -> i64 {
        m!(
            "nobody is forgotten",
            self.first_due().min(self.forgotten_at(retention)),
            self.first_due()
        )
    }

    /// When everything about the customer is forgotten: not while there is a profile, or a watch is open.
    pub fn forgotten_at(&self, retention: i64) -> i64 {
        if m!(
            "forgotten in spite of a profile",
            self.profile_at != BEFORE_ALL,
            false
        ) || m!("forgotten in spite of a watch", self.watches.is_some(), false)
        {
            NEVER
        } else if let Some(identity) = &self.identity {
            identity.latest().max(self.latest).max(self.erased_at) + retention
        } else if self.latest != BEFORE_ALL {
            self.latest + retention
        } else if self.erased_at != BEFORE_ALL {
            m!(
                "an erasure is forgotten at once",
                self.erased_at + retention,
                self.erased_at
            )
        } else if self.blank() {
            NEVER
        } else {
            // Of an id that is itself again, as the one of a ring that goes on, the sequence alone is left.
            self.instant + retention
        }
    }

    /// The rules that time alone may flip at or before an instant.
    pub fn due_by(&self, instant: i64) -> Bits {
        Bits::of(
            self.dues
                .iter()
                .filter(|due| {
                    m!(
                        "what is due at the instant waits",
                        due.at <= instant,
                        due.at < instant
                    )
                })
                .map(|due| due.rule as usize),
        )
    }

    /// Say when to look at a rule again, at one of its values.
    #[inline]
    pub fn set_due(&mut self, rule: usize, value: u32, at: i64) {
        let mut dues = self.dues.iter();
        let place = dues.position(|due| due.rule as usize == rule && due.value == value);
        if at >= NEVER {
            if let Some(place) = place {
                self.dues.swap_remove(place);
            }
            return;
        }
        let due = Due {
            rule: rule as u32,
            value,
            at,
            exact: BEFORE_ALL,
        };
        match place {
            Some(place) => m!("a due is not renewed", self.dues[place] = due, ()),
            None => {
                if self.dues.len() == self.dues.capacity() {
                    self.dues.reserve_exact(2);
                }
                self.dues.push(due);
            }
        }
        self.next = m!("nothing is due sooner", self.next.min(at), self.next);
    }

    /// Forget everything, but perhaps the instant of an erasure.
    pub fn clear(&mut self, erased_at: i64) {
        let fresh = Customer {
            erased_at,
            instant: erased_at,
            older: self.older,
            stored: self.stored,
            changed: self.changed,
            generation: self.generation,
            ..Customer::new(self.key.clone(), self.streams.len())
        };
        *self = fresh;
    }

    /// Where an id stands among those seen.
    ///
    /// Nearly every id is new, so all are looked through: sixteen at a time, which the compiler does with vectors.
    #[inline]
    pub fn find_id(&self, digest: Digest) -> Option<usize> {
        const TOGETHER: usize = 16;
        let (blocks, rest) = self.ids.as_chunks::<TOGETHER>();
        let alike =
            |block: &[Digest; TOGETHER]| block.iter().fold(false, |found, each| found | (*each == digest));
        let in_block = |number: usize| blocks[number].iter().position(|each| *each == digest);
        match blocks.iter().position(alike) {
            Some(number) => in_block(number).map(|place| number * TOGETHER + place),
            None => {
                let place = rest.iter().position(|each| *each == digest);
                place.map(|place| blocks.len() * TOGETHER + place)
            }
        }
    }

    /// Remember an id as seen at the customer's instant; `known`: where it stands already.
    pub fn recognise(&mut self, digest: Digest, known: Option<usize>) {
        if let Some(place) = m!("an id seen again is not the latest", known, None::<usize>) {
            self.ids.remove(place);
            self.seen.remove(place);
        }
        if self.ids.len() == self.ids.capacity() {
            let more = 4 + self.ids.len() / 4;
            self.ids.reserve_exact(more);
            self.seen.reserve_exact(more);
        }
        self.ids.push(digest);
        self.seen
            .push(m!("an id is seen early", self.instant, self.instant - 1));
        self.entries += 1;
        self.weight += crate::limit::ID_BYTES;
        (self.full_from, self.full_until) = (BEFORE_ALL, BEFORE_ALL);
    }

    /// Forget that an id was seen.
    pub fn forget_id(&mut self, digest: Digest) {
        if let Some(place) = self.find_id(digest) {
            self.ids.remove(place);
            self.seen.remove(place);
        }
    }

    /// Forget the ids that can no longer make an event a duplicate.
    pub fn forget_ids(&mut self) {
        let gone = self
            .seen
            .iter()
            .take_while(|seen| {
                m!(
                    "ids are forgotten early",
                    **seen + DAY <= self.instant,
                    **seen + DAY <= self.instant + 1
                )
            })
            .count();
        if gone > 0 {
            self.ids.drain(..gone);
            self.seen.drain(..gone);
        }
    }

    /// Since when a rule would let the customer in; None: it would not, as it was last evaluated.
    #[inline]
    pub fn beginning(&self, rule: usize, value: u32) -> Option<i64> {
        self.held_back.as_ref()?.beginning(rule, value)
    }

    /// Say since when a rule would let the customer in.
    pub fn set_beginning(&mut self, rule: usize, value: u32, at: Option<i64>) {
        if at.is_some() || self.held_back.is_some() {
            let back = self.held_back.get_or_insert_default();
            back.set_beginning(rule, value, at);
            if back.is_empty() {
                self.held_back = None;
            }
        }
    }

    /// The latest enter of a segment that is not to be entered again too soon; `BEFORE_ALL`: none is remembered.
    #[inline]
    pub fn entered(&self, rule: usize, value: u32) -> i64 {
        self.held_back
            .as_ref()
            .map_or(BEFORE_ALL, |back| back.entered(rule, value))
    }

    /// Remember an enter of a segment that is not to be entered again too soon.
    pub fn remember_enter(&mut self, enter: Enter) {
        let more = self.held_back.get_or_insert_default().enter(enter);
        if more {
            self.entries += 1;
            self.weight += crate::limit::ENTRY_BYTES;
        }
    }

    /// Forget the enters that no longer count.
    pub fn forget_enters(&mut self) {
        if let Some(back) = &mut self.held_back {
            back.forget(self.instant);
            if back.is_empty() {
                self.held_back = None;
            }
        }
    }

    /// Forget the links that are older than the retention.
    pub fn forget_identity(&mut self, retention: i64) {
        if let Some(identity) = &mut self.identity {
            identity.forget(self.instant - retention);
            if identity.is_empty() {
                self.identity = None;
            }
        }
    }

    /// What of the streams the rules do not need any more at the customer's instant is forgotten.
    pub fn forget_rows(&mut self, rules: &Rules) {
        if let Some(crowded) = &mut self.crowded {
            crowded.forget(rules, self.instant);
        }
        for (place, kept) in self.streams.iter_mut().enumerate() {
            let (stream, before) = (&rules.streams[place], self.instant - rules.streams[place].keep);
            let empty = match kept {
                Kept::None => false,
                Kept::Rows(rows) => {
                    stream.prune(rows, before);
                    rows.0.is_empty()
                }
                Kept::Keyed(groups) => {
                    let count = groups.list.len();
                    groups.list.retain_mut(|(_, rows)| {
                        stream.prune(rows, before);
                        !rows.0.is_empty()
                    });
                    if groups.list.len() < count {
                        groups.reindex();
                        if !self.holding_keys.is_empty() {
                            rules.forget_holding_keys(place, &mut self.holding_keys);
                        }
                    }
                    groups.list.is_empty()
                }
            };
            if empty {
                *kept = Kept::None;
            }
        }
    }

    /// What the customer occupies while live, in bytes: about.
    pub fn size(&self) -> usize {
        let holding_keys: usize = self.holding_keys.iter().map(HoldingKeys::heap).sum();
        let streams = self
            .streams
            .iter()
            .map(|kept| std::mem::size_of::<Kept>() + kept.heap())
            .sum::<usize>();
        let lists = 24 * (self.episodes.capacity() + self.dues.capacity())
            + 16 * self.ids.capacity()
            + std::mem::size_of::<HoldingKeys>() * self.holding_keys.capacity();
        let profile = self.profile.as_ref().map_or(0, |profile| 48 + profile.heap())
            + self
                .sources
                .as_ref()
                .map_or(0, |sources| 24 + sources.iter().map(Source::heap).sum::<usize>());
        let back = self.held_back.as_ref().map_or(0, |back| {
            48 + 16 * back.beginnings.capacity() + 24 * back.enters.capacity()
        });
        std::mem::size_of::<Customer>()
            + streams
            + holding_keys
            + lists
            + profile
            + back
            + self
                .identity
                .as_ref()
                .map_or(0, |identity| 96 + 96 * identity.merged.capacity())
            + self.watches.as_ref().map_or(0, |watches| {
                24 + std::mem::size_of::<Watch>() * watches.open.capacity()
            })
            + details::bytes(self)
            + self.crowded.as_ref().map_or(0, |crowded| crowded.heap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::PLAIN;

    fn anyone() -> Customer {
        Customer::new(Arc::from(&b"ann"[..]), 0)
    }

    /// An id is forgotten a day after the customer's instant then; seen once more it is the latest.
    #[test]
    fn ids_last_a_day() {
        let mut ann = anyone();
        for (instant, digest) in [(0, 1), (5, 2), (5, 3), (9, 1)] {
            ann.instant = instant;
            ann.recognise(digest, ann.find_id(digest));
        }
        assert_eq!((ann.seen.as_slice(), ann.find_id(1)), (&[5, 5, 9][..], Some(2)));
        ann.instant = DAY + 4;
        ann.forget_ids();
        assert_eq!(ann.ids.len(), 3);
        ann.instant = DAY + 5;
        ann.forget_ids();
        assert_eq!(ann.ids, [1]);
    }

    /// What is due first is a flip or being forgotten; nobody with a profile is forgotten.
    #[test]
    fn what_is_due() {
        let mut ann = anyone();
        assert_eq!(ann.due(DAY), NEVER);
        ann.erased_at = 7;
        assert_eq!(ann.due(DAY), DAY + 7);
        ann.latest = 10;
        ann.set_due(3, PLAIN, DAY + 11);
        ann.set_due(4, PLAIN, DAY);
        assert_eq!((ann.due(DAY), ann.due_by(DAY + 11)), (DAY, Bits::of([3, 4])));
        ann.set_due(4, PLAIN, NEVER);
        assert_eq!((ann.due(DAY), ann.next), (DAY + 10, DAY));
        ann.profile_at = 1;
        assert_eq!(ann.due(DAY), DAY + 11);
    }
}
