//! Links and transfers in a partition: what is done at the id that they have come to, and where they go from there.

use super::alone::alone;
use super::links::{Act, redirect_of};
use super::{Content, Id, Identity, Linked, MOST_MERGED, Transfer, wire};
use crate::codec::{self, StateError};
use crate::customer::Customer;
use crate::machine::digest_of;
use crate::output::{DeadLetter, Outcome};
use crate::partition::{Partition, Step};
use crate::position::Layout;
use crate::screening::is_duplicate;
use crate::sweep;
use crate::times::BEFORE_ALL;
use crate::watches;
use crate::wire::murmur::partition_of;
use crate::wire::record::{Body, Event, Record, Run};
use crate::wire::refusals::{Reason, Refusal};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What becomes of a transfer at an id.
enum Onward {
    /// It has arrived; these follow from it.
    Done(Outcome, Vec<Transfer>),
    /// It goes on.
    On(Transfer),
}

impl Partition {
    /// A link at the id that it is keyed by. Gives what follows from it.
    pub(crate) fn link(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        (topic, run, index): (usize, &Arc<Run>, usize),
        event: &Event,
    ) -> Result<(Outcome, Option<Transfer>), StateError> {
        let record = &run.records[index];
        let at = record.at;
        let id: Id = event.id.of(&run.data).unwrap_or_default().into();
        let into: Id = event.into.of(&run.data).unwrap_or_default().into();
        let unlinks = event.kind.of(&run.data) == Some(b"unlink");
        let digest = digest_of(&self.topics[topic], &id);
        if is_duplicate(customer, customer.find_id(digest), at) {
            return Ok(self.linked(Linked::Duplicate, Outcome::Duplicate));
        }
        let retention = self.rules.plan.retention;
        let erased = customer.erased_at != BEFORE_ALL && at <= customer.erased_at;
        let undone = customer
            .identity
            .as_ref()
            .is_some_and(|identity| !unlinks && at <= identity.unlinked);
        if at + retention < self.clock || erased || undone {
            return Ok(self.linked(Linked::Ignored, Outcome::Ignored));
        }
        self.move_clock(record);
        self.fire_up_to(place, customer, at)?;
        let redirect = customer
            .identity
            .as_ref()
            .and_then(|identity| identity.redirect.clone());
        let own = Arc::new(alone(run, index, self.number));
        if unlinks {
            if redirect.is_none_or(|redirect| redirect.into != into) {
                return Ok(self.linked(Linked::Ignored, Outcome::Ignored));
            }
            self.step(place, customer, Act::Unlink(at, digest));
            return Ok(self.linked(Linked::Unlinked, Outcome::Applied));
        }
        let Some(redirect) = redirect else {
            return self.leave(place, customer, own, (id, into));
        };
        self.step(place, customer, Act::Pass(at));
        let there = redirect.into == into;
        if there {
            self.machine.out.count(Linked::Duplicate);
        }
        let content = Content::Link {
            run: own,
            sought: (!there).then_some(into),
            end: None,
        };
        let passed = vec![(customer.key.clone(), redirect.link)];
        let transfer = self.transfer(redirect.into, passed, at, content);
        // Where the way of another one ends is told at the end.
        let outcome = if there {
            Outcome::Duplicate
        } else {
            Outcome::Forwarded
        };
        Ok((outcome, Some(transfer)))
    }

    fn linked(&mut self, linked: Linked, outcome: Outcome) -> (Outcome, Option<Transfer>) {
        self.machine.out.count(linked);
        (outcome, None)
    }

    fn transfer(&self, to: Id, passed: Vec<(Id, Id)>, at: i64, content: Content) -> Transfer {
        Transfer {
            to,
            passed,
            at,
            deployment: self.machine.deployed.as_ref().map(|each| each.2.as_str().into()),
            content,
            offset: None,
        }
    }

