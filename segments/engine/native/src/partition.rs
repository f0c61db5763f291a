//! One partition: records, "this input is caught up" and "it is now" go in, effects come out.
//!
//! It merges the inputs, keeps the clock, finds what is due, recognises duplicates and bad input; it does no I/O, reads
//! no clock, never waits. The worker, `segments replay`, the simulation and the tests drive this same object.

use crate::codec::{self, StateError};
use crate::costs::Cost;
use crate::customer::{Customer, Digest, Profile};
use crate::customers::{Customers, States};
use crate::eval::STEPS;
use crate::filling::{self, Given};
use crate::identity::links::Act;
use crate::identity::{IDENTITIES, Linked, Transfer};
use crate::inputs::{Inputs, Next};
use crate::limit::Limits;
use crate::machine::{Machine, Members, Turn, digest_of};
use crate::mutants::m;
use crate::output::{DeadLetter, Effects, Mark, Notice, Noticed, Outcome, Segment, State};
use crate::plan::DEPLOYMENTS;
use crate::position::{self, Deployment, Position};
use crate::rules::Rules;
use crate::screening::{self, Screened, consents_alone};
use crate::sources;
use crate::sweep::{self, Sweep};
use crate::times::{BEFORE_ALL, NEVER};
use crate::wire::record::{Body, Event, Format, Record, Run};
use crate::wire::refusals::{Reason, Refusal};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Customers that are brought to an instant at once.
const AT_ONCE: usize = 4_000;

/// Characters of the text that tells why a record was refused; it becomes a header.
const LONGEST_ERROR: usize = 1_000;

/// The settings that the output depends on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Milliseconds by which the clock of a partition stays behind.
    pub grace: i64,
    /// Entries that one customer may occupy.
    pub customer_limit: usize,
    /// Bytes that one customer may occupy.
    pub customer_bytes: usize,
}

/// What was done to a customer since the last commit.
pub(crate) enum Step {
    Fire(i64),
    Apply {
        topic: usize,
        run: Arc<Run>,
        index: usize,
        digest: Digest,
        alone: bool,
    },
    Erase {
        topic: usize,
        run: Arc<Run>,
        index: usize,
    },
    RememberErasure(i64),
    Identity(Act),
    Fill(Box<Given>),
}

/// The state machine of one partition.
pub struct Partition {
    pub(crate) number: u32,
    pub(crate) count: u32,
    pub(crate) rules: Arc<Rules>,
    pub(crate) settings: Settings,
    pub(crate) machine: Machine,
    pub(crate) position: Position,
    /// In milliseconds; `BEFORE_ALL` until something was applied.
    pub(crate) clock: i64,
    inputs: Inputs,
    /// The names of the inputs: those of the plan, that of deployments, if the rule set was deployed, and those of links
    /// and transfers, if they are read.
    pub(crate) topics: Vec<String>,
    /// The deployments that were run here, the one running included.
    ran: Vec<String>,
    /// The number of the input of deployments.
    keyless: Option<usize>,
    /// Offset and instant of a deployment that is the head of its topic and goes next.
    successor: Option<(i64, i64)>,
    /// The instant until which measures are kept that no rule reads; `NEVER`: there are none.
    kept_until: i64,
    /// The offsets of deployments that bring borders alone.
    of_borders: BTreeSet<i64>,
    /// The offsets of deployments that take over once what is filled is filled.
    pub(crate) awaits_filling: BTreeSet<i64>,
    pub(crate) customers: Customers,
    sweep: Option<Sweep>,
    pub(crate) outcomes: Vec<[u64; 5]>,
    committed: Vec<Option<i64>>,
    /// With what was committed it undoes a bug in the engine: by the customers' places, in order.
    pub(crate) journal: Vec<(u32, Step)>,
}

