//! Enters, exits and memberships as they are written.

use super::Machine;
use super::Turn;
use crate::customer::{Customer, Episode};
use crate::evidence::evidence;
use crate::held_back::Enter;
use crate::mutants::m;
use crate::output::{Additions, Cause, Flip, Membership, Reason, Segment, Stay};
use crate::times::NEVER;
use crate::values::{self, Flipped, PLAIN};
use crate::watches::Arm;
use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest as _};
use smallvec::SmallVec;
use std::io::Write;

impl Machine {
    /// Emit an enter or exit that was just found.
    pub fn announce(
        &mut self,
        customer: &mut Customer,
        flip: &Flipped,
        now: i64,
        reason: Reason,
        turn: Option<Turn>,
    ) {
        customer.sequence += 1;
        let (rule, value, sequence) = (flip.rule as u32, flip.value, customer.sequence);
        let mut arm = self.arm(flip.rule, &customer.key).filter(|_| flip.enters);
        let mut episodes = customer.episodes.iter();
        let held = episodes.position(|episode| episode.rule == rule && episode.value == value);
        let episode = if flip.enters {
            match held {
                Some(held) => {
                    (customer.episodes[held].sequence, customer.episodes[held].arm) = (sequence, arm)
                }
                None => {
                    if customer.episodes.len() == customer.episodes.capacity() {
                        customer.episodes.reserve_exact(2);
                    }
                    customer.episodes.push(Episode {
                        rule,
                        value,
                        sequence,
                        at: now,
                        arm,
                    });
                }
            }
            let span = self.rules.rules[flip.rule].at_most_every;
            if m!("enters are not remembered", span > 0, false) {
                customer.remember_enter(Enter {
                    rule,
                    value,
                    at: now,
                    span,
                });
            }
            sequence
        } else {
            let left = flip
                .left
                .or_else(|| held.map(|held| customer.episodes.remove(held)));
            arm = m!(
                "an exit draws its arm anew",
                left.and_then(|episode| episode.arm),
                self.arm(flip.rule, &customer.key)
            );
            customer.forget_details(flip.rule, value);
            let begun = left.map_or(sequence, |episode| episode.sequence);
            m!("an exit has an episode of its own", begun, begun.max(sequence))
        };
        self.emit(
            customer,
            (flip.rule, value),
            flip.enters,
            now,
            episode,
            reason,
            turn,
        );
        self.told_arm(arm);
        if flip.enters {
            self.watch(customer, flip, (episode, now), reason, arm);
        }
    }

    /// Say the arm of the flip that was emitted last.
    pub fn told_arm(&mut self, arm: Option<Arm>) {
        if let Some(flip) = self.out.flips.last_mut() {
            flip.additions.arm = arm.map(Arm::name);
        }
    }