    /// The half of the id that is absorbed.
    fn leave(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        link: Arc<Run>,
        (id, into): (Id, Id),
    ) -> Result<(Outcome, Option<Transfer>), StateError> {
        let at = link.records[0].at;
        let digest = digest_of(super::IDENTITIES, &id);
        let state = is_remembered(customer).then(|| self.state_of(customer));
        let act = Act::Leave {
            link: link.clone(),
            into: into.clone(),
            digest,
        };
        if let Err(error) = self.act(place, customer, act)? {
            let refusal = Refusal::new(Reason::EngineError, error);
            self.refuse(self.machine.links, link, 0, refusal);
            return Ok((Outcome::DeadLetter, None));
        }
        self.machine.out.count(Linked::Applied);
        let transfer = state.map(|state| {
            let passed = vec![(customer.key.clone(), id)];
            self.transfer(into, passed, at, Content::State { state, link })
        });
        Ok((Outcome::Applied, transfer))
    }

    /// What is remembered of a customer, with the layout that it is written in.
    fn state_of(&mut self, customer: &Customer) -> Arc<[u8]> {
        let mut copy = customer.clone();
        let written = self
            .customers
            .whole(&mut copy, self.position.current, &self.machine.names);
        let mut out = Vec::with_capacity(written.len() + 256);
        self.position.layouts[&self.position.current].write(&mut out);
        out.extend_from_slice(&written);
        out.into()
    }

    /// A customer as another partition wrote them, in the layout of this rule set.
    fn theirs(&mut self, key: &Id, state: &[u8]) -> Result<Customer, StateError> {
        let mut reader = codec::bytes::Reader::new(state);
        let layout = Layout::read(&mut reader)?;
        let names = &mut self.machine.names;
        let theirs = codec::decode(key.clone(), reader.rest(), &layout.shapes, names, &mut |_| None)?;
        let mine = &self.position.layouts[&self.position.current];
        if layout.same(mine) {
            return Ok(theirs);
        }
        let going = sweep::Going::of(&layout, mine, &self.rules);
        let mut carried = sweep::carried_customer(theirs, &self.rules, &going);
        watches::carry(&mut carried, &layout, &self.rules);
        Ok(carried)
    }

    /// Do a step of a link to a customer; what a bug says, if there is one: then it is undone.
    fn act(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        act: Act,
    ) -> Result<Result<(), String>, StateError> {
        let mark = self.machine.out.mark();
        if let Err(error) = self.guarded(|machine| machine.act(customer, &act)) {
            self.undo(place, customer, mark)?;
            return Ok(Err(error));
        }
        self.journal.push((place, Step::Identity(act)));
        self.customers.note(place, customer);
        Ok(Ok(()))
    }

    /// Do a step of a link to a customer that is too small to have a bug.
    fn step(&mut self, place: u32, customer: &mut Box<Customer>, act: Act) {
        self.machine.act(customer, &act);
        self.journal.push((place, Step::Identity(act)));
        self.customers.note(place, customer);
    }

    /// A record of an id that is redirected: what goes on.
    pub(crate) fn pass_record(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        (topic, run, index): (usize, &Arc<Run>, usize),
    ) -> Result<Option<Transfer>, StateError> {
        let record = &run.records[index];
        if redirect_of(customer).is_some() {
            // The redirect may have been forgotten by the time of the record.
            self.fire_up_to(place, customer, record.at)?;
        }
        let Some(redirect) = redirect_of(customer).cloned() else {
            return Ok(None);
        };
        self.step(place, customer, Act::Pass(record.at));
        let content = Content::Record {
            topic: self.topics[topic].as_str().into(),
            run: Arc::new(alone(run, index, self.number)),
        };
        let passed = vec![(customer.key.clone(), redirect.link)];
        Ok(Some(self.transfer(redirect.into, passed, record.at, content)))
    }

