//! What links do to a customer, step by step: each can be done again, so that a bug after it can be undone.

use super::union::{take_consents, union};
use super::{Id, Identity, Redirect};
use crate::bits::Bits;
use crate::customer::{Customer, Digest, Episode};
use crate::machine::{Machine, Turn};
use crate::mutants::m;
use crate::output::Reason;
use crate::times::BEFORE_ALL;
use crate::values::{self, Flipped};
use crate::wire::record::Run;
use std::sync::Arc;

/// A step that a link, or what came by one, does to a customer.
#[derive(Clone, Debug)]
pub enum Act {
    /// A link: every segment is left, and the customer is redirected.
    Leave {
        /// The link, alone.
        link: Arc<Run>,
        /// The id that goes on.
        into: Id,
        /// Of the link's `event_id`.
        digest: Digest,
    },
    /// A record passes on to where the customer is redirected.
    Pass(i64),
    /// The redirect goes: `unlink`.
    Unlink(i64, Digest),
    /// The redirect goes: the customer is the one of a ring that goes on.
    Return,
    /// Another customer's state arrives.
    Merge {
        /// In the layout of this rule set.
        theirs: Arc<Customer>,
        /// The ids by which it came.
        passed: Vec<(Id, Id)>,
        /// The link, alone.
        link: Arc<Run>,
        /// The link's instant.
        at: i64,
    },
    /// Another customer's state is refused: of its profile a consent is taken away nevertheless.
    Refuse {
        /// In the layout of this rule set.
        theirs: Arc<Customer>,
        /// The ids by which it came.
        passed: Vec<(Id, Id)>,
        /// The link, alone.
        link: Arc<Run>,
        /// The link's instant.
        at: i64,
    },
    /// A record of merged ids was applied.
    Hear(Vec<(Id, Id)>, i64),
    /// The customer that this one was merged into was erased.
    Erase(i64),
}

impl Machine {
    /// Do a step.
    pub fn act(&mut self, customer: &mut Customer, act: &Act) {
        match act {
            Act::Leave { link, into, digest } => self.leave(customer, link, into, *digest),
            Act::Pass(at) => {
                if let Some(redirect) = redirect_of(customer) {
                    redirect.passed = redirect.passed.max(*at);
                }
            }
            Act::Unlink(at, digest) => {
                let identity = customer.identity.get_or_insert_default();
                m!("an unlink leaves the redirect", identity.redirect = None, ());
                identity.unlinked = identity.unlinked.max(*at);
                customer.instant = customer.instant.max(*at);
                customer.recognise(*digest, customer.find_id(*digest));
            }
            Act::Return => {
                let identity = customer.identity.get_or_insert_default();
                identity.redirect = None;
                if identity.is_empty() {
                    // With nothing in it it would be forgotten at once, and the sequence with it.
                    customer.identity = None;
                }
            }
            Act::Merge {
                theirs,
                passed,
                link,
                at,
            } => self.merge(customer, theirs, passed, link, *at),
            Act::Refuse {
                theirs,
                passed,
                link,
                at,
            } => self.refuse_state(customer, theirs, passed, link, *at),
            Act::Hear(passed, at) => remember(customer, passed, *at, false, false),
            Act::Erase(at) => {
                let at = customer.erased_at.max(*at);
                self.remember_erasure(customer, at);
            }
        }
        customer.next = customer.due(self.rules.plan.retention);
    }

    /// The half of the id that is absorbed.
    fn leave(&mut self, customer: &mut Customer, link: &Run, into: &Id, digest: Digest) {
        let turn = self.turn_of(link);
        let at = turn.record().at;
        let now = customer.instant.max(at);
        let mut inside = customer.episodes.clone();
        self.by_segment(&mut inside);
        for episode in inside {
            let place = (episode.rule as usize, episode.value);
            customer.sequence += 1;
            self.emit(
                customer,
                place,
                false,
                now,
                episode.sequence,
                Reason::Merged,
                Some(turn),
            );
            if let Some(flip) = self.out.flips.last_mut() {
                flip.valid_until = None;
            }
            self.told_arm(episode.arm);
        }
        if customer.sequence > 0 {
            self.null_membership(customer);
        }
        let (sequence, unlinked) = (
            customer.sequence,
            customer
                .identity
                .as_ref()
                .map_or(BEFORE_ALL, |identity| identity.unlinked),
        );
        // The watches go along.
        self.count_watches(customer, -1);
        m!(
            "what is absorbed is remembered",
            customer.clear(customer.erased_at),
            ()
        );
        (customer.instant, customer.sequence) = (now, sequence);
        let id = turn.event().and_then(|event| event.id.of(&link.data));
        customer.identity = Some(Box::new(Identity {
            redirect: Some(Redirect {
                into: into.clone(),
                link: id.unwrap_or_default().into(),
                at,
                passed: now,
            }),
            merged: Vec::new(),
            unlinked,
        }));
        customer.recognise(digest, None);
    }

