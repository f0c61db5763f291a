//! New measures of a partition are filled from its past, as if they had always been there.
//!
//! First every state is written anew with what the past has to say, which nothing shows yet: a measure is asked only for
//! events from its *known since* on. Then the record beside the customers says that the measures know more, in one
//! stroke, and whoever takes the partition over next sweeps it as for any other change of rules. So a crash at any moment
//! leaves a state that is right, and filling begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::codec::{self, Scratch, StateError};
use crate::customer::Customer;
use crate::customers::States;
use crate::identity::both;
use crate::names::Names;
use crate::plan::{Measured, RecordKind};
use crate::position::{self, Layout, Position};
use crate::rows::{Groups, Kept, Rows};
use crate::rules::{Rules, Stream};
use crate::sweep::carried;
use crate::times::{BEFORE_ALL, DAY, NEVER};

/// For each topic, by number, the instant from which on all that occurred is in the history; `BEFORE_ALL`: all of it.
pub type Complete = Vec<i64>;

/// A state to be committed; None deletes it.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The measures of some rules, and of the rules that these read, in one partition.
pub struct Refill {
    rules: Arc<Rules>,
    states: Box<dyn States + Sync>,
    position: Position,
    /// For each measure that does not know all, the instant from which it knows events.
    pub missing: BTreeMap<String, i64>,
}

impl Refill {
    /// Of the rules with these ids.
    pub fn new(
        rules: Arc<Rules>,
        states: Box<dyn States + Sync>,
        wanted: &[String],
        count: u32,
    ) -> Result<Refill, StateError> {
        let position = Position::read(states.get(position::KEY).as_deref(), &rules, count, None)?;
        let asked = measures_of(&rules, wanted);
        let known = position
            .layouts
            .get(&position.current)
            .map(|layout| layout.known.clone())
            .unwrap_or_default();
        let missing = known
            .into_iter()
            .filter(|(name, since)| *since > BEFORE_ALL && asked.contains(name))
            .collect();
        Ok(Refill {
            rules,
            states,
            position,
            missing,
        })
    }

    /// The clock of the partition, as committed.
    pub fn clock(&self) -> i64 {
        self.position.clock
    }

    /// How far each topic was applied: what came later is left to the worker.
    pub fn offsets(&self) -> &BTreeMap<String, i64> {
        &self.position.offsets
    }

    /// What occurred before can't matter.
    ///
    /// A customer may stand still for as long as anything is remembered, and looks back from there for as long again;
    /// what is a duplicate is known for a day.
    pub fn since(&self) -> i64 {
        self.position.clock - 2 * self.rules.plan.retention - DAY
    }

    /// For each measure that a history can fill, the instant from which it is known then.
    pub fn known(&self, complete: &Complete) -> BTreeMap<String, i64> {
        let mut found = BTreeMap::new();
        for asked in measured(&self.rules) {
            let name = &self.rules.plan.measures[asked.known];
            let Some(before) = self.missing.get(name) else {
                continue;
            };
            let streams = asked.streams();
            let since = streams
                .map(|stream| self.complete(stream, complete))
                .max()
                .unwrap_or(BEFORE_ALL);
            if since < *before {
                found.insert(name.clone(), since);
            }
        }
        found
    }

    /// From when on the events of a stream are in the history; whether an event begins a visit is told by those before.
    fn complete(&self, stream: usize, complete: &Complete) -> i64 {
        let taken = &self.rules.plan.streams[stream];
        if !taken.flips.is_empty() {
            // No history has the flips that these rules would have had.
            return NEVER;
        }
        let since = taken
            .takes
            .iter()
            .map(|take| complete[take.topic])
            .max()
            .unwrap_or(BEFORE_ALL);
        if taken.visits && since > BEFORE_ALL {
            since + self.rules.plan.session.gap
        } else {
            since
        }
    }

    /// Begin to write the states anew: with the states of a partition that lived through its past, by `listening` rules.
    pub fn fill(self, past: Box<dyn States + Sync>, complete: &Complete) -> Fill {
        let known = self.known(complete);
        let mut cuts = BTreeMap::new();
        for asked in
            measured(&self.rules).filter(|asked| known.contains_key(&self.rules.plan.measures[asked.known]))
        {
            for stream in asked.streams() {
                cuts.insert(stream, self.complete(stream, complete));
            }
        }
        let touched = touched_by(&self.rules, &known);
        Fill::new(self, past, cuts, known, touched)
    }
}