impl Partition {
    /// A partition of so many, as its committed states have it.
    ///
    /// `deployment`: the record of its log that has this rule set; then deployments are an input, too, with the number
    /// after those of the plan, and it goes on there after this one or what it had read. None: a rule set that is in no
    /// log, of files. `transfers`: the name of the topic by which ids of other partitions are merged; then links are read,
    /// too, and both are inputs after all others. `ran`: the
    /// deployments before this one, whose transfers are taken in. `filling`: id and offset of the record that asks for
    /// measures to be filled; the rule set has its streams beside its own.
    #[allow(clippy::too_many_arguments, reason = "what a partition begins with")]
    pub fn new(
        (number, count): (u32, u32),
        rules: Arc<Rules>,
        settings: Settings,
        states: Box<dyn States>,
        deployment: Option<Deployment>,
        transfers: Option<String>,
        mut ran: Vec<String>,
        filling: Option<(String, i64)>,
    ) -> Result<Partition, StateError> {
        let record = states.get(position::KEY);
        let mut position = Position::read(record.as_deref(), &rules, count, deployment.clone(), filling)?;
        // A source that comes back is read from its start: what it told is forgotten.
        position
            .offsets
            .retain(|topic, _| !sources::is_other(topic) || rules.plan.sources().any(|each| each == topic));
        let mut topics: Vec<String> = rules.plan.topics.iter().map(|each| each.name.clone()).collect();
        let mut offsets: Vec<Option<i64>> = topics
            .iter()
            .map(|topic| position.offsets.get(topic).copied())
            .collect();
        let mut machine = Machine::new(rules.clone());
        machine.known = position.known(&rules);
        machine.members.of_watches.clone_from(&position.watches);
        let keyless = deployment.as_ref().map(|_| topics.len());
        if let Some(Deployment { id, offset, .. }) = deployment {
            let read = position.offsets.get(DEPLOYMENTS).copied().unwrap_or(0);
            let read = position
                .filling
                .as_ref()
                .map_or(read, |filling| read.max(filling.offset + 1));
            offsets.push(Some(m!(
                "a deployment is taken twice",
                read.max(offset + 1),
                read.max(offset)
            )));
            topics.push(DEPLOYMENTS.to_owned());
            ran.push(id.clone());
            machine.deployed = Some((topics.len() - 1, offset, id));
        }
        if let Some(transfers) = transfers {
            machine.links = topics.len();
            topics.extend([IDENTITIES.to_owned(), transfers]);
            let read = topics[machine.links..].iter();
            offsets.extend(read.map(|topic| position.offsets.get(topic).copied()));
        }
        let mut partition = Partition {
            number,
            count: count.max(1),
            clock: position.clock,
            inputs: Inputs::new((number, count), &topics, offsets.clone(), keyless),
            ran,
            keyless,
            successor: None,
            kept_until: NEVER,
            of_borders: BTreeSet::new(),
            awaits_filling: BTreeSet::new(),
            customers: Customers::new(states, rules.clone(), count.max(1) as usize),
            outcomes: vec![[0; 5]; topics.len()],
            topics,
            committed: offsets,
            sweep: None,
            journal: Vec::new(),
            rules,
            settings,
            machine,
            position,
        };
        partition.scan()?;
        Ok(partition)
    }

    /// One look at every header: what is due, who is where, and who is still in the layout of another rule set.
    fn scan(&mut self) -> Result<(), StateError> {
        let (mut dues, mut old, mut wrong) = (Vec::new(), Vec::new(), None);
        let (machine, position) = (&mut self.machine, &self.position);
        self.customers.scan(&mut |key, data| {
            if !codec::of_customer(key) {
                return;
            }
            let found = codec::header(data)
                .and_then(|header| Ok((sweep::layout_of(position, header.layout)?, header)));
            match found {
                Err(error) => wrong = Some(error),
                Ok((layout, header)) => {
                    for place in &header.places {
                        let id = layout.ids.get(*place as usize).map_or("", |id| id);
                        match machine.rules.place(id) {
                            Some(place) => machine.members.of_rules[place] += 1,
                            None => *machine.members.of_others.entry_ref(id).or_insert(0) += 1,
                        }
                    }
                    if header.layout != position.current {
                        old.push(Arc::from(key));
                    } else if header.due < NEVER {
                        dues.push((Box::<[u8]>::from(key), header.due));
                    }
                }
            }
        });
        dues.iter()
            .for_each(|(key, due)| self.customers.arm_key(key, *due));
        self.sweep = (!old.is_empty()).then(|| Sweep::new(old));
        wrong.map_or(Ok(()), Err)
    }

