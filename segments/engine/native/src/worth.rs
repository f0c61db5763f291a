//! What measures come to for a customer, for the borders that are learned from all customers.

use crate::codec::StateError;
use crate::customer::Customer;
use crate::eval::{Eval, Seen};
use crate::machine::Machine;
use crate::measures::Asked;
use crate::partition::Partition;
use crate::rules::{Ask, Measured, Rules};

/// Of each measure the values, in millionths, and the keys of the customers for whom something is due first.
pub type Worths = (Vec<Vec<i128>>, Vec<Vec<u8>>);

impl Rules {
    /// A measure of the plan, by its number; None: no leaf takes it of all its events together.
    pub fn measured(&self, known: usize) -> Option<&Measured> {
        let measures = self.leaves.iter().flat_map(|leaf| match &leaf.ask {
            Ask::Measured(measured) => std::slice::from_ref(&**measured),
            Ask::Calculated(calculated) => &calculated.parts,
            _ => &[],
        });
        let mut found = measures.filter(|measured| measured.known == known);
        found.find(|measured| measured.by.is_none())
    }
}

impl Eval<'_> {
    /// What a measure comes to, in millionths, rounded down; None: it has no value, or is zero.
    pub fn worth(&self, measured: &Measured, customer: &Customer, now: i64) -> Option<i128> {
        let (mut seen, then) = (Seen::new(), now - measured.offset);
        let rows = self.rows(measured, customer, then, &mut seen)?;
        measured.kernel.millionths(
            measured.measure,
            measured.scale,
            &Asked {
                rows,
                floor: self.floor(measured, customer, then),
                now: then,
                names: self.names,
            },
        )
    }
}

impl Partition {
    /// What measures, by their numbers, come to for these customers at the clock, what is due before it having fired.
    ///
    /// `consent`: only of customers who have given it.
    pub fn worths(
        &mut self,
        keys: Vec<Vec<u8>>,
        measures: &[usize],
        consent: Option<&str>,
    ) -> Result<Worths, StateError> {
        let (mut values, mut later) = (vec![Vec::new(); measures.len()], Vec::new());
        let (clock, retention) = (self.clock(), self.rules().plan.retention);
        for key in keys {
            let of_customer = |machine: &mut Machine, customer: &mut Customer| {
                if customer.due(retention) < clock {
                    return None;
                }
                let given = |name: &str| customer.profile.as_ref().and_then(|held| held.consent(name));
                if consent.is_some_and(|name| given(name) != Some(true)) {
                    return Some(vec![None; measures.len()]);
                }
                let (eval, now) = (machine.eval(), customer.instant.max(clock));
                let worth = |known: &usize| eval.worth(eval.rules.measured(*known)?, customer, now);
                Some(measures.iter().map(worth).collect())
            };
            match self.ask(&key, of_customer)? {
                Some(None) => later.push(key),
                Some(Some(found)) => {
                    for (held, worth) in values.iter_mut().zip(found) {
                        held.extend(worth);
                    }
                }
                None => {}
            }
        }
        Ok((values, later))
    }
}