    /// The half of the id that goes on: the union, then one evaluation of every rule.
    fn merge(
        &mut self,
        customer: &mut Customer,
        theirs: &Customer,
        passed: &[(Id, Id)],
        link: &Run,
        at: i64,
    ) {
        let rules = self.rules.clone();
        let now = customer.instant.max(theirs.instant).max(at);
        let stays = union(customer, theirs.clone(), now, &rules);
        self.merge_watches(customer, theirs);
        remember(customer, passed, now, true, false);
        // In a rule with `until` one counts as inside if the other was: staying is entering then.
        let lent: Vec<(usize, u32)> = stays
            .iter()
            .map(|stay| (stay.rule as usize, stay.value))
            .filter(|(rule, value)| !customer.is_in(*rule, *value))
            .collect();
        for (rule, value) in &lent {
            customer.inside.insert(*rule);
            customer.episodes.push(Episode {
                rule: *rule as u32,
                value: *value,
                sequence: 0,
                at: now,
                arm: None,
            });
        }
        let all = Bits::below(rules.rules.len());
        self.met.clear();
        self.met.add_all(&all, &rules);
        let mut flips = self.flip(customer, all.clone(), now, None, Some(&all)).into_vec();
        flips.retain(|flip| {
            let was_lent = lent.contains(&(flip.rule, flip.value));
            if was_lent {
                let of = |stay: &Episode| (stay.rule as usize, stay.value) == (flip.rule, flip.value);
                customer.episodes.retain(|stay| !of(stay));
            }
            !was_lent
        });
        self.settle(customer, now);
        for (rule, value) in lent {
            if customer.is_in(rule, value) {
                flips.push(Flipped {
                    rule,
                    value,
                    enters: true,
                    left: None,
                });
            }
        }
        self.tell(customer, flips, now, link);
    }

    fn refuse_state(
        &mut self,
        customer: &mut Customer,
        theirs: &Customer,
        passed: &[(Id, Id)],
        link: &Run,
        at: i64,
    ) {
        let now = customer.instant.max(theirs.instant).max(at);
        customer.instant = now;
        remember(customer, passed, now, false, true);
        if take_consents(customer, theirs) {
            let touched = self.rules.of_profile.clone();
            self.met.clear();
            self.met.add_all(&touched, &self.rules);
            let flips = self.flip(customer, touched.clone(), now, None, Some(&touched));
            self.tell(customer, flips.into_vec(), now, link);
        }
    }

    /// Announce what flipped by a merge, and the segments that are left.
    fn tell(&mut self, customer: &mut Customer, mut flips: Vec<Flipped>, now: i64, link: &Run) {
        if flips.is_empty() {
            return;
        }
        values::in_order(&mut flips, &self.rules, &self.names);
        let turn = self.turn_of(link);
        for flip in &flips {
            self.announce(customer, flip, now, Reason::Merged, Some(turn));
        }
        self.membership(customer, now);
    }

    fn turn_of<'a>(&self, link: &'a Run) -> Turn<'a> {
        Turn {
            topic: self.links,
            run: link,
            index: 0,
        }
    }
}

/// Where a customer is redirected.
pub fn redirect_of(customer: &mut Customer) -> Option<&mut Redirect> {
    customer.identity.as_mut()?.redirect.as_mut()
}

/// Remember the ids by which something came; the first one is the one whose it is.
fn remember(customer: &mut Customer, passed: &[(Id, Id)], at: i64, had: bool, refused: bool) {
    let key = customer.key.clone();
    for (place, (id, link)) in passed.iter().enumerate() {
        if *id != key {
            let identity = customer.identity.get_or_insert_default();
            identity.remember(id, link, at, had && place == 0, refused && place == 0);
        }
    }
}