    /// The number of the partition.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The rule set.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The clock, in milliseconds; `BEFORE_ALL` until something was applied.
    pub fn clock(&self) -> i64 {
        self.clock
    }

    /// The names of the inputs, by number.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// The deployment that goes next, once all before it is applied: its offset, and the instant at which it occurred.
    /// Nothing else goes on here: who drives the partition commits, and makes it anew with that rule set.
    pub fn successor(&self) -> Option<(i64, i64)> {
        self.successor
    }

    /// Keep measures that no rule of this set reads until an instant of the clock.
    pub fn keep_until(&mut self, until: i64) {
        self.kept_until = until;
    }

    /// Whether that instant has come, and nothing is filled that needs what is kept. Nothing else goes on here then: who
    /// drives the partition commits, and makes it anew without these measures.
    pub fn over(&self) -> bool {
        self.clock >= self.kept_until && self.sweep.is_none() && self.position.filling.is_none()
    }

    /// The next offset expected by topic; None: the topic was never read.
    pub fn offsets(&self) -> &[Option<i64>] {
        &self.inputs.offsets
    }

    /// Grows with every accepted run.
    pub fn stamp(&self) -> i64 {
        self.inputs.stamp
    }

    /// Records wait for a `confirm`.
    pub fn waiting(&self) -> bool {
        self.inputs.waiting
    }

    /// The earliest instant at which time alone may do something; may be early.
    pub fn next_due(&mut self) -> Option<i64> {
        self.customers.next_due()
    }

    /// So many customers have changed that they should be committed, for the memory that they occupy.
    pub fn full(&self) -> bool {
        self.customers.full()
    }

    /// How many flips, and how many customers whose timers fired, wait to be collected.
    pub fn gathered(&self) -> (usize, usize) {
        (self.machine.out.flips.len(), self.machine.out.lateness.len())
    }

    /// The customers in each segment.
    pub fn members(&self) -> &Members {
        &self.machine.members
    }

    /// Customers to whom time alone will do something.
    pub fn pending(&self) -> usize {
        self.customers.pending()
    }

    /// Customers that the new rule set has yet to take over.
    pub fn sweeping(&self) -> usize {
        self.sweep.as_ref().map_or(0, |sweep| sweep.left.len())
    }

    /// How many customers are decoded, and their bytes; and the bytes of the texts that they hold.
    pub fn live(&self) -> (usize, usize, usize) {
        let (count, bytes) = self.customers.live();
        (count, bytes, self.machine.names.bytes())
    }

    /// Time the evaluations of rules from now on, or do not.
    pub fn time_rules(&mut self, timed: bool) {
        self.machine.costs.timed = timed;
    }

    /// What was timed since the last time, by the rules' places.
    pub fn costs(&self) -> Vec<Cost> {
        self.machine.costs.take()
    }

    /// Have events of these ids raise a bug once they are remembered: for tests of what comes of one.
    pub fn poison(&mut self, ids: Vec<Box<[u8]>>) {
        self.machine.poison = ids;
    }

    /// Have what is older stand in a record of its own from so many entries on: for tests of that.
    pub fn apart_from(&mut self, entries: usize) {
        self.customers.apart = codec::Apart(entries);
    }

    /// For each measure that did not know events from the beginning: the instant from which it does; those that are
    /// filled among them, under their marked names.
    pub fn known_since(&self) -> Vec<(&str, i64)> {
        let layout = self.position.layouts.get(&self.position.current);
        let known = layout.iter().flat_map(|layout| &layout.known);
        known
            .map(|(measure, since)| (&**measure, *since))
            .filter(|each| each.1 > BEFORE_ALL)
            .collect()
    }

    /// Say where reading of a topic begins that was never read.
    pub fn begin(&mut self, topic: usize, offset: i64) {
        self.inputs.begin(topic, offset);
    }

    /// Whether it is known where reading of a topic begins.
    pub fn begun(&self, topic: usize) -> bool {
        self.inputs.begun(topic)
    }

    /// Take in a fetched run covering offsets [start, end).
    ///
    /// Gives None if it is accepted (or was seen already), else the offset to fetch again: something was skipped.
    pub fn offer(&mut self, topic: usize, start: i64, run: Arc<Run>, end: i64) -> Option<i64> {
        let missing = self.inputs.offer(topic, start, run, end);
        self.machine.out.gaps += u64::from(missing.is_some());
        missing
    }

