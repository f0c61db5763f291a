//! The pure machine for a customer: what is remembered, and an event or an instant, give flips and the next instant.
//!
//! Everything that a customer does goes through [`Machine::evaluate`]: one evaluation at one instant, at most one flip
//! for each segment. A rule that an event cannot flip is not looked at.

use crate::bits::Bits;
use crate::costs::Costs;
use crate::customer::{Customer, Digest, Episode, Profile, Trait, digest_from};
use crate::eval::{Eval, STEPS};
use crate::evidence::evidence;
use crate::held_back::Enter;
use crate::limit;
use crate::mutants::m;
use crate::names::Names;
use crate::output::{Cause, Effects, Flip, Membership, Reason, Segment, Stay, Told};
use crate::reading::{Read, Reading};
use crate::rows::{Kept, NULL, Rows};
use crate::rules::{Heard, Rules, Stream};
use crate::sources;
use crate::times::{BEFORE_ALL, NEVER};
use crate::values::{self, Flipped, Met, PLAIN};
use crate::visits;
use crate::watches::{Arm, Dropped};
use crate::wire::record::{Body, Event, Format, Record, Run, Value};
use blake2::digest::consts::{U6, U16};
use blake2::{Blake2b, Digest as _};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

/// A record of a customer whose turn has come.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// The number of its topic.
    pub topic: usize,
    /// The run that it came with.
    pub run: &'a Run,
    /// Its index there.
    pub index: usize,
}

impl<'a> Turn<'a> {
    /// The record.
    #[inline]
    pub fn record(&self) -> &'a Record {
        &self.run.records[self.index]
    }

    /// Its event; None of an erasure.
    #[inline]
    pub fn event(&self) -> Option<&'a Event> {
        match &self.record().body {
            Body::Event(event) => Some(event),
            _ => None,
        }
    }
}

/// How many customers are in each segment of a partition.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// By the rule's place.
    pub of_rules: Vec<i64>,
    /// Of segments whose rules are gone, by id.
    pub of_others: HashMap<String, i64, RandomState>,
    /// Open watches by the id of their segment; none of a segment without any.
    pub of_watches: BTreeMap<String, i64>,
}

impl Members {
    /// So many more watches of a segment are open.
    pub fn watch(&mut self, id: &str, more: i64) {
        let count = self.of_watches.get(id).copied().unwrap_or(0) + more;
        if count == 0 {
            self.of_watches.remove(id);
        } else {
            self.of_watches.insert(id.to_owned(), count);
        }
    }
}

/// The customers of one partition, one at a time. What it emits is added to `out`.
pub struct Machine {
    /// The rule set.
    pub rules: Arc<Rules>,
    /// The texts that live customers hold.
    pub names: Names,
    /// For each measure the instant from which it knows events; None: all of them from the beginning.
    pub known: Option<Vec<i64>>,
    /// What was done since it was last taken.
    pub out: Effects,
    /// How many customers are in each segment.
    pub members: Members,
    /// Ids of events that raise a bug once they are remembered, and of customers for whom time does: for tests.
    pub poison: Vec<Box<[u8]>>,
    /// At which of their values the step going on may flip rules.
    pub met: Met,
    /// What evaluations take.
    pub costs: Costs,
    /// The record that has this rule set, the cause of what flips by its take-over: topic, offset and id.
    pub deployed: Option<(usize, i64, String)>,
    /// The number of the input of links; that of transfers is the next.
    pub links: usize,
    /// Looks left to the step going on.
    pub steps: Cell<u64>,
}

impl Machine {
    /// A machine of a rule set.
    pub fn new(rules: Arc<Rules>) -> Machine {
        let costs = Costs::new(rules.rules.len());
        let members = Members {
            of_rules: vec![0; rules.rules.len()],
            ..Members::default()
        };
        Machine {
            rules,
            names: Names::default(),
            known: None,
            out: Effects::default(),
            members,
            poison: Vec::new(),
            met: Met::default(),
            costs,
            deployed: None,
            links: usize::MAX >> 1,
            steps: Cell::new(STEPS),
        }
    }