    /// Let a transfer go on, from id to id, until it has arrived or leaves the partition.
    pub(crate) fn route(&mut self, mut transfer: Transfer) -> Result<Outcome, StateError> {
        loop {
            if self.count > 1 && partition_of(&transfer.to, self.count) != self.number {
                self.machine.out.transfers.push(transfer);
                return Ok(Outcome::Forwarded);
            }
            let key = transfer.to.clone();
            let (place, mut customer) = self.customers.get_or_create(&key, &mut self.machine)?;
            self.fire(place, &mut customer, self.clock)?;
            let onward = self.come(place, &mut customer, transfer)?;
            let due = customer.next;
            self.customers.put(place, customer);
            self.customers.arm(place, due);
            match onward {
                Onward::On(next) => transfer = next,
                Onward::Done(outcome, more) => {
                    for each in more {
                        self.route(each)?;
                    }
                    return Ok(outcome);
                }
            }
        }
    }

    fn come(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        mut transfer: Transfer,
    ) -> Result<Onward, StateError> {
        if redirect_of(customer).is_some() {
            self.fire_up_to(place, customer, transfer.at)?;
        }
        let mut redirect = redirect_of(customer).cloned();
        if let Content::Erasure { link } = &transfer.content {
            let Some(_) = redirect.filter(|redirect| redirect.link == *link) else {
                return Ok(Onward::Done(Outcome::Ignored, Vec::new()));
            };
            self.step(place, customer, Act::Erase(transfer.at));
            return Ok(Onward::Done(Outcome::Applied, Vec::new()));
        }
        if redirect.is_some() && self.closes_ring(&transfer) {
            self.machine.out.count(Linked::Cycle);
            self.step(place, customer, Act::Return);
            redirect = None;
        }
        if let Content::Link { run, sought, end } = &mut transfer.content {
            if *end == Some(customer.key.clone()) || *sought == Some(customer.key.clone()) {
                self.machine.out.count(Linked::Duplicate);
                (*sought, *end) = (None, None);
            }
            if redirect.is_none() {
                if let Some(other) = sought.take() {
                    *end = Some(customer.key.clone());
                    (transfer.to, transfer.passed) = (other, Vec::new());
                    return Ok(Onward::On(transfer));
                }
                if end.is_none() {
                    return Ok(Onward::Done(Outcome::Duplicate, Vec::new()));
                }
                self.machine.out.count(Linked::Conflict);
                let refusal = conflict(run);
                self.refuse(self.machine.links, run.clone(), 0, refusal);
                return Ok(Onward::Done(Outcome::DeadLetter, Vec::new()));
            }
        }
        match redirect {
            None => self.arrive(place, customer, transfer),
            Some(redirect) => {
                self.step(place, customer, Act::Pass(transfer.at));
                transfer.passed.push((customer.key.clone(), redirect.link));
                transfer.to = redirect.into;
                Ok(Onward::On(transfer))
            }
        }
    }

    /// Whether a transfer has come round, to the id of the ring that goes on: the smallest.
    fn closes_ring(&self, transfer: &Transfer) -> bool {
        let ids = || transfer.passed.iter().map(|each| &each.0);
        let Some(first) = ids().position(|id| *id == transfer.to) else {
            return false;
        };
        ids().skip(first).min() == Some(&transfer.to)
    }

    fn arrive(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        transfer: Transfer,
    ) -> Result<Onward, StateError> {
        match &transfer.content {
            Content::State { state, link } => {
                let (state, link) = (state.clone(), link.clone());
                let outcome = self.merge(place, customer, &transfer, &state, link)?;
                Ok(Onward::Done(outcome, Vec::new()))
            }
            Content::Record { topic, run } => {
                let Some(topic) = self.topics.iter().position(|each| **each == **topic) else {
                    return Ok(Onward::Done(Outcome::Ignored, Vec::new()));
                };
                self.take_in(place, customer, &transfer, (topic, run.clone()))
            }
            _ => Ok(Onward::Done(Outcome::Ignored, Vec::new())),
        }
    }

