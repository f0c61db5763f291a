//! The customers of a partition: those at work are decoded, the others lie among the committed states as bytes.
//!
//! Decoded customers form two generations: who is not asked for while the next one fills is at rest again. Both are
//! bounded by bytes. What was written by the last commit is held until the next one, so that a caller may store it in
//! the meantime.

use crate::codec::{self, Apart, Scratch, Shape, StateError};
use crate::customer::Customer;
use crate::machine::Machine;
use crate::names::Names;
use crate::output::State;
use crate::rows::{Kept, NULL};
use crate::rules::Rules;
use crate::timers::{Ids, Timers};
use crate::times::NEVER;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Bytes of decoded customers in one generation, of which there are two.
///
/// Of all partitions of a worker together: each has its share, or `SHARE_AT_LEAST`. Decoding a customer takes as
/// long as applying two events, so more would save little. Between two commits whoever changed is decoded, too.
const LIVE: usize = 8 << 20;

const SHARE_AT_LEAST: usize = 256 << 10;

/// Customers changed since the last commit, who are all decoded, of all partitions together: each has its share of them,
/// or `CHANGED_AT_LEAST`, and is `full` then.
const CHANGED: usize = 20_000;

const CHANGED_AT_LEAST: usize = 500;

/// Bytes that such customers may occupy in all partitions together: a customer of thirty events takes five kilobytes.
const CHANGED_BYTES: usize = 64 << 20;

/// Bytes of the states of customers whom a rule set took over, after which they should be committed.
const SWEPT_BYTES: usize = 4 << 20;

/// Replaced timers that may stay in the heap, beside as many as there are customers with one. A timer 90
/// days ahead may be replaced by a nearer one with each event.
const REPLACED: usize = 4_000;

/// States by key; None: it was deleted.
type Written = HashMap<Arc<[u8]>, Option<Arc<[u8]>>, RandomState>;

/// The committed states of a partition.
pub trait States: Send {
    /// The state of a key, None if there is none.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// Show all of them, in any order.
    fn scan(&self, each: &mut dyn FnMut(&[u8], &[u8]));
}

struct Slot {
    key: Arc<[u8]>,
    /// The instant of the customer's timer; `NEVER`: there is none.
    armed: i64,
    live: Option<Box<Customer>>,
    /// Whether the customer was taken out, to be put back.
    out: bool,
}

#[derive(Default)]
struct Slots(Vec<Option<Slot>>);

impl Ids for Slots {
    fn id(&self, slot: u32) -> &[u8] {
        self.0[slot as usize].as_ref().map_or(&[], |slot| &slot.key)
    }
}

/// Those of one partition who are decoded, or who have something due.
pub struct Customers {
    states: Box<dyn States>,
    rules: Arc<Rules>,
    shapes: Vec<Shape>,
    table: HashTable<u32>,
    slots: Slots,
    free: Vec<u32>,
    timers: Timers,
    pending: usize,
    hasher: RandomState,
    changed: Vec<u32>,
    /// Looked at in this generation, and in the one before.
    current: Vec<u32>,
    before: Vec<u32>,
    generation: u32,
    live_bytes: usize,
    changed_bytes: usize,
    most: usize,
    full: usize,
    full_bytes: usize,
    written: Written,
    /// What a take-over made of customers since the last commit, and its bytes: nobody of them is decoded any more.
    swept: Vec<State>,
    swept_bytes: usize,
    scratch: Scratch,
    /// From how many entries on what is older stands in a record of its own.
    pub apart: Apart,
}

impl Customers {
    /// The customers of one of `count` partitions.
    pub fn new(states: Box<dyn States>, rules: Arc<Rules>, count: usize) -> Customers {
        Customers {
            states,
            shapes: crate::position::shapes_of(&rules),
            rules,
            table: HashTable::new(),
            slots: Slots::default(),
            free: Vec::new(),
            timers: Timers::default(),
            pending: 0,
            hasher: RandomState::default(),
            changed: Vec::new(),
            current: Vec::new(),
            before: Vec::new(),
            generation: 1,
            live_bytes: 0,
            changed_bytes: 0,
            most: SHARE_AT_LEAST.max(LIVE / count),
            full: CHANGED_AT_LEAST.max(CHANGED / count),
            full_bytes: CHANGED_BYTES / count,
            written: HashMap::default(),
            swept: Vec::new(),
            swept_bytes: 0,
            scratch: Scratch::default(),
            apart: Apart::default(),
        }
    }