/// Writes the states of a partition anew, in layouts of their own: the rules of old, the streams of these.
pub struct Fill {
    of: Refill,
    past: Box<dyn States + Sync>,
    cuts: BTreeMap<usize, i64>,
    mine: Layout,
    /// By the number of a layout, that of the one in its place.
    numbers: BTreeMap<u64, u64>,
    known: BTreeMap<String, i64>,
    touched: Vec<String>,
    record: Vec<u8>,
    left: Vec<Vec<u8>>,
    names: Names,
    scratch: Scratch,
    done: bool,
}

impl Fill {
    fn new(
        of: Refill,
        past: Box<dyn States + Sync>,
        cuts: BTreeMap<usize, i64>,
        known: BTreeMap<String, i64>,
        touched: Vec<String>,
    ) -> Fill {
        let position = &of.position;
        let written = position
            .layouts
            .keys()
            .filter(|number| position.written || **number != position.current);
        let first = position.layouts.keys().max().map_or(0, |number| number + 1);
        let numbers: BTreeMap<u64, u64> = written.copied().zip(first..).collect();
        let mut keys = BTreeSet::new();
        let mut note = |key: &[u8], _: &[u8]| {
            if codec::of_customer(key) {
                keys.insert(key.to_vec());
            }
        };
        of.states.scan(&mut note);
        past.scan(&mut note);
        let left = if known.is_empty() {
            Vec::new()
        } else {
            keys.into_iter().rev().collect()
        };
        let (mine, done) = (position.layouts[&position.current].clone(), known.is_empty());
        let mut fill = Fill {
            of,
            past,
            cuts,
            mine,
            numbers,
            known,
            touched,
            record: Vec::new(),
            left,
            names: Names::default(),
            scratch: Scratch::default(),
            done,
        };
        fill.record = fill.record_of(&BTreeMap::new(), &[], true);
        fill
    }

    /// The next states to be committed, as a whole and in this order: of so many customers. None: that was all.
    pub fn next(&mut self, most: usize) -> Result<Option<Vec<Change>>, StateError> {
        if self.done {
            return Ok(None);
        }
        if self.left.is_empty() {
            self.done = true;
            let (known, touched) = (self.known.clone(), self.touched.clone());
            return Ok(Some(vec![(
                position::KEY.to_vec(),
                Some(self.record_of(&known, &touched, false)),
            )]));
        }
        let mut batch = Vec::new();
        for key in self
            .left
            .split_off(self.left.len().saturating_sub(most))
            .into_iter()
            .rev()
        {
            if let Some(state) = self.filled(&key)? {
                let older = codec::older_key(&key);
                batch.push((key, Some(state)));
                if self.of.states.get(&older).is_some() {
                    batch.push((older, None));
                }
            }
        }
        batch.push((position::KEY.to_vec(), Some(self.record.clone())));
        self.names = Names::default();
        Ok(Some(batch))
    }

    /// The partition's own record: with the layouts of old beside the new ones until all states are written.
    fn record_of(&self, known: &BTreeMap<String, i64>, filled: &[String], old: bool) -> Vec<u8> {
        let position = &self.of.position;
        let mut layouts = BTreeMap::new();
        for (before, number) in &self.numbers {
            let layout = &position.layouts[before];
            if old {
                layouts.insert(*before, layout.clone());
            }
            let mut all = self.mine.known.clone();
            all.extend(known.clone());
            let new = Layout {
                streams: self.mine.streams.clone(),
                shapes: self.mine.shapes.clone(),
                known: all,
                retention: self.mine.retention,
                filled: filled.to_vec(),
                ..layout.clone()
            };
            layouts.insert(*number, new);
        }
        let current = self.numbers[&position.last];
        let mut moved = Position::new(BTreeMap::new(), position.clock, layouts, current, position.count);
        moved.deployment = position.deployment.clone();
        moved.watches = position.watches.clone();
        moved.write(position.offsets.clone(), position.clock, false)
    }