    /// Say of a deployment, by its offset, that it brings borders alone: the rules go on.
    pub fn bring_borders(&mut self, offset: i64) {
        self.of_borders.insert(offset);
    }

    /// Note the read-committed end offsets asked for at a stamp, by topic, and the wall clock read before asking.
    ///
    /// While another rule set takes over, the clock stays as it was committed: all are taken over at that one.
    pub fn confirm(&mut self, ends: &[Option<i64>], stamp: i64, now: Option<i64>) {
        let caught_up = self.inputs.confirm(ends, stamp);
        if let Some(now) = now
            .filter(|_| caught_up && m!("the clock is told during a take-over", self.sweep.is_none(), true))
        {
            self.clock = m!(
                "the clock goes back",
                self.clock.max(now - self.settings.grace),
                now - self.settings.grace
            );
        }
    }

    /// The instant of the head of the inputs that goes first, whether the others are waited for or not.
    pub fn head(&self) -> Option<i64> {
        (0..self.topics.len())
            .filter_map(|topic| self.inputs.head(topic))
            .map(|head| head.1)
            .min()
    }

    /// How many records of a topic wait.
    pub fn buffered(&self, topic: usize) -> usize {
        self.inputs.buffered(topic)
    }

    /// Apply up to so many records and flips by time. True: more can be done at once.
    pub fn advance(&mut self, records: usize) -> Result<bool, StateError> {
        if self.sweep.is_some() {
            self.take_over(records)?;
            return Ok(true);
        }
        let mut taken = 0;
        while taken < records {
            if self.over() {
                // The clock may have come here by itself: it is committed, so that what is made anew stands here, too.
                self.position.written = false;
                return Ok(false);
            }
            self.hold_transfers();
            let Some(topic) = self.inputs.choose() else {
                break;
            };
            if Some(topic) == self.keyless {
                return self.make_room(records);
            }
            let Some(next) = self.inputs.pop(topic) else {
                break;
            };
            self.apply_record(next)?;
            taken += 1;
        }
        if taken == records {
            Ok(true)
        } else {
            self.fire_due(records, self.clock)
        }
    }

    /// A transfer of a deployment that is not run here yet waits for it.
    fn hold_transfers(&mut self) {
        let topic = self.machine.links + 1;
        let ahead = match self.inputs.first(topic).map(|record| &record.body) {
            Some(Body::Transfer(transfer)) => {
                let known = |id: &str| self.ran.iter().any(|each| each == id);
                transfer.deployment.as_deref().is_some_and(|id| !known(id))
            }
            _ => false,
        };
        self.inputs.held = ahead.then_some(topic);
    }

    /// Before another rule set: what is due before the clock fires by this one, whether time was left for it or not.
    ///
    /// With other borders alone the rules go on: what is due before they come fires by those of before.
    fn make_room(&mut self, most: usize) -> Result<bool, StateError> {
        let next = self.inputs.head(self.rules.plan.topics.len());
        let awaits = next.is_some_and(|(offset, _)| self.awaits_filling.contains(&offset));
        if awaits && self.filling().is_some_and(|filling| !filling.done) {
            return Ok(false);
        }
        let before = match next {
            Some((offset, at)) if self.of_borders.contains(&offset) => {
                m!("borders come before what is due", at.max(self.clock), self.clock)
            }
            _ => self.clock,
        };
        if m!(
            "a deployment goes before what is due",
            self.fire_due(most, before)?,
            false
        ) {
            return Ok(true);
        }
        self.successor = next;
        Ok(false)
    }

    /// Fire everything due up to and including an instant: the end of a replay or a line of a story.
    pub fn until(&mut self, instant: i64) -> Result<(), StateError> {
        while self.sweep.is_some() {
            self.take_over(AT_ONCE)?;
        }
        while self.fire_due(AT_ONCE, m!("until stops short", instant + 1, instant))? {}
        Ok(())
    }