    /// Whether the changed customers occupy so much memory that they should be committed.
    pub fn full(&self) -> bool {
        self.changed.len() >= self.full
            || self.changed_bytes >= self.full_bytes
            || self.swept_bytes >= SWEPT_BYTES
    }

    /// Whether any have changed.
    pub fn any_changed(&self) -> bool {
        !self.changed.is_empty() || !self.swept.is_empty()
    }

    /// How many customers have a timer.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Show all committed states.
    pub fn scan(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.states.scan(each);
    }

    /// A committed state, or what will be one with the last commit.
    pub fn committed(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.written.get(key) {
            Some(state) => state.as_ref().map(|state| state.to_vec()),
            None => self.states.get(key),
        }
    }

    /// The slot of a customer who is decoded or has something due.
    fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |slot| self.slots.id(*slot) == key).copied()
    }

    fn enter(&mut self, key: Arc<[u8]>) -> u32 {
        let hash = self.hasher.hash_one(&*key);
        let slot = Slot {
            key,
            armed: NEVER,
            live: None,
            out: false,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots.0[place as usize] = Some(slot);
                place
            }
            None => {
                self.slots.0.push(Some(slot));
                self.slots.0.len() as u32 - 1
            }
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.table
            .insert_unique(hash, place, |slot| hasher.hash_one(slots.id(*slot)));
        place
    }

    fn slot(&mut self, place: u32) -> &mut Slot {
        self.slots.0[place as usize].as_mut().expect("a slot in use")
    }

    /// Give up a slot that nothing needs any more.
    fn leave(&mut self, place: u32) {
        let Some(slot) = &self.slots.0[place as usize] else {
            return;
        };
        if slot.live.is_some() || slot.out || slot.armed < NEVER {
            return;
        }
        let hash = self.hasher.hash_one(&*slot.key);
        if let Ok(entry) = self.table.find_entry(hash, |each| *each == place) {
            entry.remove();
        }
        self.slots.0[place as usize] = None;
        self.free.push(place);
    }

    /// A customer to be looked at or changed, with the place to put them back to; a new one if nothing is remembered.
    pub fn get_or_create(
        &mut self,
        key: &[u8],
        machine: &mut Machine,
    ) -> Result<(u32, Box<Customer>), StateError> {
        let place = match self.find(key) {
            Some(place) => place,
            None => self.enter(Arc::from(key)),
        };
        if let Some(customer) = self.slot(place).live.take() {
            self.slot(place).out = true;
            return Ok((place, customer));
        }
        let shared = self.slot(place).key.clone();
        let customer = match self.load(&shared, machine)? {
            Some(customer) => customer,
            None => Customer::new(shared, self.rules.streams.len()),
        };
        self.slot(place).out = true;
        Ok((place, Box::new(customer)))
    }

    /// A customer to be looked at, None if nothing is remembered.
    pub fn look(
        &mut self,
        key: &[u8],
        machine: &mut Machine,
    ) -> Result<Option<(u32, Box<Customer>)>, StateError> {
        let place = self.find(key);
        if let Some(place) = place
            && let Some(customer) = self.slot(place).live.take()
        {
            self.slot(place).out = true;
            return Ok(Some((place, customer)));
        }
        let shared = place.map_or_else(|| Arc::from(key), |place| self.slot(place).key.clone());
        let Some(customer) = self.load(&shared, machine)? else {
            return Ok(None);
        };
        let place = place.unwrap_or_else(|| self.enter(shared));
        self.slot(place).out = true;
        Ok(Some((place, Box::new(customer))))
    }

    /// A customer as committed, by the rules of the machine.
    pub fn load(&self, key: &Arc<[u8]>, machine: &mut Machine) -> Result<Option<Customer>, StateError> {
        let Some(data) = self.committed(key) else {
            return Ok(None);
        };
        let mut find = |key: &[u8]| self.committed(key);
        if let Some(customer) = machine.caught_up(key, &data, &mut find)? {
            return Ok(Some(customer));
        }
        codec::decode(key.clone(), &data, &self.shapes, &mut machine.names, &mut find).map(Some)
    }

    /// Put a customer back.
    pub fn put(&mut self, place: u32, mut customer: Box<Customer>) {
        if customer.generation != self.generation {
            customer.generation = self.generation;
            self.live_bytes += customer.size();
            self.current.push(place);
        }
        let slot = self.slot(place);
        (slot.live, slot.out) = (Some(customer), false);
    }

    /// Note that a customer changed, who will be put back.
    pub fn note(&mut self, place: u32, customer: &mut Customer) {
        if !customer.changed {
            customer.changed = true;
            self.changed.push(place);
            self.changed_bytes += customer.size();
        }
    }

    /// Have a customer who is decoded written with the next commit. False: they are not decoded.
    pub fn rewrite(&mut self, key: &[u8]) -> bool {
        let Some(place) = self.find(key) else {
            return false;
        };
        let Some(mut customer) = self.slot(place).live.take() else {
            return false;
        };
        self.note(place, &mut customer);
        self.slot(place).live = Some(customer);
        true
    }

    /// Keep a customer whom a rule set has taken over, as bytes that stand as committed until they are.
    pub fn keep_swept(&mut self, mut customer: Customer, layout: u64, names: &Names) {
        codec::forget(&mut customer, &self.rules, names);
        let mut swept = std::mem::take(&mut self.swept);
        let first = swept.len();
        self.write_one(&mut customer, layout, names, &mut swept);
        for state in &swept[first..] {
            self.swept_bytes += state.key.len() + state.value.as_ref().map_or(0, |value| value.len());
            self.written.insert(state.key.clone(), state.value.clone());
        }
        self.swept = swept;
    }

    /// Make sure that a customer comes up no later than an instant.
    pub fn arm(&mut self, place: u32, due: i64) {
        let slot = self.slot(place);
        if due < slot.armed {
            let unarmed = slot.armed == NEVER;
            slot.armed = due;
            self.pending += usize::from(unarmed);
            self.timers.push(due, place, &self.slots);
            if self.timers.entries() > 2 * self.pending + REPLACED {
                let slots = &self.slots;
                let holds = |due, place: u32| {
                    slots.0[place as usize]
                        .as_ref()
                        .is_some_and(|slot| slot.armed == due)
                };
                self.timers.retain(holds, slots);
            }
        }
    }

    /// As `arm`, of a customer at rest.
    pub fn arm_key(&mut self, key: &[u8], due: i64) {
        let place = match self.find(key) {
            Some(place) => place,
            None => self.enter(Arc::from(key)),
        };
        self.arm(place, due);
    }

    /// The earliest timer, which may be early.
    pub fn next_due(&mut self) -> Option<i64> {
        while let Some((due, place)) = self.timers.peek() {
            if self.slots.0[place as usize]
                .as_ref()
                .is_some_and(|slot| slot.armed == due)
            {
                return Some(due);
            }
            self.timers.pop(&self.slots);
        }
        None
    }

    /// The customer of the earliest entry before an instant; the entry is gone.
    pub fn pop(&mut self, before: i64) -> Option<Arc<[u8]>> {
        if self.next_due()? >= before {
            return None;
        }
        let (_, place) = self.timers.pop(&self.slots)?;
        self.pending -= 1;
        let slot = self.slot(place);
        slot.armed = NEVER;
        let key = slot.key.clone();
        self.leave(place);
        Some(key)
    }

    /// The changed customers as states; None for those of whom nothing is remembered any more.
    pub fn write(&mut self, layout: u64, names: &mut Names, states: &mut Vec<State>) {
        self.written.clear();
        states.append(&mut self.swept);
        self.swept_bytes = 0;
        for place in std::mem::take(&mut self.changed) {
            let Some(mut customer) = self.slot(place).live.take() else {
                continue;
            };
            let before = codec::wants_to_forget(&customer).then(|| customer.size());
            self.write_one(&mut customer, layout, names, states);
            if let Some(before) = before {
                self.live_bytes = (self.live_bytes + customer.size()).saturating_sub(before);
            }
            self.slot(place).live = Some(customer);
        }
        self.changed_bytes = 0;
        for state in states.iter() {
            self.written.insert(state.key.clone(), state.value.clone());
        }
        if self.live_bytes > self.most {
            self.rest();
        }
        if names.wants_sweep() {
            let marked = self.marked(names);
            names.sweep(&marked);
        }
    }

    fn write_one(&mut self, customer: &mut Customer, layout: u64, names: &Names, states: &mut Vec<State>) {
        customer.changed = false;
        let key = customer.key.clone();
        if customer.blank() {
            if customer.stored {
                states.push(State {
                    key: key.clone(),
                    value: None,
                });
            }
            if customer.older {
                states.push(State {
                    key: codec::older_key(&key).into(),
                    value: None,
                });
            }
            (customer.stored, customer.older) = (false, false);
            return;
        }
        let written = codec::encode(
            customer,
            &self.rules,
            names,
            layout,
            self.apart,
            &mut self.scratch,
        );
        customer.stored = true;
        states.push(State {
            key: key.clone(),
            value: Some(written.first),
        });
        if let Some(value) = written.older {
            states.push(State {
                key: codec::older_key(&key).into(),
                value,
            });
        }
    }

    /// A customer as bytes in one record.
    pub fn whole(&mut self, customer: &mut Customer, layout: u64, names: &Names) -> Arc<[u8]> {
        codec::whole(customer, &self.rules, names, layout, &mut self.scratch)
    }

    /// A generation is full: who was not looked at in it is at rest again, and of those who were whoever came last, as
    /// long as they are too many. Who comes often is among the first.
    fn rest(&mut self) {
        for place in std::mem::take(&mut self.before) {
            if self
                .live_at(place)
                .is_some_and(|customer| customer.generation < self.generation)
            {
                self.rest_one(place);
            }
        }
        let mut bytes = 0;
        let mut looked_at = std::mem::take(&mut self.current);
        looked_at.retain(|place| {
            bytes += self.live_at(*place).map_or(0, Customer::size);
            let stays = bytes <= self.most;
            if !stays {
                self.rest_one(*place);
            }
            stays
        });
        looked_at.shrink_to_fit();
        self.before = looked_at;
        self.generation += 1;
        self.live_bytes = 0;
    }

    fn live_at(&self, place: u32) -> Option<&Customer> {
        self.slots.0[place as usize].as_ref()?.live.as_deref()
    }

    /// Drop what is decoded of a customer who has not changed since the last commit.
    fn rest_one(&mut self, place: u32) {
        if let Some(slot) = &mut self.slots.0[place as usize]
            && slot.live.as_ref().is_some_and(|customer| !customer.changed)
        {
            slot.live = None;
            self.leave(place);
        }
    }

    fn marked(&self, names: &Names) -> Vec<bool> {
        let mut marked = vec![false; names.room()];
        let mut mark = |word: i64| {
            if word != NULL {
                marked[word as usize] = true;
            }
        };
        for customer in self
            .slots
            .0
            .iter()
            .flatten()
            .filter_map(|slot| slot.live.as_ref())
        {
            customer.values().for_each(|value| mark(value.into()));
            for (shape, kept) in self.shapes.iter().zip(&customer.streams) {
                if let (Kept::Keyed(groups), Some(true)) = (kept, shape.key) {
                    groups.list.iter().for_each(|group| mark(group.0));
                }
                for row in kept.each().flat_map(|rows| rows.0.chunks_exact(shape.stride())) {
                    for (word, _) in row[1..].iter().zip(&shape.texts).filter(|each| *each.1) {
                        mark(*word);
                    }
                }
            }
        }
        marked
    }

    /// How many customers are decoded, and their bytes.
    pub fn live(&self) -> (usize, usize) {
        let live = self
            .slots
            .0
            .iter()
            .flatten()
            .filter_map(|slot| slot.live.as_ref());
        live.fold((0, 0), |(count, bytes), customer| {
            (count + 1, bytes + customer.size())
        })
    }
}
