//! Steps that may have a bug: each is done as a whole, or undone by what was committed and done again since.

use super::Partition;
use crate::codec::StateError;
use crate::customer::{Customer, Digest, Profile};
use crate::eval::STEPS;
use crate::filling::{self, Given};
use crate::identity::links::Act;
use crate::machine::{Machine, Turn};
use crate::mutants::m;
use crate::output::{Mark, Segment};
use crate::screening::consents_alone;
use crate::times::BEFORE_ALL;
use crate::wire::record::Run;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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

impl Partition {
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
        let mut fresh = match self.customers.load(&customer.key, machine)? {
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
