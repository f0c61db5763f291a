//! Who would flip if a rule set took a partition over now: counted over committed states, which stay as they are.

use crate::codec::{self, StateError};
use crate::customers::States;
use crate::eval::STEPS;
use crate::machine::Machine;
use crate::output::Effects;
use crate::position::{self, Position};
use crate::rules::Rules;
use crate::sweep::{Sweep, layout_of};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A count under way. The states may be changed meanwhile by the partition that runs: a customer counts as they are when
/// the count comes to them.
pub struct Moves {
    machine: Machine,
    position: Position,
    sweep: Sweep,
    states: Box<dyn States>,
    uncounted: HashSet<String>,
    /// What was found so far.
    pub found: Found,
}

/// How many customers there are, and what they would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Of whom something is remembered.
    pub customers: u64,
    /// By the id of a segment: the customers in it, as the states have it.
    pub members: BTreeMap<String, u64>,
    /// By the id of a segment: who would enter it.
    pub enters: BTreeMap<String, u64>,
    /// By the id of a segment: who would leave it.
    pub exits: BTreeMap<String, u64>,
    /// Customers who would enter or leave some segment that counts.
    pub moved: u64,
}

impl Moves {
    /// Begin a count of one of `count` partitions: the keys are looked up, and nobody is counted yet.
    ///
    /// `uncounted`: segments whose flips make nobody a customer who moves.
    pub fn new(
        count: u32,
        rules: Arc<Rules>,
        states: Box<dyn States>,
        uncounted: HashSet<String>,
    ) -> Result<Moves, StateError> {
        // Before the keys: whoever is written after it by another rule set is refused, not misread.
        let record = states.get(position::KEY);
        let mut position = Position::read(record.as_deref(), &rules, count, None, None)?;
        if position.current != position.last
            && let Some(mine) = position.layouts.remove(&position.current)
        {
            // The next rule set that takes over has the next number: what it writes must not be taken for ours.
            position.current = u64::MAX;
            position.layouts.insert(position.current, mine);
        }
        let mut keys = Vec::new();
        states.scan(&mut |key, _| {
            if codec::of_customer(key) {
                keys.push(Arc::from(key));
            }
        });
        let mut machine = Machine::new(rules.clone());
        machine.known = position.known(&rules);
        Ok(Moves {
            machine,
            position,
            sweep: Sweep::new(keys),
            states,
            uncounted,
            found: Found::default(),
        })
    }

    /// How many customers are not counted yet.
    pub fn left(&self) -> usize {
        self.sweep.left.len()
    }

    /// Count up to so many customers more. True: there are more.
    pub fn advance(&mut self, most: usize) -> Result<bool, StateError> {
        for _ in 0..most {
            let Some(key) = self.sweep.left.pop() else {
                break;
            };
            // Who was forgotten or erased meanwhile is no customer any more.
            if let Some(data) = self.states.get(&key) {
                self.count(key, &data)?;
            }
        }
        if self.machine.names.wants_sweep() {
            // Nobody is held decoded, so no text is in use.
            self.machine.names.sweep(&[]);
        }
        self.machine.out = Effects::default();
        Ok(self.left() > 0)
    }

    fn count(&mut self, key: Arc<[u8]>, data: &[u8]) -> Result<(), StateError> {
        let header = codec::header(data)?;
        let layout = layout_of(&self.position, header.layout)?;
        self.found.customers += 1;
        for place in &header.places {
            let id = layout.ids.get(*place as usize).map_or("", |id| id);
            add(&mut self.found.members, id);
        }
        if header.layout == self.position.current {
            return Ok(());
        }
        let (states, machine) = (&self.states, &mut self.machine);
        machine.steps.set(STEPS);
        let mut find = |key: &[u8]| states.get(key);
        self.sweep
            .take_over(key, data, &mut find, &self.position, machine)?;
        let mut moves = false;
        for flip in &machine.out.flips {
            let id = machine.out.id_of(flip.segment, &machine.rules);
            moves |= !self.uncounted.contains(&id);
            let flips = if flip.enters {
                &mut self.found.enters
            } else {
                &mut self.found.exits
            };
            add(flips, &id);
        }
        self.found.moved += u64::from(moves);
        machine.out.flips.clear();
        Ok(())
    }
}

fn add(counts: &mut BTreeMap<String, u64>, id: &str) {
    match counts.get_mut(id) {
        Some(count) => *count += 1,
        None => {
            counts.insert(id.to_owned(), 1);
        }
    }
}