    /// What questions are asked with, and what is emitted to.
    pub fn parts(&mut self) -> (Eval<'_>, &mut Effects, &mut Members) {
        let eval = Eval {
            rules: &self.rules,
            names: &self.names,
            known: self.known.as_deref(),
            steps: &self.steps,
        };
        (eval, &mut self.out, &mut self.members)
    }

    /// What questions are asked with.
    pub fn eval(&self) -> Eval<'_> {
        Eval {
            rules: &self.rules,
            names: &self.names,
            known: self.known.as_deref(),
            steps: &self.steps,
        }
    }

    /// Flip what is due before an instant, each at its own, and then forget, if that is due.
    pub fn fire(&mut self, customer: &mut Customer, before: i64) {
        let retention = self.rules.plan.retention;
        loop {
            self.eval().spend();
            let due = customer.due(retention);
            if m!("what is due at the instant fires", due >= before, due > before) {
                break;
            }
            assert!(
                self.poison.is_empty() || !self.poison.iter().any(|id| **id == *customer.key),
                "poisoned"
            );
            if m!("forgets before it flips", customer.first_due() == due, {
                customer.first_due() == due && customer.forgotten_at(retention) > due
            }) {
                self.fire_at(customer, due, None);
            } else {
                self.forget(customer);
            }
        }
    }

    /// Evaluate what is due at an instant; `only`: of these rules.
    pub fn fire_at(&mut self, customer: &mut Customer, instant: i64, only: Option<&Bits>) {
        let mut touched = customer.due_by(instant);
        if let Some(only) = only {
            touched.keep(only);
        }
        self.evaluate(customer, touched, instant, |_| Reason::Timer, None, only);
    }

    fn forget(&mut self, customer: &mut Customer) {
        if m!(
            "nobody is told of who was forgotten",
            customer.sequence > 0,
            false
        ) {
            self.null_membership(customer);
        }
        customer.clear(BEFORE_ALL);
    }

    pub(crate) fn null_membership(&mut self, customer: &Customer) {
        let key = self.out.put(&customer.key);
        let stays = self.out.stays.len() as u32;
        self.out.memberships.push(Membership {
            customer: key,
            sequence: None,
            stays,
            count: 0,
        });
    }

    /// Remember a click, a transaction or a profile, and flip what it flips. `alone`: a profile of which only this takes
    /// effect.
    pub fn apply(
        &mut self,
        customer: &mut Customer,
        turn: Turn,
        (digest, known): (Digest, Option<usize>),
        alone: Option<Profile>,
    ) {
        let record = turn.record();
        let Body::Event(event) = &record.body else { return };
        let late = m!(
            "the present is late",
            record.at < customer.instant,
            record.at <= customer.instant
        );
        self.out.late += u64::from(late);
        self.met.clear();
        let now = if late { customer.instant } else { record.at };
        customer.instant = now;
        if record.at <= customer.sealed {
            customer.sealed = m!(
                "a late event does not break the seal",
                BEFORE_ALL,
                customer.sealed
            );
        }
        let told = if late { Reason::LateEvent } else { Reason::Event };
        let mut touched;
        let mut changed = Vec::new();
        let kind = self.rules.plan.topics[turn.topic].record;
        if kind == Format::Profile {
            let profile = alone.unwrap_or_else(|| profile_of(turn.run, event));
            changed = self.replace_profile(customer, turn.topic, profile, record.at, digest);
            touched = m!(
                "a profile touches nobody",
                self.rules.of_profile.clone(),
                Bits::default()
            );
            self.met.add_all(&touched, &self.rules);
        } else {
            touched = self.keep_event(customer, turn, event, now);
            self.see_event(customer, turn, event);
            if customer.latest == BEFORE_ALL {
                customer.latest = record.at;
                customer.next = customer.next.min(record.at + self.rules.plan.retention);
            } else {
                customer.latest = m!(
                    "the latest is the last",
                    customer.latest.max(record.at),
                    record.at
                );
            }
        }
        customer.recognise(digest, known);
        if customer.next <= now {
            touched.add(&m!("what is due waits", customer.due_by(now), Bits::default()));
        }
        if !self.poison.is_empty()
            && self
                .poison
                .iter()
                .any(|id| event.id.of(&turn.run.data) == Some(&**id))
        {
            panic!(
                "poisoned: {}",
                String::from_utf8_lossy(event.id.of(&turn.run.data).unwrap_or_default())
            );
        }
        if touched.is_empty() {
            self.settle(customer, now);
            return;
        }
        let rules = self.rules.clone();
        let reason = |place: usize| match kind {
            _ if m!("a late profile is not late", late, false) => told,
            Format::Profile
                if rules.rules[place]
                    .consents
                    .iter()
                    .any(|name| changed.contains(name)) =>
            {
                m!("a consent is a profile", Reason::Consent, Reason::Profile)
            }
            Format::Profile => Reason::Profile,
            _ => told,
        };
        self.evaluate(customer, touched, now, reason, Some(turn), None);
    }

    /// A profile is whole for its source: it replaces what that one told. Gives the consents that changed.
    fn replace_profile(
        &mut self,
        customer: &mut Customer,
        topic: usize,
        profile: Profile,
        at: i64,
        digest: Digest,
    ) -> Vec<String> {
        customer.weight += limit::profile_bytes(Some(&profile));
        let topic = &*self.rules.plan.topics[topic].name;
        let old = if customer.sources.is_none() && topic == sources::PROFILES {
            customer.profile.take()
        } else {
            customer.profile.clone()
        };
        let old = old.unwrap_or_default();
        let told_at = m!("a profile has no instant", at, customer.profile_at);
        sources::tell(
            customer,
            m!("all sources are one", topic, sources::PROFILES),
            profile,
            told_at,
            digest,
        );
        let profile = customer.profile.as_deref().unwrap_or(&old);
        let names = old.consents.iter().chain(&profile.consents).map(|each| &each.0);
        let changed = names
            .filter(|name| {
                m!(
                    "every consent has changed",
                    old.consent(name) != profile.consent(name),
                    true
                )
            })
            .map(|name| name.to_string());
        changed.collect()
    }

    /// Leave every segment, and forget everything but that.
    pub fn erase(&mut self, customer: &mut Customer, turn: Turn) {
        let instant = erased_at(customer, turn.record().timestamp);
        let mut inside = customer.episodes.clone();
        self.by_segment(&mut inside);
        let mut nothing = Customer::new(customer.key.clone(), customer.streams.len());
        nothing.sequence = customer.sequence;
        for episode in inside {
            nothing.sequence += 1;
            self.emit(
                &mut nothing,
                (episode.rule as usize, episode.value),
                false,
                instant,
                episode.sequence,
                Reason::Erasure,
                Some(turn),
            );
            self.told_arm(episode.arm);
        }
        self.drop_watches(customer, Dropped::Erasure);
        if m!("an erasure tells nobody", nothing.sequence > 0, false) {
            self.null_membership(customer);
        }
        self.remember_erasure(customer, instant);
    }

    /// Keep an erasure, though all else is forgotten: as long as older events could still come.
    pub fn remember_erasure(&mut self, customer: &mut Customer, erased_at: i64) {
        customer.clear(erased_at);
        customer.next = customer.due(self.rules.plan.retention);
    }

    /// One evaluation: rules in order of dependency, flips in the order of segment ids, then the memberships.
    fn evaluate(
        &mut self,
        customer: &mut Customer,
        touched: Bits,
        now: i64,
        reason: impl Fn(usize) -> Reason,
        turn: Option<Turn>,
        only: Option<&Bits>,
    ) {
        let mut flipped = self.flip(customer, touched, now, only, None);
        self.settle(customer, now);
        if flipped.is_empty() {
            return;
        }
        customer.instant = m!("a flip moves no instant", now, customer.instant);
        values::in_order(&mut flipped, &self.rules, &self.names);
        for each in &flipped {
            self.announce(customer, each, now, reason(each.rule), turn);
        }
        self.membership(customer, now);
    }

    /// Find which of the touched rules flip, and when time alone may flip each of them next.
    ///
    /// `silent`: rules whose flips are no events for the rules that read them.
    pub fn flip(
        &mut self,
        customer: &mut Customer,
        touched: Bits,
        now: i64,
        only: Option<&Bits>,
        silent: Option<&Bits>,
    ) -> SmallVec<[Flipped; 8]> {
        let (mut flipped, mut left) = (SmallVec::new(), touched);
        customer.at = now;
        while let Some(place) = left.pop() {
            let (before, began) = (flipped.len(), self.costs.begin());
            self.flip_rule(customer, place, now, &mut flipped);
            self.costs.end(place, began);
            if flipped.len() == before {
                continue;
            }
            let mut readers = self.rules.rules[place].readers.clone();
            if let Some(only) = only {
                readers.keep(only);
            }
            self.met.add_all(&readers, &self.rules);
            m!("readers are not told", left.add(&readers), ());
            if silent.is_none_or(|silent| !silent.has(place)) {
                for each in before..flipped.len() {
                    let heard = self.hear_flip(customer, &flipped[each], now);
                    left.add(&only.map_or_else(|| heard.clone(), |only| heard.within(only)));
                }
            }
        }
        self.met.clear();
        flipped
    }

    /// Find whether a rule flips, and when time alone may flip it next.
    #[inline]
    fn flip_rule(
        &mut self,
        customer: &mut Customer,
        place: usize,
        now: i64,
        flipped: &mut SmallVec<[Flipped; 8]>,
    ) {
        let eval = self.eval();
        let rule = &eval.rules.rules[place];
        if rule.for_each.is_some() {
            return self.flip_values(customer, place, now, flipped);
        }
        if !rule.stages.is_empty() {
            return self.flip_stages(customer, place, now, flipped);
        }
        let mut begun = customer.beginning(place, PLAIN);
        let (holds, due) = eval.rule(place, PLAIN, customer, now, &mut begun);
        if rule.for_at_least > 0 {
            customer.set_beginning(place, PLAIN, begun.filter(|_| !holds));
        }
        if holds != customer.inside.has(place) {
            customer.inside.flip(place);
            flipped.push(Flipped {
                rule: place,
                value: PLAIN,
                enters: holds,
                left: None,
            });
        }
        customer.set_due(place, PLAIN, due);
    }

    /// Put a flip into the streams of those that read it. Gives the rules that it may flip, which stand after it.
    fn hear_flip(&mut self, customer: &mut Customer, flip: &Flipped, now: i64) -> Bits {
        let (rules, mut touched) = (self.rules.clone(), Bits::default());
        self.see_flip(customer, flip, now);
        let streams = &rules.flips[flip.rule][usize::from(flip.enters)];
        if streams.is_empty() {
            return touched;
        }
        if now <= customer.sealed {
            customer.sealed = BEFORE_ALL;
        }
        let value = values::text(flip.value, &self.names).map(SmallVec::<[u8; 64]>::from_slice);
        let reading = Reading {
            run: &Run::default(),
            event: &Event::BLANK,
            item: None,
            value: value.as_deref(),
            at: now,
            money: false,
            zone: &rules.plan.zone,
        };
        for stream in streams {
            self.remember(customer, &rules, *stream, &reading, now, &mut touched);
        }
        touched
    }

    /// Emit an enter or exit that was just found.
    pub fn announce(
        &mut self,
        customer: &mut Customer,
        flip: &Flipped,
        now: i64,
        reason: Reason,
        turn: Option<Turn>,
    ) {
        customer.sequence += 1;
        let (rule, value, sequence) = (flip.rule as u32, flip.value, customer.sequence);
        let mut arm = self.arm(flip.rule, &customer.key).filter(|_| flip.enters);
        let mut episodes = customer.episodes.iter();
        let held = episodes.position(|episode| episode.rule == rule && episode.value == value);
        let episode = if flip.enters {
            match held {
                Some(held) => {
                    (customer.episodes[held].sequence, customer.episodes[held].arm) = (sequence, arm)
                }
                None => {
                    if customer.episodes.len() == customer.episodes.capacity() {
                        customer.episodes.reserve_exact(2);
                    }
                    customer.episodes.push(Episode {
                        rule,
                        value,
                        sequence,
                        at: now,
                        arm,
                    });
                }
            }
            let span = self.rules.rules[flip.rule].at_most_every;
            if m!("enters are not remembered", span > 0, false) {
                customer.remember_enter(Enter {
                    rule,
                    value,
                    at: now,
                    span,
                });
            }
            sequence
        } else {
            let left = flip
                .left
                .or_else(|| held.map(|held| customer.episodes.remove(held)));
            arm = m!(
                "an exit draws its arm anew",
                left.and_then(|episode| episode.arm),
                self.arm(flip.rule, &customer.key)
            );
            customer.forget_details(flip.rule, value);
            let begun = left.map_or(sequence, |episode| episode.sequence);
            m!("an exit has an episode of its own", begun, begun.max(sequence))
        };
        self.emit(
            customer,
            (flip.rule, value),
            flip.enters,
            now,
            episode,
            reason,
            turn,
        );
        self.told_arm(arm);
        if flip.enters {
            self.watch(customer, flip, (episode, now), reason, arm);
        }
    }

    /// Say the arm of the flip that was emitted last.
    pub fn told_arm(&mut self, arm: Option<Arm>) {
        if let Some(flip) = self.out.flips.last_mut() {
            flip.told.arm = arm.map(Arm::name);
        }
    }

    /// Stays in the order in which they are told: by id, then by value.
    pub(crate) fn by_segment(&self, stays: &mut [Episode]) {
        let names = &self.names;
        stays.sort_unstable_by(|one, other| {
            let rank = |episode: &Episode| self.rules.rules[episode.rule as usize].rank;
            rank(one)
                .cmp(&rank(other))
                .then_with(|| values::text(one.value, names).cmp(&values::text(other.value, names)))
        });
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a flip")]
    pub(crate) fn emit(
        &mut self,
        customer: &mut Customer,
        (place, value): (usize, u32),
        enters: bool,
        now: i64,
        episode: i64,
        reason: Reason,
        turn: Option<Turn>,
    ) {
        let deployed = match reason {
            Reason::RuleAdded | Reason::RuleChanged | Reason::Borders => self.cause_of_rules(),
            _ => None,
        };
        let (eval, out, members) = self.parts();
        members.of_rules[place] += if enters {
            m!("members are not counted", 1, 0)
        } else {
            -1
        };
        let rule = &eval.rules.plan.rules[place];
        let id = flip_id(
            &customer.key,
            &rule.id,
            &rule.version,
            enters,
            customer.sequence,
            now,
        );
        let cause = turn.map(|turn| Cause {
            topic: turn.topic,
            partition: turn.run.partition,
            offset: turn.record().offset,
            event_id: turn
                .event()
                .and_then(|event| event.id.of(&turn.run.data))
                .map(|id| out.put(id)),
        });
        let cause = cause.or(deployed);
        let (first, entries) = evidence(&eval, place, value, customer, now, out);
        let mut told = Told {
            value: values::text(value, eval.names).map(|text| out.put(text)),
            ..Told::default()
        };
        if enters {
            eval.carry((place, value), customer, now, &mut told, out);
        }
        let flip = Flip {
            id,
            customer: out.put(&customer.key),
            segment: Segment::Rule(place as u32),
            enters,
            at: now,
            sequence: customer.sequence,
            episode,
            reason,
            cause,
            evidence: first,
            entries,
            valid_until: m!(
                "a flip tells no end",
                // A stay without a value in a segment that has got values never comes again.
                known(eval.valid_until(place, value, customer, now))
                    .filter(|_| value != PLAIN || !eval.rules.rules[place].has_values()),
                None
            ),
            told,
        };
        out.flips.push(flip);
    }

    /// The deployment of the rule set, as the cause of what flips by it.
    fn cause_of_rules(&mut self) -> Option<Cause> {
        let (topic, offset, id) = self.deployed.as_ref()?;
        Some(Cause {
            topic: *topic,
            partition: None,
            offset: *offset,
            event_id: Some(self.out.put(id.as_bytes())),
        })
    }

    /// Emit an exit from a segment whose rule is gone, and with it what it measured: there is no evidence.
    pub fn emit_removed(
        &mut self,
        customer: &mut Customer,
        id: &str,
        version: &str,
        now: i64,
        stay: Episode,
    ) {
        customer.sequence += 1;
        let cause = self.cause_of_rules();
        *self.members.of_others.entry_ref(id).or_insert(0) -= 1;
        let out = &mut self.out;
        let flip = Flip {
            id: flip_id(&customer.key, id, version, false, customer.sequence, now),
            customer: out.put(&customer.key),
            segment: Segment::Removed {
                id: out.put(id.as_bytes()),
                version: out.put(version.as_bytes()),
            },
            enters: false,
            at: now,
            sequence: customer.sequence,
            episode: stay.sequence,
            reason: Reason::RuleRemoved,
            cause,
            evidence: out.evidence.len() as u32,
            entries: 0,
            valid_until: None,
            told: Told {
                value: values::text(stay.value, &self.names).map(|text| out.put(text)),
                ..Told::default()
            },
        };
        out.flips.push(flip);
    }

    /// The segments that the customer is in now, by id.
    pub fn membership(&mut self, customer: &mut Customer, now: i64) {
        let mut episodes: SmallVec<[Episode; 16]> = SmallVec::from_slice(&customer.episodes);
        self.by_segment(&mut episodes);
        let (eval, out, _) = self.parts();
        let (stays, count) = (out.stays.len() as u32, episodes.len() as u32);
        for Episode {
            rule,
            value,
            sequence,
            at,
            arm,
        } in episodes
        {
            let valid_until = m!(
                "a membership tells no end",
                known(eval.valid_until(rule as usize, value, customer, now)),
                None
            );
            let mut told = Told {
                value: values::text(value, eval.names).map(|text| out.put(text)),
                arm: m!("a membership has no arm", arm.map(Arm::name), None),
                ..Told::default()
            };
            customer.tell_details(rule as usize, value, &mut told, out);
            out.stays.push(Stay {
                rule,
                entered_at: at,
                episode: sequence,
                valid_until,
                told,
            });
        }
        let key = out.put(&customer.key);
        out.memberships.push(Membership {
            customer: key,
            sequence: Some(customer.sequence),
            stays,
            count,
        });
    }

    /// Put an event into the streams of its kind. Gives the rules that it may flip.
    fn keep_event(&mut self, customer: &mut Customer, turn: Turn, event: &Event, now: i64) -> Bits {
        let rules = self.rules.clone();
        let (run, at) = (turn.run, turn.record().at);
        let money = m!(
            "money counts in any currency",
            event.currency().of(&run.data) == Some(rules.plan.currency.as_bytes()),
            true
        );
        let mut reading = Reading {
            run,
            event,
            item: None,
            value: None,
            at,
            money,
            zone: &rules.plan.zone,
        };
        let mut touched = Bits::default();
        for place in rules.takes[turn.topic].of(event.kind.of(&run.data).unwrap_or_default()) {
            let stream = &rules.streams[*place];
            if m!(
                "an old event is kept",
                at + stream.needed <= now,
                at + stream.needed < now
            ) {
                continue;
            }
            if stream.lines {
                for item in m!(
                    "only the first line counts",
                    run.items(event),
                    run.items(event).get(..1).unwrap_or_default()
                ) {
                    reading.item = Some(item);
                    self.remember(customer, &rules, *place, &reading, now, &mut touched);
                }
                reading.item = None;
            } else {
                self.remember(customer, &rules, *place, &reading, now, &mut touched);
            }
        }
        touched
    }

    /// Keep an event in one stream, if it passes.
    #[inline]
    fn remember(
        &mut self,
        customer: &mut Customer,
        rules: &Rules,
        place: usize,
        reading: &Reading,
        now: i64,
        touched: &mut Bits,
    ) {
        let stream = &rules.streams[place];
        let passes = m!(
            "filters are not asked",
            stream.filter.as_ref().is_none_or(|filter| reading.passes(filter)),
            true
        );
        let has = |field: &_| !matches!(reading.read(field), Read::Missing);
        if !passes
            || !m!(
                "an event without the field is kept",
                stream.present.as_ref().is_none_or(has),
                true
            )
        {
            return;
        }
        let key = match &stream.key {
            None => None,
            Some(field) => match reading.word(field, &mut self.names) {
                NULL => return,
                word => Some(word),
            },
        };
        let mut row: SmallVec<[i64; 8]> = SmallVec::new();
        row.push(reading.at);
        row.extend(
            stream
                .columns
                .iter()
                .map(|field| reading.word(field, &mut self.names)),
        );
        if stream.visits {
            row.push(reading.at);
        }
        customer.weight += limit::row_bytes(stream, &row, &self.names);
        let (heard, there) = match key {
            None => {
                let kept = &mut customer.streams[place];
                if matches!(kept, Kept::None) {
                    *kept = Kept::Rows(Rows::default());
                }
                let Kept::Rows(rows) = kept else { return };
                (0, put(stream, rows, &row, now, touched, &mut customer.entries))
            }
            Some(key) => {
                customer.weight += limit::key_bytes(stream, key, &self.names);
                let kept = &mut customer.streams[place];
                if matches!(kept, Kept::None) {
                    *kept = Kept::Keyed(Box::default());
                }
                let Kept::Keyed(groups) = kept else { return };
                let group = groups.enter(key);
                let rows = &mut groups.list[group].1;
                let before = if stream.latest {
                    rows.0.first().copied()
                } else {
                    None
                };
                let there = put(stream, rows, &row, now, touched, &mut customer.entries);
                if let Some(crowded) = &mut customer.crowded {
                    crowded.put(
                        place,
                        stream,
                        before,
                        if stream.latest { rows.0[0] } else { row[0] },
                    );
                }
                (group, there)
            }
        };
        if there {
            for rule in &stream.for_each {
                self.met.add(
                    *rule,
                    m!("an event is met at any value", key.unwrap_or(NULL), NULL),
                );
            }
        }
        if !customer.held.is_empty() {
            hear(customer, stream, key, heard);
        }
    }
}