    /// A record of another id, as if it were this customer's; it moves no clock.
    fn take_in(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        transfer: &Transfer,
        (topic, run): (usize, Arc<Run>),
    ) -> Result<Onward, StateError> {
        if let Some(error) = self.too_many(customer, &transfer.passed, &[]) {
            self.refuse(topic, run, 0, error);
            return Ok(Onward::Done(Outcome::DeadLetter, Vec::new()));
        }
        let Body::Event(event) = &run.records[0].body else {
            let passed = transfer.passed.clone();
            let more = self.erase_all(place, customer, (topic, &run, 0), passed)?;
            return Ok(Onward::Done(more.0, more.1));
        };
        let outcome = self.apply_event(place, customer, (topic, &run, 0), event, false)?;
        if outcome == Outcome::Applied {
            self.step(place, customer, Act::Hear(transfer.passed.clone(), transfer.at));
        }
        Ok(Onward::Done(outcome, Vec::new()))
    }

    /// Erase a customer, and tell the ids that were merged into it; `passed`: those by which the erasure came.
    pub(crate) fn erase_all(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        (topic, run, index): (usize, &Arc<Run>, usize),
        mut passed: Vec<(Id, Id)>,
    ) -> Result<(Outcome, Vec<Transfer>), StateError> {
        if let Some(identity) = &customer.identity {
            for each in &identity.merged {
                if !passed
                    .iter()
                    .any(|(id, link)| (id, link) == (&each.id, &each.link))
                {
                    passed.push((each.id.clone(), each.link.clone()));
                }
            }
        }
        let outcome = self.erase(place, customer, topic, run, index)?;
        let at = customer.erased_at;
        let told = passed.into_iter().filter(|each| each.0 != customer.key);
        let more = told.map(|(id, link)| self.transfer(id, Vec::new(), at, Content::Erasure { link }));
        Ok((outcome, more.collect()))
    }

    /// Why these ids can't be merged, too; None: there is room.
    fn too_many(&self, customer: &Customer, passed: &[(Id, Id)], more: &[super::Merged]) -> Option<Refusal> {
        let nothing = Identity::default();
        let held = customer.identity.as_deref().unwrap_or(&nothing);
        let since = self.clock.max(customer.instant) - self.rules.plan.retention;
        let mut ids: BTreeSet<&[u8]> = BTreeSet::new();
        ids.extend(
            held.merged
                .iter()
                .filter(|each| each.at > since)
                .map(|each| &*each.id),
        );
        let before = ids.len();
        ids.extend(passed.iter().map(|each| &*each.0));
        ids.extend(more.iter().map(|each| &*each.id));
        ids.remove(&*customer.key);
        (ids.len() > MOST_MERGED && ids.len() > before).then(|| {
            let error = format!(
                "{MOST_MERGED} ids are merged into one already, within the retention: a device that many people share, \
                 or a link with a wrong id. Send an unlink, and this id is itself again."
            );
            Refusal::new(Reason::IdentityLimit, error)
        })
    }