    /// Stays in the order in which they are told: by id, then by value.
    pub(crate) fn by_segment(&self, stays: &mut [Episode]) {
        let names = &self.names;
        stays.sort_unstable_by(|one, other| {
            let rank = |episode: &Episode| self.rules.rules[episode.rule as usize].rank;
            rank(one)
                .cmp(&rank(other))
                .then_with(|| values::text(one.value, names).cmp(&values::text(other.value, names)))
        });
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a flip")]
    pub(crate) fn emit(
        &mut self,
        customer: &mut Customer,
        (place, value): (usize, u32),
        enters: bool,
        now: i64,
        episode: i64,
        reason: Reason,
        turn: Option<Turn>,
    ) {
        let deployed = match reason {
            Reason::RuleAdded | Reason::RuleChanged | Reason::Borders => self.cause_of_rules(),
            _ => None,
        };
        let (eval, out, members) = self.parts();
        members.of_rules[place] += if enters {
            m!("members are not counted", 1, 0)
        } else {
            -1
        };
        let rule = &eval.rules.plan.rules[place];
        let id = flip_id(
            &customer.key,
            &rule.id,
            &rule.version,
            enters,
            customer.sequence,
            now,
        );
        let cause = turn.map(|turn| Cause {
            topic: turn.topic,
            partition: turn.run.partition,
            offset: turn.record().offset,
            event_id: turn
                .event()
                .and_then(|event| event.id.of(&turn.run.data))
                .map(|id| out.put(id)),
        });
        let cause = cause.or(deployed);
        let (first, entries) = evidence(&eval, place, value, customer, now, out);
        let mut additions = Additions {
            value: values::text(value, eval.names).map(|text| out.put(text)),
            ..Additions::default()
        };
        if enters {
            eval.carry((place, value), customer, now, &mut additions, out);
        }
        let flip = Flip {
            id,
            customer: out.put(&customer.key),
            segment: Segment::Rule(place as u32),
            enters,
            at: now,
            sequence: customer.sequence,
            episode,
            reason,
            cause,
            evidence: first,
            entries,
            valid_until: m!(
                "a flip tells no end",
                // A stay without a value in a segment that has got values never comes again.
                known(eval.valid_until(place, value, customer, now))
                    .filter(|_| value != PLAIN || !eval.rules.rules[place].has_values()),
                None
            ),
            additions,
        };
        out.flips.push(flip);
    }

    /// The deployment of the rule set, as the cause of what flips by it.
    fn cause_of_rules(&mut self) -> Option<Cause> {
        let (topic, offset, id) = self.deployed.as_ref()?;
        Some(Cause {
            topic: *topic,
            partition: None,
            offset: *offset,
            event_id: Some(self.out.put(id.as_bytes())),
        })
    }

    /// Emit an exit from a segment whose rule is gone, and with it what it measured: there is no evidence.
    pub fn emit_removed(
        &mut self,
        customer: &mut Customer,
        id: &str,
        version: &str,
        now: i64,
        stay: Episode,
    ) {
        customer.sequence += 1;
        let cause = self.cause_of_rules();
        *self.members.of_others.entry_ref(id).or_insert(0) -= 1;
        let out = &mut self.out;
        let flip = Flip {
            id: flip_id(&customer.key, id, version, false, customer.sequence, now),
            customer: out.put(&customer.key),
            segment: Segment::Removed {
                id: out.put(id.as_bytes()),
                version: out.put(version.as_bytes()),
            },
            enters: false,
            at: now,
            sequence: customer.sequence,
            episode: stay.sequence,
            reason: Reason::RuleRemoved,
            cause,
            evidence: out.evidence.len() as u32,
            entries: 0,
            valid_until: None,
            additions: Additions {
                value: values::text(stay.value, &self.names).map(|text| out.put(text)),
                ..Additions::default()
            },
        };
        out.flips.push(flip);
    }

    /// The segments that the customer is in now, by id.
    pub fn membership(&mut self, customer: &mut Customer, now: i64) {
        let mut episodes: SmallVec<[Episode; 16]> = SmallVec::from_slice(&customer.episodes);
        self.by_segment(&mut episodes);
        let (eval, out, _) = self.parts();
        let (stays, count) = (out.stays.len() as u32, episodes.len() as u32);
        for Episode {
            rule,
            value,
            sequence,
            at,
            arm,
        } in episodes
        {
            let valid_until = m!(
                "a membership tells no end",
                known(eval.valid_until(rule as usize, value, customer, now)),
                None
            );
            let mut additions = Additions {
                value: values::text(value, eval.names).map(|text| out.put(text)),
                arm: m!("a membership has no arm", arm.map(Arm::name), None),
                ..Additions::default()
            };
            customer.tell_details(rule as usize, value, &mut additions, out);
            out.stays.push(Stay {
                rule,
                entered_at: at,
                episode: sequence,
                valid_until,
                additions,
            });
        }
        let key = out.put(&customer.key);
        out.memberships.push(Membership {
            customer: key,
            sequence: Some(customer.sequence),
            stays,
            count,
        });
    }
}

fn known(instant: i64) -> Option<i64> {
    (instant < NEVER).then_some(instant)
}

/// The same flip has the same id in every run.
fn flip_id(customer: &[u8], segment: &str, version: &str, enters: bool, sequence: i64, at: i64) -> [u8; 16] {
    let mut hash = Blake2b::<U16>::new();
    for part in [
        customer,
        segment.as_bytes(),
        version.as_bytes(),
        if enters { b"enter" } else { b"exit" },
    ] {
        hash.update(part);
        hash.update(b"\0");
    }
    let mut numbers = SmallVec::<[u8; 48]>::new();
    // Writing to a vector can't fail.
    let _ = write!(numbers, "{sequence}\0{at}");
    hash.update(&numbers);
    hash.finalize().into()
}