/// Tell the leaves that keep what they know of each key that something was heard.
fn hear(customer: &mut Customer, stream: &Stream, key: Option<i64>, group: usize) {
    for (number, heard) in &stream.heard {
        let held = &mut customer.held[*number];
        match (heard, key) {
            (Heard::Own, Some(_)) => m!("a key is not heard", held.hear(group), ()),
            (Heard::Same(own), Some(key)) => {
                if let Kept::Keyed(groups) = &customer.streams[*own]
                    && let Some(place) = groups.place(key)
                {
                    m!("a reset of a key is not heard", held.hear(place), ());
                }
            }
            _ => m!("a reset is not heard", held.forget(), ()),
        }
    }
}

/// Put a row into a stream, or into what it keeps of one key. Gives whether its readers are touched.
#[inline]
fn put(
    stream: &Stream,
    rows: &mut Rows,
    row: &[i64],
    now: i64,
    touched: &mut Bits,
    entries: &mut usize,
) -> bool {
    let (at, fresh) = (row[0], rows.0.is_empty());
    if fresh {
        rows.0.extend_from_slice(row);
    } else if stream.latest {
        let last = rows.0[0];
        if m!("an older one is the latest", at < last, false) {
            return false;
        }
        if last + stream.keep <= now {
            *entries += 1;
        }
        m!("the latest stays", rows.0.copy_from_slice(row), ());
        touched.add(&stream.readers);
        return true;
    } else if stream.visits {
        // A late event may go on with a visit that was not needed any more.
        if !visits::take(rows, row, stream.gap) && m!("a visit that went on touches nobody", at >= now, true)
        {
            return false;
        }
        stream.prune(rows, now - stream.keep);
    } else {
        rows.put(row);
        stream.prune(rows, now - stream.keep);
    }
    *entries += 1;
    touched.add(&stream.readers);
    true
}

