//! All that a partition did since it was last asked, as the finished batches of one transaction.

use super::outputs::{Cause, Detail, Encoder, Evidence, Flip, Letter, Membership, SegmentOutcome};
use crate::output::{self, Effects, Segment};
use crate::rules::Rules;

/// Put effects into the batches of an encoder; `now` is the wall clock, in milliseconds.
pub fn encode(encoder: &mut Encoder, effects: &Effects, rules: &Rules, partition: i32, now: i64) {
    let view = View {
        effects,
        rules,
        partition,
    };
    for flip in &effects.flips {
        view.flip(encoder, flip, now);
    }
    for outcome in &effects.segment_outcomes {
        view.outcome(encoder, outcome, now);
    }
    for membership in &effects.memberships {
        view.membership(encoder, membership, now);
    }
    for letter in &effects.dead_letters {
        view.letter(encoder, letter, now);
    }
    for state in &effects.states {
        encoder.state(now, &state.key, state.value.as_deref());
    }
}

struct View<'e> {
    effects: &'e Effects,
    rules: &'e Rules,
    partition: i32,
}

impl<'e> View<'e> {
    fn text(&self, text: output::Text) -> &'e [u8] {
        self.effects.of(text)
    }

    fn topic(&self, topic: usize) -> &'e str {
        self.effects.topic(topic)
    }

    /// Id and version.
    fn segment(&self, segment: Segment) -> (&'e [u8], &'e [u8]) {
        match segment {
            Segment::Rule(place) => self.rule(place),
            Segment::Removed { id, version } => (self.text(id), self.text(version)),
        }
    }

    fn rule(&self, place: u32) -> (&'e [u8], &'e [u8]) {
        let rule = &self.rules.plan.rules[place as usize];
        (rule.id.as_bytes(), rule.version.as_bytes())
    }

    fn flip(&self, encoder: &mut Encoder, flip: &output::Flip, now: i64) {
        let (segment, version) = self.segment(flip.segment);
        let cause = flip.cause.map(|cause| Cause {
            topic: self.topic(cause.topic).as_bytes(),
            partition: cause.partition.map_or(self.partition, |own| own as i32),
            offset: cause.offset,
            event_id: cause.event_id.map(|text| self.text(text)),
        });
        let made = Flip {
            event_id: &hex(flip.id),
            customer: self.text(flip.customer),
            segment,
            version,
            transition: if flip.enters { b"enter" } else { b"exit" },
            occurred_at: flip.at,
            sequence: flip.sequence,
            episode: flip.episode,
            reason: flip.reason.name().as_bytes(),
            cause,
            valid_until: flip.valid_until,
            value: flip.additions.value.map(|text| self.text(text)),
            arm: flip.additions.arm.map(str::as_bytes),
        };
        let evidence = self.effects.evidence_of(flip).iter();
        encoder.segment_event(
            now,
            &made,
            evidence.map(|entry| self.evidence(entry)),
            self.details(&flip.additions),
        );
    }

    fn outcome(&self, encoder: &mut Encoder, outcome: &output::SegmentOutcome, now: i64) {
        let rule = &self.rules.plan.rules[outcome.rule as usize];
        let (goal, arms) = rule
            .aim
            .as_ref()
            .map_or((None, None), |aim| (aim.goal.as_ref(), aim.arms.as_ref()));
        let made = SegmentOutcome {
            event_id: &hex(outcome.id),
            customer: self.text(outcome.customer),
            entered_as: self.text(outcome.entered_as),
            segment: rule.id.as_bytes(),
            version: outcome
                .version
                .map_or(rule.version.as_bytes(), |text| self.text(text)),
            value: outcome.value.map(|text| self.text(text)),
            episode: outcome.episode,
            kind: outcome.kind.name().as_bytes(),
            reason: outcome.reason.name().as_bytes(),
            arm: outcome.arm.map(str::as_bytes),
            experiment: arms.map(|arms| (arms.experiment.as_bytes(), arms.control.as_bytes())),
            goal: goal.map_or(&[], |goal| goal.text.as_bytes()),
            entered_at: outcome.entered_at,
            first_goal_at: outcome.first_goal_at,
            occurred_at: outcome.at,
            goals: outcome.goals,
            revenue: outcome.revenue,
        };
        encoder.segment_outcome(now, &made);
    }

    fn details(&self, additions: &output::Additions) -> impl ExactSizeIterator<Item = Detail<'e>> {
        let (effects, details) = (self.effects, self.effects.details_of(additions).iter());
        details.map(|(name, text)| (effects.of(*name), effects.of(*text)))
    }

    fn evidence(&self, entry: &output::Entry) -> Evidence<'e> {
        let leaf = &self.rules.leaves[entry.leaf as usize];
        Evidence {
            measure: entry.measure.map_or(&leaf.measure, |text| self.text(text)),
            value: entry.value.map(|text| self.text(text)),
            bound: entry.bound.map_or(&leaf.bound, |text| self.text(text)),
            holds: entry.holds,
        }
    }

    fn membership(&self, encoder: &mut Encoder, membership: &output::Membership, now: i64) {
        let customer = self.text(membership.customer);
        let Some(sequence) = membership.sequence else {
            return encoder.no_memberships(now, customer);
        };
        let stays = self.effects.stays_of(membership).iter();
        let segments = stays.map(|stay| {
            let (segment, version) = self.rule(stay.rule);
            let made = Membership {
                segment,
                version,
                entered_at: stay.entered_at,
                episode: stay.episode,
                valid_until: stay.valid_until,
                value: stay.additions.value.map(|text| self.text(text)),
                arm: stay.additions.arm.map(str::as_bytes),
            };
            (made, self.details(&stay.additions))
        });
        encoder.memberships(now, customer, sequence, segments);
    }

    fn letter(&self, encoder: &mut Encoder, letter: &output::DeadLetter, now: i64) {
        let record = &letter.run.records[letter.index];
        encoder.dead_letter(
            now,
            &Letter {
                topic: self.topic(letter.topic),
                partition: letter.run.partition,
                offset: record.offset,
                key: letter.run.text(record.key),
                value: letter.run.text(record.value),
                refusal: &letter.refusal,
            },
        );
    }
}

fn hex(id: [u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 32];
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(id) {
        *pair = [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]];
    }
    out
}
