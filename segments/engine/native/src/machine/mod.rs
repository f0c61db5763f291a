//! The pure machine for a customer: what is remembered, and an event or an instant, give flips and the next instant.
//!
//! Everything that a customer does goes through [`Machine::evaluate`]: one evaluation at one instant, at most one flip
//! for each segment. A rule that an event cannot flip is not looked at.

mod flips;
mod keeping;
mod profiles;

pub use profiles::profile_of;

use crate::behind::Behind;
use crate::bits::Bits;
use crate::costs::Costs;
use crate::customer::{Customer, Digest, Profile, digest_from};
use crate::eval::{Eval, STEPS};
use crate::mutants::m;
use crate::names::Names;
use crate::output::{Effects, Membership, Reason};
use crate::plan::Plan;
use crate::reading::Reading;
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use crate::values::{self, Flipped, Met, PLAIN};
use crate::watches::Dropped;
use crate::wire::record::{Body, Event, Format, Record, Run};
use blake2::digest::consts::U6;
use blake2::{Blake2b, Digest as _};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::cell::Cell;
use std::collections::BTreeMap;
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

    /// Whether the money of its event is in the currency of the plan.
    #[inline]
    pub fn in_currency(&self, event: &Event, plan: &Plan) -> bool {
        event.currency().of(&self.run.data) == Some(plan.currency.as_bytes())
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
    /// The customers whose states an earlier rule set wrote, and this one left so.
    pub behind: Option<Box<Behind>>,
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
            behind: None,
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
}

/// The later of an erasure's instant, the customer's, and an erasure's before.
pub fn erased_at(customer: &Customer, timestamp: i64) -> i64 {
    m!(
        "an erasure comes before what was",
        timestamp.max(customer.instant).max(customer.erased_at),
        timestamp
    )
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
