//! The record of a partition beside its customers: offsets, clock, and the rule sets that wrote their states.

mod layout;

pub use layout::{BORDERS, Kept, Layout, shapes_of};

use crate::codec::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::codec::msgpack::Value;
use crate::codec::{FORMAT, StateError};
use crate::filling::{self, Filling};
use crate::mutants::m;
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use std::collections::BTreeMap;

/// The key of the partition's own record beside its customers: no customer id is this, since it is not UTF-8.
pub const KEY: &[u8] = b"\xff/position";

/// The rule set that a partition runs: a record of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its `deployment_id`.
    pub id: String,
    /// Its offset in the topic of deployments.
    pub offset: i64,
    /// Milliseconds: when it takes over; the later of this and the clock, once the partition runs it.
    pub at: i64,
    /// Measures that were kept for some time beside the rules before, which is over: they are new. Never written.
    pub forgets: Vec<String>,
}

impl Deployment {
    /// What is written in the place of one, if there is none and something follows: no deployment has an empty id.
    const NONE: Deployment = Deployment {
        id: String::new(),
        offset: 0,
        at: 0,
        forgets: Vec::new(),
    };
}

/// Where a partition stands.
#[derive(Clone, Debug)]
pub struct Position {
    /// The next offset to be taken, by topic.
    pub offsets: BTreeMap<String, i64>,
    /// The clock, as committed.
    pub clock: i64,
    /// By number.
    pub layouts: BTreeMap<u64, Layout>,
    /// The layout of this rule set.
    pub current: u64,
    /// The layout that was current when the record was written.
    pub last: u64,
    /// How many partitions the topics have.
    pub count: u32,
    /// Where the rule set stands in the log; None: it was never deployed.
    pub deployment: Option<Deployment>,
    /// Open watches by the id of their segment.
    pub watches: BTreeMap<String, i64>,
    /// What is filled from the past beside the rule set.
    pub filling: Option<Filling>,
    /// The instant at which this rule set took over, once it has looked at all customers; as long as there are states left
    /// in the layouts of earlier ones.
    pub looked_at: Option<i64>,
    /// Whether the record says already what this rule set is.
    pub written: bool,
    /// The layouts as they were last written.
    cached: Vec<u8>,
}

impl Position {
    /// The position as committed, with a layout for this rule set: the last one if that is the same.
    ///
    /// `deployment`: the record that has this rule set; None: it stays whose it was. `filling`: id and offset of the one
    /// whose streams the rule set has beside its own.
    pub fn read(
        data: Option<&[u8]>,
        rules: &Rules,
        count: u32,
        deployment: Option<Deployment>,
        filling: Option<(String, i64)>,
    ) -> Result<Position, StateError> {
        let Some(data) = data else {
            let known = rules
                .plan
                .measures
                .iter()
                .map(|measure| (measure.clone(), BEFORE_ALL))
                .collect();
            let layouts = BTreeMap::from([(0, Layout::of(rules, known))]);
            let mut position = Position::new(BTreeMap::new(), BEFORE_ALL, layouts, 0, count);
            position.deployment = deployment;
            return Ok(position);
        };
        let mut position = if data.first() == Some(&FORMAT) {
            Position::decoded(&data[1..])?
        } else {
            Position::earlier(data)?
        };
        if position.count != count {
            return Err(StateError::new(format!(
                "The state was written for {} partitions, the topics have {count}. Customers would change partitions: \
                 start a new group (SEGMENTS_GROUP), or restore the partition count.",
                position.count
            )));
        }
        let is_counted = deployment.is_none();
        let goes_on = position.follow(deployment) & position.fill(filling, is_counted);
        position.take_up(rules)?;
        position.written &= goes_on;
        Ok(position)
    }

    /// What a record says of offsets, clock and the number of partitions, whatever the rule set.
    pub fn told(data: &[u8]) -> Result<Position, StateError> {
        if data.first() == Some(&FORMAT) {
            Position::decoded(&data[1..])
        } else {
            Position::earlier(data)
        }
    }

    /// A position that nothing was written of.
    pub fn new(
        offsets: BTreeMap<String, i64>,
        clock: i64,
        layouts: BTreeMap<u64, Layout>,
        current: u64,
        count: u32,
    ) -> Position {
        Position {
            offsets,
            clock,
            layouts,
            current,
            last: current,
            count,
            deployment: None,
            watches: BTreeMap::new(),
            filling: None,
            looked_at: None,
            written: false,
            cached: Vec::new(),
        }
    }

