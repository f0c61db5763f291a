//! One partition: records, "this input is caught up" and "it is now" go in, effects come out.
//!
//! It merges the inputs, keeps the clock, finds what is due, recognises duplicates and bad input; it does no I/O, reads
//! no clock, never waits. The worker, `segments replay`, the simulation and the tests drive this same object.

mod records;
mod state;
mod undo;

pub(crate) use undo::Step;

use crate::codec::{self, StateError};
use crate::customer::Customer;
use crate::customers::{Customers, States};
use crate::eval::STEPS;
use crate::identity::IDENTITIES;
use crate::inputs::Inputs;
use crate::machine::Machine;
use crate::mutants::m;
use crate::output::{Effects, State};
use crate::plan::DEPLOYMENTS;
use crate::position::{self, Deployment, Position};
use crate::rules::Rules;
use crate::sources;
use crate::sweep::{self, Sweep};
use crate::times::{BEFORE_ALL, NEVER};
use crate::wire::record::{Body, Run};
use std::collections::BTreeSet;
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

    /// Keep measures that no rule of this set reads until an instant of the clock.
    pub fn keep_until(&mut self, until: i64) {
        self.kept_until = until;
    }

    /// Time the evaluations of rules from now on, or do not.
    pub fn time_rules(&mut self, timed: bool) {
        self.machine.costs.timed = timed;
    }

    /// Have events of these ids raise a bug once they are remembered: for tests of what comes of one.
    pub fn poison(&mut self, ids: Vec<Box<[u8]>>) {
        self.machine.poison = ids;
    }

    /// Have what is older stand in a record of its own from so many entries on: for tests of that.
    pub fn apart_from(&mut self, entries: usize) {
        self.customers.apart = codec::Apart(entries);
    }

    /// Say where reading of a topic begins that was never read.
    pub fn begin(&mut self, topic: usize, offset: i64) {
        self.inputs.begin(topic, offset);
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

    /// Apply up to so many records and flips by time. True: more can be done at once.
    pub fn advance(&mut self, records: usize) -> Result<bool, StateError> {
        if self.sweep.is_some() {
            self.take_over(records)?;
            return Ok(true);
        }
        let mut taken = 0;
        while taken < records {
            if self.ends() && self.machine.behind.is_some() {
                self.catch_up(records)?;
                return Ok(true);
            }
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
        if self.machine.behind.is_some() {
            self.catch_up(most)?;
            return Ok(true);
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
        let swept = self.sweep.is_none() && self.machine.behind.is_none();
        let record = self.position.write(offsets, self.clock, swept);
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
        let Some((place, mut customer)) = self.customers.look(key, &mut self.machine)? else {
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

    /// Fire what is due before an instant, customer by customer. True: there is more.
    fn fire_due(&mut self, most: usize, before: i64) -> Result<bool, StateError> {
        if before <= BEFORE_ALL {
            return Ok(false);
        }
        for _ in 0..most {
            let Some(key) = self.customers.pop(before) else {
                return Ok(false);
            };
            let Some((place, mut customer)) = self.customers.look(&key, &mut self.machine)? else {
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

    /// Let the new rule set take over some customers, in the order of their keys, before anything else happens. Who flips
    /// is to be written; the states of the others are left as they are, if nothing else can take over from them.
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
            let mark = machine.out.mark();
            let customer = sweep.take_over(key.clone(), &data, &mut find, &self.position, machine)?;
            let due = customer.due(self.rules.plan.retention);
            let tells = m!("who flips is left behind", machine.out.mark() != mark, false);
            if self.keyless.is_some() && !tells && !customer.blank() {
                sweep.unchanged.push(key.clone());
            } else {
                self.customers
                    .keep_swept(customer, self.position.current, &self.machine.names);
            }
            if due < NEVER {
                self.customers.arm_key(&key, due);
            }
        }
        if let Some(mut sweep) = self.sweep.take_if(|sweep| sweep.left.is_empty()) {
            let unchanged = std::mem::take(&mut sweep.unchanged);
            if !unchanged.is_empty() {
                self.leave_behind(sweep, unchanged);
            }
        }
        Ok(())
    }
}
