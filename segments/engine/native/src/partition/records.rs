//! One record in its turn: applied, passed on, refused, or ignored.

use super::undo::Step;
use super::{LONGEST_ERROR, Partition};
use crate::codec::StateError;
use crate::customer::Customer;
use crate::identity::{Linked, Transfer};
use crate::inputs::Next;
use crate::limit::Limits;
use crate::machine::{Turn, digest_of};
use crate::mutants::m;
use crate::output::{DeadLetter, Notice, Noticed, Outcome};
use crate::screening::{self, Screened, consents_alone};
use crate::wire::record::{Body, Event, Format, Record, Run};
use crate::wire::refusals::{Reason, Refusal};
use std::sync::Arc;

impl Partition {
    /// One record: steps (1) to (4) of the contract.
    pub(super) fn apply_record(&mut self, next: Next) -> Result<(), StateError> {
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
        let (place, mut customer) = self.customers.get_or_create(key, &mut self.machine)?;
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
            return Ok(self.refuse_for_an_error(topic, run, index, error));
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

    /// Refuse a record at which the engine failed; what it had changed is undone already.
    fn refuse_for_an_error(&mut self, topic: usize, run: &Arc<Run>, index: usize, error: String) -> Outcome {
        let refusal = Refusal::new(Reason::EngineError, error);
        self.refuse(topic, run.clone(), index, refusal);
        Outcome::DeadLetter
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
            return Ok(self.refuse_for_an_error(topic, run, index, error));
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
}