    fn filled(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let shapes = self.mine.shapes.clone();
        let past = read(&*self.past, key, &shapes, &mut self.names)?;
        let Some(data) = self.of.states.get(key) else {
            return Ok(past.and_then(|past| self.forgotten(past)));
        };
        let number = codec::header(&data)?.layout;
        let layout = self
            .of
            .position
            .layouts
            .get(&number)
            .ok_or_else(|| StateError::new("its layout is missing"))?;
        let Some(mut customer) = read(&*self.of.states, key, &layout.shapes, &mut self.names)? else {
            return Ok(None);
        };
        customer.crowded = None;
        customer.streams = carried(&customer.streams, layout, &self.mine, &self.of.rules).into();
        for (place, cut) in &self.cuts {
            let kept = std::mem::take(&mut customer.streams[*place]);
            let found = past.as_ref().map_or(&Kept::None, |past| &past.streams[*place]);
            let stream = &self.of.rules.streams[*place];
            if let Some(identity) = &customer.identity {
                // A redirect has no history of its own any more; of merged ids this history has nothing.
                customer.streams[*place] = if identity.redirect.is_some() {
                    kept
                } else {
                    let more = not_in(stream, found, &kept);
                    both(stream, kept, more, customer.erased_at)
                };
                continue;
            }
            customer.streams[*place] = merged(stream, kept, found, *cut, customer.erased_at);
        }
        Ok(Some(self.written(&mut customer, self.numbers[&number])))
    }

    /// One who was forgotten, as nothing that was remembered so long had to do with them.
    fn forgotten(&mut self, mut past: Customer) -> Option<Vec<u8>> {
        if past.blank() || past.forgotten_at(self.of.rules.plan.retention) < self.of.position.clock {
            return None;
        }
        let number = self.numbers[&self.of.position.last];
        Some(self.written(&mut past, number))
    }

    fn written(&mut self, customer: &mut Customer, layout: u64) -> Vec<u8> {
        codec::whole(customer, &self.of.rules, &self.names, layout, &mut self.scratch).to_vec()
    }
}

fn read(
    states: &dyn States,
    key: &[u8],
    shapes: &[codec::Shape],
    names: &mut Names,
) -> Result<Option<Customer>, StateError> {
    let Some(data) = states.get(key) else {
        return Ok(None);
    };
    codec::decode(key.into(), &data, shapes, names, &mut |key| states.get(key)).map(Some)
}

fn measured(rules: &Rules) -> impl Iterator<Item = &Measured> {
    let of_leaves = rules.plan.leaves.iter().flat_map(|leaf| leaf.asked.measures());
    let told = rules.plan.rules.iter().flat_map(|rule| &rule.details);
    of_leaves.chain(told.map(|detail| &detail.asked))
}

/// The measures of a rule.
fn own_measures(rules: &Rules, place: usize) -> impl Iterator<Item = &String> {
    let rule = &rules.plan.rules[place];
    let of_leaves = rule.leaves.iter();
    let of_leaves = of_leaves.flat_map(|leaf| rules.plan.leaves[*leaf].asked.measures());
    let told = rule.details.iter().map(|detail| &detail.asked);
    of_leaves
        .chain(told)
        .map(|asked| &rules.plan.measures[asked.known])
}

/// The measures of these rules and of those that they read.
fn measures_of(rules: &Rules, wanted: &[String]) -> BTreeSet<String> {
    let places = wanted.iter().filter_map(|id| rules.place(id));
    let all: BTreeSet<usize> = places
        .flat_map(|place| std::iter::once(place).chain(rules.plan.rules[place].reads.iter().copied()))
        .collect();
    all.into_iter()
        .flat_map(|place| own_measures(rules, place))
        .cloned()
        .collect()
}

/// The rules that are to be looked at again, those that read others of them included; by id.
fn touched_by(rules: &Rules, known: &BTreeMap<String, i64>) -> Vec<String> {
    let mut touched = BTreeSet::new();
    for (place, rule) in rules.plan.rules.iter().enumerate() {
        let reads_touched = rule
            .reads
            .iter()
            .any(|read| touched.contains(&rules.plan.rules[*read].id));
        if reads_touched || own_measures(rules, place).any(|name| known.contains_key(name)) {
            touched.insert(rule.id.clone());
        }
    }
    touched.into_iter().collect()
}