    /// Run what a deployment says from now on. True: it is what was run before.
    fn follow(&mut self, deployment: Option<Deployment>) -> bool {
        let Some(mut next) = deployment else {
            return true;
        };
        let same = |held: &Deployment| (&held.id, held.offset) == (&next.id, next.offset);
        if self.deployment.as_ref().is_some_and(same) {
            return true;
        }
        next.at = m!(
            "a deployment takes over before the clock",
            next.at.max(self.clock),
            next.at
        );
        let forgets = std::mem::take(&mut next.forgets);
        for layout in self.layouts.values_mut() {
            layout.known.retain(|name, _| !forgets.contains(name));
        }
        if !forgets.is_empty() {
            self.cached.clear();
        }
        self.deployment = Some(next);
        false
    }

    /// Fill what a deployment asks for from now on. True: it is what was filled before.
    ///
    /// `is_counted`: the rule set is not deployed; who counts what would flip by it goes on with what was filled.
    fn fill(&mut self, filling: Option<(String, i64)>, is_counted: bool) -> bool {
        let same = |held: &Filling| {
            filling
                .as_ref()
                .is_some_and(|new| *new == (held.id.clone(), held.offset))
        };
        if self.filling.as_ref().map_or(filling.is_none(), same) {
            return true;
        }
        if let Some(held) = &self.filling {
            let own = |each: &Deployment| held.id == format!("{}{}", each.id, filling::OF);
            if m!(
                "any rule set goes on with what is filled",
                !is_counted && !self.deployment.as_ref().is_some_and(own),
                false
            ) {
                // Another rule set ends the filling, however far it is.
                let done = filling::done(&held.mark());
                self.layouts.values_mut().for_each(|layout| {
                    layout.known.remove(&done);
                });
                self.cached.clear();
            }
        }
        self.filling = filling.map(|(id, offset)| Filling {
            id,
            offset,
            offsets: self.offsets.clone(),
            clock: self.clock,
            reached: Vec::new(),
            done: false,
        });
        false
    }

    /// The layouts must be written again.
    pub fn changed(&mut self) {
        self.written = false;
        self.cached.clear();
    }

    /// The instant at which this rule set took over: what is known only since then is known from then on.
    pub fn since(&self) -> i64 {
        if let Some(at) = self.looked_at {
            return m!("who was left behind is taken over at the clock", at, self.clock);
        }
        let at = self.deployment.as_ref().map_or(BEFORE_ALL, |each| each.at);
        m!(
            "customers are taken over at the clock",
            at.max(self.clock),
            self.clock
        )
    }

    fn take_up(&mut self, rules: &Rules) -> Result<(), StateError> {
        let last = self
            .layouts
            .get(&self.current)
            .ok_or_else(|| StateError::new("the layout is missing"))?;
        let mine = Layout::of(rules, last.known.clone());
        self.written = mine.same(last);
        if self.written {
            self.layouts.insert(self.current, mine);
            return Ok(());
        }
        // Another rule set: it takes over from here.
        self.looked_at = None;
        let last = self
            .layouts
            .get(&self.current)
            .ok_or_else(|| StateError::new("the layout is missing"))?;
        let since = |measure: &String| {
            let kept = last.known.get(measure).copied().unwrap_or(m!(
                "a new measure knows all",
                self.since(),
                BEFORE_ALL
            ));
            let filled = last.filled_since(measure).filter(|_| self.filling.is_none());
            (measure.clone(), kept.min(filled.unwrap_or(kept)))
        };
        let mut known: BTreeMap<String, i64> = rules.plan.measures.iter().map(since).collect();
        if let Some(filling) = &self.filling {
            let done = filling::done(&filling.mark());
            known.extend(last.known.get(&done).map(|since| (done, *since)));
        }
        // A rule that goes on, and knows more now than it did, is looked at again.
        let knew = |name: &String| last.known.get(name).copied();
        let better = known
            .iter()
            .filter(|(name, since)| knew(name).is_some_and(|knew| **since < knew));
        let better = better.map(|(name, _)| name.clone()).collect();
        let touched = filling::touched(rules, &better);
        if !touched.is_empty() {
            for layout in self.layouts.values_mut() {
                layout.filled.extend(touched.iter().cloned());
            }
        }
        self.current = self.layouts.keys().max().map_or(0, |number| number + 1);
        self.layouts.insert(self.current, Layout::of(rules, known));
        Ok(())
    }