    /// Everything since the last time, to be committed as a whole; None if nothing changed.
    pub fn collect(&mut self) -> Option<Effects> {
        let out = &self.machine.out;
        let counted = self.outcomes.iter().flatten().any(|count| *count > 0);
        let changed = self.customers.any_changed() || counted || self.inputs.offsets != self.committed;
        if !changed
            && out.gaps == 0
            && out.engine_errors == 0
            && out.notices.is_empty()
            && self.position.written
        {
            return None;
        }
        let mut out = std::mem::take(&mut self.machine.out);
        self.journal.clear();
        self.customers
            .write(self.position.current, &mut self.machine.names, &mut out.states);
        let topics = self.topics.len();
        out.outcomes = std::mem::replace(&mut self.outcomes, vec![[0; 5]; topics]);
        out.topics = self.topics.clone().into();
        (out.offsets, out.clock) = (self.inputs.offsets.clone(), self.clock);
        self.committed.clone_from(&self.inputs.offsets);
        let mut offsets = self.position.offsets.clone();
        for (topic, offset) in self.topics.iter().zip(&self.inputs.offsets) {
            if let Some(offset) = offset {
                offsets.insert(topic.clone(), *offset);
            }
        }
        self.position.watches.clone_from(&self.machine.members.of_watches);
        let record = self.position.write(offsets, self.clock, self.sweep.is_none());
        out.states.push(State {
            key: Arc::from(position::KEY),
            value: Some(record.into()),
        });
        Some(out)
    }

    /// Ask a question about a customer, as what is remembered stands; None: nothing is.
    pub fn ask<T>(
        &mut self,
        key: &[u8],
        question: impl FnOnce(&mut Machine, &mut Customer) -> T,
    ) -> Result<Option<T>, StateError> {
        let Some((place, mut customer)) = self.customers.look(key, &mut self.machine.names)? else {
            return Ok(None);
        };
        self.machine.steps.set(STEPS);
        let answer = question(&mut self.machine, &mut customer);
        self.customers.put(place, customer);
        Ok(Some(answer))
    }

    /// Ask a question about a customer of whom nothing is remembered.
    pub fn ask_of_nobody<T>(
        &mut self,
        key: &[u8],
        question: impl FnOnce(&mut Machine, &mut Customer) -> T,
    ) -> T {
        let mut nobody = Customer::new(Arc::from(key), self.rules.streams.len());
        self.machine.steps.set(STEPS);
        question(&mut self.machine, &mut nobody)
    }

    /// One record: steps (1) to (4) of the contract.
    fn apply_record(&mut self, next: Next) -> Result<(), StateError> {
        let Next {
            topic,
            run,
            index,
            refusal,
        } = next;
        if let Some(refusal) = refusal {
            self.refuse(topic, run, index, *refusal);
            return Ok(());
        }
        if topic == self.machine.links + 1 {
            return self.arrive_here(topic, &run, index);
        }
        let turn = Turn {
            topic,
            run: &run,
            index,
        };
        if topic == self.machine.links && turn.event().is_none() {
            self.machine.out.count(Linked::Ignored);
            self.outcomes[topic][Outcome::Ignored as usize] += 1;
            return Ok(());
        }
        let key = turn.record().key.of(&run.data).unwrap_or_default();
        let (place, mut customer) = self.customers.get_or_create(key, &mut self.machine.names)?;
        m!(
            "nothing fires before a record",
            self.fire(place, &mut customer, self.clock)?,
            true
        );
        let (mut outcome, onward);
        let event = turn.event();
        if topic == self.machine.links
            && let Some(event) = event
        {
            let (told, transfer) = self.link(place, &mut customer, (topic, &run, index), event)?;
            (outcome, onward) = (told, transfer.into_iter().collect());
        } else if let Some(transfer) = self.pass_record(place, &mut customer, (topic, &run, index))? {
            self.move_clock(&run.records[index]);
            if m!("a forwarded record is applied at both", false, true)
                && let Some(event) = event
            {
                self.apply_event(place, &mut customer, (topic, &run, index), event, true)?;
            }
            (outcome, onward) = (Outcome::Forwarded, vec![transfer]);
        } else if let Some(event) = event {
            outcome = self.apply_event(place, &mut customer, (topic, &run, index), event, true)?;
            onward = Vec::new();
        } else {
            if customer.blank() {
                self.notice(Notice::ErasedNobody, turn, &customer);
            }
            (outcome, onward) = self.erase_all(place, &mut customer, (topic, &run, index), Vec::new())?;
        }
        let due = customer.next;
        self.customers.put(place, customer);
        self.customers.arm(place, due);
        for transfer in onward {
            let routed = self.route(transfer)?;
            if outcome == Outcome::Forwarded {
                outcome = routed;
            }
        }
        self.outcomes[topic][outcome as usize] += u64::from(outcome != Outcome::DeadLetter);
        Ok(())
    }