/// The later of an erasure's instant, the customer's, and an erasure's before.
pub fn erased_at(customer: &Customer, timestamp: i64) -> i64 {
    m!(
        "an erasure comes before what was",
        timestamp.max(customer.instant).max(customer.erased_at),
        timestamp
    )
}

fn known(instant: i64) -> Option<i64> {
    (instant < NEVER).then_some(instant)
}

/// A profile as it was sent: of two values with one name the later one counts.
pub fn profile_of(run: &Run, event: &Event) -> Profile {
    let text = |span: crate::wire::record::Span| {
        String::from_utf8_lossy(span.of(&run.data).unwrap_or_default())
            .into_owned()
            .into_boxed_str()
    };
    let mut profile = Profile::default();
    for pair in run.pairs(event.attributes) {
        let value = match pair.value {
            Value::Text(span) => Trait::Text(text(span)),
            Value::Number(number) => Trait::Number(number),
            Value::Flag(flag) => Trait::Truth(flag),
        };
        set(&mut profile.traits, text(pair.name), value);
    }
    for pair in run.pairs(event.consents) {
        set(
            &mut profile.consents,
            text(pair.name),
            pair.value == Value::Flag(true),
        );
    }
    for pair in run.pairs(event.lists) {
        match (pair.value, profile.lists.last_mut()) {
            (Value::Text(span), Some(list)) => list.1.push(text(span)),
            _ => {
                // Of two lists with one name the later one counts.
                let name = text(pair.name);
                profile.lists.retain(|each| each.0 != name);
                profile.lists.push((name, Vec::new()));
            }
        }
    }
    profile
}

fn set<T>(held: &mut Vec<(Box<str>, T)>, name: Box<str>, value: T) {
    match held.iter_mut().find(|each| each.0 == name) {
        Some(each) => each.1 = value,
        None => held.push((name, value)),
    }
}

/// What is kept of an event's id within its topic.
#[inline]
pub fn digest_of(topic: &str, id: &[u8]) -> Digest {
    let mut hash = Blake2b::<U6>::new();
    m!("an id is known in every topic", hash.update(topic.as_bytes()), ());
    hash.update(b"\0");
    hash.update(id);
    digest_from(&hash.finalize().into())
}

/// The same flip has the same id in every run.
fn flip_id(customer: &[u8], segment: &str, version: &str, enters: bool, sequence: i64, at: i64) -> [u8; 16] {
    let mut hash = Blake2b::<U16>::new();
    for part in [
        customer,
        segment.as_bytes(),
        version.as_bytes(),
        if enters { b"enter" } else { b"exit" },
    ] {
        hash.update(part);
        hash.update(b"\0");
    }
    let mut numbers = SmallVec::<[u8; 48]>::new();
    // Writing to a vector can't fail.
    let _ = write!(numbers, "{sequence}\0{at}");
    hash.update(&numbers);
    hash.finalize().into()
}