    /// The half of the id that goes on.
    fn merge(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        transfer: &Transfer,
        state: &[u8],
        link: Arc<Run>,
    ) -> Result<Outcome, StateError> {
        let Some((origin, id)) = transfer.passed.first().cloned() else {
            return Ok(Outcome::Ignored);
        };
        let identity = customer.identity.as_ref();
        if identity
            .and_then(|identity| identity.of(&origin, &id))
            .is_some_and(|each| each.had)
        {
            return Ok(Outcome::Duplicate);
        }
        let theirs = match self.theirs(&origin, state) {
            Ok(theirs) => Arc::new(theirs),
            Err(error) => {
                self.refuse_transfer(transfer, Refusal::new(Reason::Undecodable, error.to_string()));
                return Ok(Outcome::DeadLetter);
            }
        };
        let merged = theirs
            .identity
            .as_ref()
            .map_or(&[][..], |identity| &identity.merged);
        if let Some(refusal) = self.too_many(customer, &transfer.passed, merged) {
            self.machine.out.count(Linked::Limit);
            self.refuse_transfer(transfer, refusal);
            return Ok(Outcome::DeadLetter);
        }
        self.fire_up_to(place, customer, transfer.at)?;
        let (passed, at) = (transfer.passed.clone(), transfer.at);
        if let Some(refusal) = self.too_much(customer, &theirs, at) {
            let act = Act::Refuse {
                theirs,
                passed,
                link,
                at,
            };
            // A bug here leaves the customer as they were; the state is a dead letter anyway.
            let _ = self.act(place, customer, act)?;
            self.refuse_transfer(transfer, refusal);
            return Ok(Outcome::DeadLetter);
        }
        let act = Act::Merge {
            theirs,
            passed,
            link,
            at,
        };
        if let Err(error) = self.act(place, customer, act)? {
            self.refuse_transfer(transfer, Refusal::new(Reason::EngineError, error));
            return Ok(Outcome::DeadLetter);
        }
        Ok(Outcome::Applied)
    }

    /// Why a customer can't have another's state, too; None: there is room.
    fn too_much(&mut self, customer: &Customer, theirs: &Customer, at: i64) -> Option<Refusal> {
        let (entries, bytes) = (self.settings.customer_limit, self.settings.customer_bytes);
        let near = customer.entries.saturating_add(theirs.entries) > entries
            || customer.weight.saturating_add(theirs.weight) > bytes;
        if !near {
            return None;
        }
        let mut both = customer.clone();
        let now = customer.instant.max(theirs.instant).max(at);
        super::union(&mut both, theirs.clone(), now, &self.rules);
        if let Some(absorbed) = theirs.watches.as_deref().cloned() {
            both.watches
                .get_or_insert_default()
                .merge(absorbed, theirs.name());
        }
        codec::forget(&mut both, &self.rules, &self.machine.names);
        (both.entries > entries || both.weight > bytes).then(|| {
            let error = format!(
                "Both together occupy {} entries of {entries}, and {} bytes of {bytes}.",
                both.entries, both.weight
            );
            Refusal::new(Reason::CustomerLimit, error)
        })
    }

    /// A transfer as a dead letter, byte for byte as it would be in its topic.
    fn refuse_transfer(&mut self, transfer: &Transfer, refusal: Refusal) {
        let mut run = Run {
            partition: Some(self.number),
            ..Run::default()
        };
        let (key, value) = (run.put(&transfer.to), run.put(&wire::encode(transfer)));
        run.records.push(Record {
            offset: transfer.offset.unwrap_or(-1),
            timestamp: transfer.at,
            at: transfer.at,
            key,
            value,
            body: Body::Erasure,
        });
        let topic = self.machine.links + 1;
        self.machine.out.dead_letters.push(DeadLetter {
            topic,
            run: Arc::new(run),
            index: 0,
            refusal,
        });
        if transfer.offset.is_some() {
            self.outcomes[topic][Outcome::DeadLetter as usize] += 1;
        }
    }
}

/// Whether anything is remembered that another id could go on with.
fn is_remembered(customer: &Customer) -> bool {
    let merged = customer
        .identity
        .as_ref()
        .is_some_and(|identity| !identity.merged.is_empty());
    merged || customer.latest != BEFORE_ALL || customer.profile_at != BEFORE_ALL || !customer.ids.is_empty()
}

fn conflict(run: &Run) -> Refusal {
    let shown = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let (id, into) = match &run.records[0].body {
        Body::Event(event) => (event.customer.of(&run.data), event.into.of(&run.data)),
        _ => (None, None),
    };
    let error = format!(
        "{} goes on as another customer than {} already: a device that people share does not merge them. If the \
         first link was wrong, send an unlink first.",
        shown(id),
        shown(into)
    );
    Refusal::new(Reason::IdentityConflict, error)
}