    /// A transfer from another partition.
    fn arrive_here(&mut self, topic: usize, run: &Run, index: usize) -> Result<(), StateError> {
        let record = &run.records[index];
        if let Body::Transfer(transfer) = &record.body {
            let mut transfer = Transfer::clone(transfer);
            transfer.offset = Some(record.offset);
            let outcome = self.route(transfer)?;
            self.outcomes[topic][outcome as usize] += u64::from(outcome != Outcome::DeadLetter);
        }
        Ok(())
    }

    /// The clock is at least where a record that was accepted moves it.
    pub(crate) fn move_clock(&mut self, record: &Record) {
        let reached = m!(
            "the clock believes any time",
            record.at.min(record.timestamp),
            record.at
        ) - self.settings.grace;
        self.clock = self.clock.max(reached);
    }

    pub(crate) fn apply_event(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        (topic, run, index): (usize, &Arc<Run>, usize),
        event: &Event,
        moves_clock: bool,
    ) -> Result<Outcome, StateError> {
        let turn = Turn { topic, run, index };
        let digest = digest_of(
            &self.rules.plan.topics[topic].name,
            event.id.of(&run.data).unwrap_or_default(),
        );
        let known = customer.find_id(digest);
        let limits = Limits {
            entries: self.settings.customer_limit,
            bytes: self.settings.customer_bytes,
        };
        let of = (&*self.rules, &self.machine.names);
        let (screened, notice) = screening::screen(customer, turn, event, known, (self.clock, limits), of);
        if let Some(notice) = notice {
            self.notice(notice, turn, customer);
        }
        let alone = match screened {
            Screened::Ends(outcome) => return Ok(outcome),
            Screened::Refused(refusal) => {
                self.refuse(topic, run.clone(), index, refusal);
                return Ok(Outcome::DeadLetter);
            }
            Screened::GoesOn => false,
            Screened::ConsentsAlone => true,
        };
        let record = turn.record();
        if moves_clock {
            self.move_clock(record);
        }
        self.fire_up_to(place, customer, record.at)?;
        let (mark, before) = (self.machine.out.mark(), m!("a bug is not undone", true, false));
        let most = self.settings.customer_bytes;
        // What was due may have been to forget the customer, ids included.
        let known = known.filter(|place| customer.ids.get(*place) == Some(&digest));
        let done = self.guarded(|machine| {
            let profile = alone.then(|| {
                let topic = &machine.rules.plan.topics[topic].name;
                consents_alone(customer, topic, turn, event, most)
            });
            machine.apply(customer, turn, (digest, known), profile);
        });
        if let Err(error) = done {
            if before {
                self.undo(place, customer, mark)?;
            }
            self.refuse(
                topic,
                run.clone(),
                index,
                Refusal::new(Reason::EngineError, error),
            );
            return Ok(Outcome::DeadLetter);
        }
        self.journal.push((
            place,
            Step::Apply {
                topic,
                run: run.clone(),
                index,
                digest,
                alone,
            },
        ));
        self.customers.note(place, customer);
        if self.rules.plan.topics[topic].record == Format::Transaction {
            let named = event.currency().of(&run.data).unwrap_or_default();
            if named != self.rules.plan.currency.as_bytes()
                && screening::is_lower_case(named, &self.rules.plan.currency)
            {
                self.notice(Notice::CurrencyCase, turn, customer);
            }
        }
        Ok(Outcome::Applied)
    }