/// Whether a topic has events that measures read; profiles are kept whole anyway.
pub fn has_events(record: RecordKind) -> bool {
    record != RecordKind::Profile
}

/// The entries found that are not kept, each as often as it is missing; all of streams that join what they keep.
fn not_in(stream: &Stream, found: &Kept, kept: &Kept) -> Kept {
    let left = |new: &Rows, old: Option<&Rows>| -> Rows {
        if stream.visits || stream.latest {
            return new.clone();
        }
        let mut held: Vec<&[i64]> = old.map_or(Vec::new(), |old| old.0.chunks_exact(stream.stride).collect());
        let mut rows = Rows::default();
        for row in new.0.chunks_exact(stream.stride) {
            match held.iter().position(|each| *each == row) {
                Some(place) => drop(held.swap_remove(place)),
                None => rows.0.extend_from_slice(row),
            }
        }
        rows
    };
    match found {
        Kept::None => Kept::None,
        Kept::Rows(new) => Kept::Rows(left(new, rows(kept))),
        Kept::Keyed(new) => {
            let old = groups(kept);
            let mut made = Groups::default();
            for (key, new) in &new.list {
                let held = old.iter().find(|group| group.0 == *key).map(|group| &group.1);
                let place = made.enter(*key);
                made.list[place].1 = left(new, held);
            }
            Kept::Keyed(Box::new(made))
        }
    }
}

/// What is kept of before an instant, and what the past found from there on, later than an erasure.
fn merged(stream: &Stream, kept: Kept, found: &Kept, cut: i64, erased_at: i64) -> Kept {
    let both = |old: Option<&Rows>, new: Option<&Rows>| joined(stream, old, new, cut, erased_at);
    match (&kept, found) {
        (Kept::Keyed(_), _) | (_, Kept::Keyed(_)) => {
            let (old, new) = (groups(&kept), groups(found));
            let mut made = Groups::default();
            let keys = old.iter().map(|group| group.0);
            let more = new
                .iter()
                .map(|group| group.0)
                .filter(|key| !old.iter().any(|group| group.0 == *key));
            for key in keys.chain(more) {
                let of = |groups: &'_ [(i64, Rows)]| groups.iter().position(|group| group.0 == key);
                if let Some(rows) = both(of(old).map(|at| &old[at].1), of(new).map(|at| &new[at].1)) {
                    let place = made.enter(key);
                    made.list[place].1 = rows;
                }
            }
            if made.list.is_empty() {
                Kept::None
            } else {
                Kept::Keyed(Box::new(made))
            }
        }
        _ => both(rows(&kept), rows(found)).map_or(Kept::None, Kept::Rows),
    }
}

fn groups(kept: &Kept) -> &[(i64, Rows)] {
    match kept {
        Kept::Keyed(groups) => &groups.list,
        _ => &[],
    }
}

fn rows(kept: &Kept) -> Option<&Rows> {
    match kept {
        Kept::Rows(rows) => Some(rows),
        _ => None,
    }
}

fn joined(stream: &Stream, old: Option<&Rows>, new: Option<&Rows>, cut: i64, erased_at: i64) -> Option<Rows> {
    let stride = stream.stride;
    let mut words: Vec<i64> = old.map_or(Vec::new(), |old| {
        old.0[..stride * old.series(stride).upto(cut - 1)].to_vec()
    });
    let from = new.map_or(0, |new| new.series(stride).upto((cut - 1).max(erased_at)));
    let mut more = new.map_or(&[][..], |new| &new.0[stride * from..]);
    if !more.is_empty() && !words.is_empty() {
        if stream.latest {
            words.clear();
        } else if stream.visits && more[0] < words[words.len() - 1] + stream.gap {
            // The last visit of before may go on in the first of after.
            let end = words.len() - 1;
            words[end] = words[end].max(more[stride - 1]);
            more = &more[stride..];
        }
    }
    words.extend_from_slice(more);
    (!words.is_empty()).then(|| Rows(words.into()))
}