    fn decoded(data: &[u8]) -> Result<Position, StateError> {
        let mut reader = Reader::new(data);
        let mut offsets = BTreeMap::new();
        for _ in 0..reader.count(2)? {
            offsets.insert(reader.text()?.to_owned(), reader.signed()?);
        }
        let clock = reader.signed()?;
        let count = reader.number()? as u32;
        let current = reader.number()?;
        let mut layouts = BTreeMap::new();
        for _ in 0..reader.count(5)? {
            layouts.insert(reader.number()?, Layout::read(&mut reader)?);
        }
        let mut position = Position::new(offsets, clock, layouts, current, count);
        if !reader.is_empty() {
            let deployment = Deployment {
                id: reader.text()?.to_owned(),
                offset: reader.signed()?,
                at: reader.signed()?,
                forgets: Vec::new(),
            };
            position.deployment = (deployment != Deployment::NONE).then_some(deployment);
        }
        if !reader.is_empty() {
            for _ in 0..reader.count(2)? {
                position
                    .watches
                    .insert(reader.text()?.to_owned(), reader.signed()?);
            }
        }
        if !reader.is_empty() {
            let filling = Filling::read(&mut reader)?;
            position.filling = (filling != Filling::NONE).then_some(filling);
        }
        if !reader.is_empty() {
            position.looked_at = Some(reader.signed()?);
        }
        Ok(position)
    }

    fn earlier(data: &[u8]) -> Result<Position, StateError> {
        let value = Value::read(data)?;
        let int = |name| value.get(name).and_then(Value::int);
        let offsets = value.get("offsets")?.map()?.iter();
        let offsets = offsets.map(|(topic, offset)| Ok((topic.text()?.to_owned(), offset.int()?)));
        let layouts = value.get("layouts")?.map()?.iter();
        let layouts = layouts.map(|(number, layout)| Ok((number.int()? as u64, Layout::earlier(layout)?)));
        Ok(Position::new(
            offsets.collect::<Result<_, StateError>>()?,
            int("clock")?,
            layouts.collect::<Result<_, StateError>>()?,
            int("current")? as u64,
            int("count")? as u32,
        ))
    }

    /// For each measure of a rule set the instant from which it knows events; None: all of them from the beginning.
    pub fn known(&self, rules: &Rules) -> Option<Vec<i64>> {
        let known = &self.layouts.get(&self.current)?.known;
        let since = |measure| known.get(measure).copied().unwrap_or(BEFORE_ALL);
        let all: Vec<i64> = rules.plan.measures.iter().map(since).collect();
        all.iter().any(|since| *since > BEFORE_ALL).then_some(all)
    }

    /// The record, and from now on the position. `swept`: no state is left in another layout.
    pub fn write(&mut self, offsets: BTreeMap<String, i64>, clock: i64, swept: bool) -> Vec<u8> {
        (self.offsets, self.clock, self.written) = (offsets, clock, true);
        if swept && self.layouts.len() > 1 {
            self.layouts.retain(|number, _| *number == self.current);
            self.cached.clear();
        }
        self.looked_at = self.looked_at.filter(|_| !swept);
        if self.cached.is_empty() {
            put_number(&mut self.cached, self.current);
            put_number(&mut self.cached, self.layouts.len() as u64);
            for (number, layout) in &self.layouts {
                put_number(&mut self.cached, *number);
                layout.write(&mut self.cached);
            }
        }
        let mut out = vec![FORMAT];
        put_number(&mut out, self.offsets.len() as u64);
        for (topic, offset) in &self.offsets {
            put_bytes(&mut out, topic.as_bytes());
            put_signed(&mut out, *offset);
        }
        put_signed(&mut out, clock);
        put_number(&mut out, self.count.into());
        out.extend_from_slice(&self.cached);
        let more = !self.watches.is_empty() || self.filling.is_some() || self.looked_at.is_some();
        let none = more.then_some(Deployment::NONE);
        if let Some(deployment) = self.deployment.as_ref().or(none.as_ref()) {
            put_bytes(&mut out, deployment.id.as_bytes());
            put_signed(&mut out, deployment.offset);
            put_signed(&mut out, deployment.at);
        }
        if more {
            put_number(&mut out, self.watches.len() as u64);
            for (id, count) in &self.watches {
                put_bytes(&mut out, id.as_bytes());
                put_signed(&mut out, *count);
            }
        }
        let none = self.looked_at.map(|_| Filling::NONE);
        if let Some(filling) = self.filling.as_ref().or(none.as_ref()) {
            filling.write(&mut out);
        }
        if let Some(at) = self.looked_at {
            put_signed(&mut out, at);
        }
        out
    }
}