    pub(crate) fn erase(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        topic: usize,
        run: &Arc<Run>,
        index: usize,
    ) -> Result<Outcome, StateError> {
        let turn = Turn { topic, run, index };
        self.fire_up_to(place, customer, turn.record().at)?;
        let mark = self.machine.out.mark();
        if let Err(error) = self.guarded(|machine| machine.erase(customer, turn)) {
            self.undo(place, customer, mark)?;
            self.refuse(
                topic,
                run.clone(),
                index,
                Refusal::new(Reason::EngineError, error),
            );
            return Ok(Outcome::DeadLetter);
        }
        self.journal.push((
            place,
            Step::Erase {
                topic,
                run: run.clone(),
                index,
            },
        ));
        self.customers.note(place, customer);
        Ok(Outcome::Applied)
    }

    /// Step (3): what is due before the larger of a record's instant and the clock fires. An erasure is not forgotten.
    pub(crate) fn fire_up_to(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        at: i64,
    ) -> Result<(), StateError> {
        let erased = customer.erased_at;
        self.fire(
            place,
            customer,
            m!("a record goes before what is due", at.max(self.clock), self.clock),
        )?;
        let lasts = erased != BEFORE_ALL && erased + self.rules.plan.retention >= self.clock;
        if customer.blank() && m!("an erasure is forgotten with the rest", lasts, false) {
            self.machine.remember_erasure(customer, erased);
            self.journal.push((place, Step::RememberErasure(erased)));
            self.customers.note(place, customer);
        }
        Ok(())
    }

