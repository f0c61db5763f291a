//! Customers of whom another rule set changed nothing: their states stay as they were written.
//!
//! A take-over evaluates every customer. Who flips is written at once; of the others nothing is different but the layout,
//! and the instants at which time alone may do something, which are found again by the same evaluation. So their states
//! are left as they are, and taken over when they are read next, at the instant of the take-over, which gives the same
//! customer as then. Meanwhile they are written in the new layout a few at a time; all of them are before the next rule
//! set, since that one can take over from one layout only.

use crate::codec::{self, StateError};
use crate::customer::Customer;
use crate::eval::STEPS;
use crate::machine::Machine;
use crate::mutants::m;
use crate::partition::Partition;
use crate::position::Position;
use crate::sweep::Sweep;
use std::sync::Arc;

/// The customers whose states are in layouts of before.
pub struct Behind {
    sweep: Sweep,
    /// As the take-over found it.
    position: Position,
    /// Their keys, the last in order first. Some may have been written since.
    left: Vec<Arc<[u8]>>,
}

impl Behind {
    /// What a take-over leaves behind; `left` are the keys in order.
    pub fn new(sweep: Sweep, position: Position, mut left: Vec<Arc<[u8]>>) -> Behind {
        left.reverse();
        Behind {
            sweep,
            position,
            left,
        }
    }
}

impl Machine {
    /// A customer whose state was left in a layout of before, taken over; None: the state is in that of this rule set.
    pub fn caught_up(
        &mut self,
        key: &Arc<[u8]>,
        data: &[u8],
        find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Option<Customer>, StateError> {
        let Some(mut behind) = self.behind.take() else {
            return Ok(None);
        };
        let found = behind.take_over(key, data, find, self);
        self.behind = Some(behind);
        found
    }
}

impl Behind {
    fn take_over(
        &mut self,
        key: &Arc<[u8]>,
        data: &[u8],
        find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
        machine: &mut Machine,
    ) -> Result<Option<Customer>, StateError> {
        if codec::header(data)?.layout == self.position.current {
            return Ok(None);
        }
        machine.steps.set(STEPS);
        let (mark, waiting) = (machine.out.mark(), machine.out.waiting);
        let mut customer = self
            .sweep
            .take_over(key.clone(), data, find, &self.position, machine)?;
        // The same evaluation as before: it tells nothing, and who waits was counted then.
        debug_assert_eq!(machine.out.mark(), mark);
        machine.out.waiting = waiting;
        codec::forget(&mut customer, &machine.rules, &machine.names);
        customer.next = customer.due(machine.rules.plan.retention);
        Ok(Some(customer))
    }
}

impl Partition {
    /// How many customers are left whose states may be in the layout of an earlier rule set.
    pub fn behind(&self) -> usize {
        self.machine.behind.as_ref().map_or(0, |behind| behind.left.len())
    }

    /// All customers are looked at: the states of those of whom nothing changed stay as they are for now.
    pub(crate) fn leave_behind(&mut self, sweep: Sweep, left: Vec<Arc<[u8]>>) {
        self.position.looked_at = Some(self.position.since());
        self.position.written = false;
        let behind = Behind::new(sweep, self.position.clone(), left);
        self.machine.behind = Some(Box::new(behind));
    }

    /// Write up to so many of the states that are in the layout of an earlier rule set in that of this one, with the next
    /// commit. True: there are more.
    pub fn catch_up(&mut self, most: usize) -> Result<bool, StateError> {
        for _ in 0..most {
            let Some(key) = self.machine.behind.as_mut().and_then(|behind| behind.left.pop()) else {
                break;
            };
            let Some(data) = self.customers.committed(&key) else {
                continue;
            };
            if codec::header(&data)?.layout == self.position.current
                || m!(
                    "who is decoded is written as committed",
                    self.customers.rewrite(&key),
                    false
                )
            {
                continue;
            }
            if let Some(customer) = self.customers.load(&key, &mut self.machine)? {
                self.customers
                    .keep_swept(customer, self.position.current, &self.machine.names);
            }
        }
        if self.machine.behind.is_some() && self.behind() == 0 {
            self.machine.behind = None;
            self.position.written = false;
        }
        Ok(self.machine.behind.is_some())
    }
}