    /// Do a step that may have a bug. Gives what the bug says.
    pub(crate) fn guarded(&mut self, step: impl FnOnce(&mut Machine)) -> Result<(), String> {
        self.machine.steps.set(STEPS);
        catch_unwind(AssertUnwindSafe(|| step(&mut self.machine))).map_err(|bug| {
            let text = bug.downcast_ref::<&str>().map(|text| text.to_string());
            text.or_else(|| bug.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a bug without words".into())
        })
    }

    /// Flip what is due by time; a bug is counted, and the customer left as they are until their next record.
    #[inline]
    pub(crate) fn fire(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        before: i64,
    ) -> Result<bool, StateError> {
        if customer.next >= before {
            return Ok(true);
        }
        customer.next = customer.due(self.rules.plan.retention);
        if customer.next >= before {
            return Ok(true);
        }
        let mark = self.machine.out.mark();
        if self.guarded(|machine| machine.fire(customer, before)).is_err() {
            self.machine.out.engine_errors += 1;
            self.undo(place, customer, mark)?;
            return Ok(false);
        }
        self.journal.push((place, Step::Fire(before)));
        customer.next = customer.due(self.rules.plan.retention);
        self.customers.note(place, customer);
        Ok(true)
    }

    /// The customer as before the last step: from the bytes last committed, doing again what was done since.
    pub(crate) fn undo(
        &mut self,
        place: u32,
        customer: &mut Box<Customer>,
        mark: Mark,
    ) -> Result<(), StateError> {
        let machine = &mut self.machine;
        for flip in machine.out.flips_since(mark) {
            if let Segment::Rule(rule) = flip.segment {
                machine.members.of_rules[rule as usize] -= if flip.enters { 1 } else { -1 };
            }
        }
        machine.count_watches(customer, -1);
        m!("a bug leaves its flips", machine.out.back_to(mark), ());
        let (out, members) = (std::mem::take(&mut machine.out), machine.members.clone());
        let streams = self.rules.streams.len();
        let mut fresh = match self.customers.load(&customer.key, &mut machine.names)? {
            Some(customer) => customer,
            None => Customer::new(customer.key.clone(), streams),
        };
        let most = self.settings.customer_bytes;
        for (_, step) in self
            .journal
            .iter()
            .filter(|each| m!("what was done is not done again", each.0 == place, false))
        {
            machine.steps.set(STEPS);
            redo(machine, &mut fresh, step, most);
        }
        (machine.out, machine.members) = (out, members);
        machine.count_watches(&fresh, 1);
        (fresh.changed, fresh.generation) = (customer.changed, customer.generation);
        fresh.next = fresh.due(self.rules.plan.retention);
        **customer = fresh;
        self.customers.note(place, customer);
        Ok(())
    }

    pub(crate) fn refuse(&mut self, topic: usize, run: Arc<Run>, index: usize, mut refusal: Refusal) {
        if let Some((end, _)) =
            refusal
                .error
                .char_indices()
                .nth(m!("an error may be long", LONGEST_ERROR, LONGEST_ERROR + 1))
        {
            let last = refusal.error[..end]
                .char_indices()
                .next_back()
                .map_or(0, |each| each.0);
            refusal.error.truncate(last);
            refusal.error.push('…');
        }
        self.machine.out.dead_letters.push(DeadLetter {
            topic,
            run,
            index,
            refusal,
        });
        // What came from another partition is counted where it came in.
        let came = self.machine.out.dead_letters.last();
        let foreign = came
            .and_then(|letter| letter.run.partition)
            .is_some_and(|partition| partition != self.number);
        let counted = if foreign { self.machine.links + 1 } else { topic };
        self.outcomes[counted][Outcome::DeadLetter as usize] += 1;
    }

    fn notice(&mut self, notice: Notice, turn: Turn, customer: &Customer) {
        let out = &mut self.machine.out;
        let (topic, offset, customer) = (turn.topic, turn.record().offset, out.put(&customer.key));
        out.notices.push(Noticed {
            notice,
            topic,
            offset,
            customer,
        });
    }

    /// Fire what is due before an instant, customer by customer. True: there is more.
    fn fire_due(&mut self, most: usize, before: i64) -> Result<bool, StateError> {
        if before <= BEFORE_ALL {
            return Ok(false);
        }
        for _ in 0..most {
            let Some(key) = self.customers.pop(before) else {
                return Ok(false);
            };
            let Some((place, mut customer)) = self.customers.look(&key, &mut self.machine.names)? else {
                continue;
            };
            let mut due = customer.due(self.rules.plan.retention);
            customer.next = due;
            if due < before {
                self.machine
                    .out
                    .lateness
                    .push(m!("lateness is not told", (before - due).max(0), 0));
                let whole = self.fire(place, &mut customer, before)?;
                due = if whole {
                    customer.next
                } else {
                    m!("a bug in time comes up again at once", NEVER, customer.next)
                };
            }
            self.customers.put(place, customer);
            self.customers.arm(place, due);
        }
        Ok(true)
    }

    /// Let the new rule set take over some customers, in the order of their keys, before anything else happens.
    fn take_over(&mut self, most: usize) -> Result<(), StateError> {
        for _ in 0..most {
            let Some(key) = self.sweep.as_mut().and_then(|sweep| sweep.left.pop()) else {
                break;
            };
            let Some(data) = self.customers.committed(&key) else {
                continue;
            };
            let (customers, machine) = (&self.customers, &mut self.machine);
            let mut find = |key: &[u8]| customers.committed(key);
            machine.steps.set(STEPS);
            let Some(sweep) = &mut self.sweep else { break };
            let customer = sweep.take_over(key.clone(), &data, &mut find, &self.position, machine)?;
            let due = customer.due(self.rules.plan.retention);
            self.customers
                .keep_swept(customer, self.position.current, &self.machine.names);
            if due < NEVER {
                self.customers.arm_key(&key, due);
            }
        }
        if self.sweep.as_ref().is_some_and(|sweep| sweep.left.is_empty()) {
            self.sweep = None;
        }
        Ok(())
    }
}

fn redo(machine: &mut Machine, customer: &mut Customer, step: &Step, most: usize) {
    match step {
        Step::Fire(before) => machine.fire(customer, *before),
        Step::Identity(act) => machine.act(customer, act),
        Step::Fill(given) => filling::give(customer, given, &machine.rules),
        Step::RememberErasure(erased_at) => machine.remember_erasure(customer, *erased_at),
        Step::Erase { topic, run, index } => machine.erase(
            customer,
            Turn {
                topic: *topic,
                run,
                index: *index,
            },
        ),
        Step::Apply {
            topic,
            run,
            index,
            digest,
            alone,
        } => {
            let turn = Turn {
                topic: *topic,
                run,
                index: *index,
            };
            let profile: Option<Profile> = match turn.event() {
                Some(event) if *alone => {
                    let topic = &machine.rules.plan.topics[*topic].name;
                    Some(consents_alone(customer, topic, turn, event, most))
                }
                _ => None,
            };
            let known = customer.find_id(*digest);
            machine.apply(customer, turn, (*digest, known), profile);
        }
    }
    customer.next = customer.next.min(customer.due(machine.rules.plan.retention));
}
