//! Records that Python made, written as finished batches: the tests compare them with what Python's codec writes.

use super::wire::{Written, batches_of, wrong};
use crate::wire::outputs::{self, Letter, Membership};
use crate::wire::refusals::{Reason, Refusal};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Writes finished batches from records in engine form: for the tests, which compare them with Python's.
#[pyclass]
pub struct Encoder {
    encoder: outputs::Encoder,
}

#[pymethods]
impl Encoder {
    #[new]
    fn new(group: &str, partition: i32, event_id: u32, memberships_id: u32, outcome_id: u32) -> Encoder {
        Encoder {
            encoder: outputs::Encoder::new(group, partition, (event_id, memberships_id, outcome_id)),
        }
    }

    /// Add a `SegmentEvent`.
    fn segment_event(&mut self, event: &Bound<PyDict>) -> PyResult<()> {
        let held = OwnedFlip::new(event)?;
        let evidence = held.evidence.iter().map(|each| outputs::Evidence {
            measure: each.0.as_bytes(),
            value: each.1.as_deref().map(str::as_bytes),
            bound: each.2.as_bytes(),
            holds: each.3,
        });
        self.encoder
            .segment_event(held.emitted_at, &held.flip(), evidence, held.additions.details());
        Ok(())
    }

    /// Add a `SegmentMemberships`, or a null value for a customer.
    fn memberships(&mut self, now: i64, customer: &str, record: Option<&Bound<PyDict>>) -> PyResult<()> {
        let Some(record) = record else {
            self.encoder.no_memberships(now, customer.as_bytes());
            return Ok(());
        };
        let segments: Vec<Bound<PyDict>> = item(record, "segments")?;
        let held = segments
            .iter()
            .map(OwnedMembership::new)
            .collect::<PyResult<Vec<_>>>()?;
        let sequence = item(record, "sequence")?;
        self.encoder.memberships(
            now,
            customer.as_bytes(),
            sequence,
            held.iter()
                .map(|each| (each.membership(), each.additions.details())),
        );
        Ok(())
    }

    /// Add a dead letter.
    #[pyo3(signature = (now, topic, offset, key, value, reason, error))]
    #[expect(clippy::too_many_arguments, reason = "a door: one for each part of a letter")]
    fn dead_letter(
        &mut self,
        now: i64,
        topic: &str,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        reason: &str,
        error: &str,
    ) -> PyResult<()> {
        let reason = Reason::of(reason).ok_or_else(|| wrong(format!("{reason} is no reason")))?;
        let refusal = Refusal::new(reason, error);
        self.encoder.dead_letter(
            now,
            &Letter {
                topic,
                partition: None,
                offset,
                key,
                value,
                refusal: &refusal,
            },
        );
        Ok(())
    }

    /// Add a changed state.
    fn state(&mut self, now: i64, key: &[u8], state: Option<&[u8]>) {
        self.encoder.state(now, key, state);
    }

    /// Add a `SegmentOutcome`.
    fn segment_outcome(&mut self, record: &Bound<PyDict>) -> PyResult<()> {
        let held = OwnedOutcome::new(record)?;
        self.encoder.segment_outcome(held.emitted_at, &held.outcome());
        Ok(())
    }

    /// The batches of segment events, memberships, segment outcomes, dead letters and the changelog.
    fn collect(&mut self) -> Written {
        let made = self.encoder.collect();
        (
            batches_of(made.segment_events),
            batches_of(made.memberships),
            batches_of(made.segment_outcomes),
            batches_of(made.dead_letters),
            batches_of(made.changelog),
        )
    }
}

/// An item of a dict that must be there.
fn item<'p, T: for<'a> FromPyObject<'a, 'p, Error: Into<PyErr>>>(
    record: &Bound<'p, PyDict>,
    name: &str,
) -> PyResult<T> {
    let found = record
        .get_item(name)?
        .ok_or_else(|| wrong(format!("{name} is missing")))?;
    found.extract().map_err(Into::into)
}

struct OwnedFlip {
    texts: [String; 6],
    numbers: [i64; 3],
    emitted_at: i64,
    cause: Option<(String, i32, i64, Option<String>)>,
    evidence: Vec<(String, Option<String>, String, bool)>,
    valid_until: Option<i64>,
    additions: OwnedAdditions,
}

/// Value, details and arm of a flip or a membership.
struct OwnedAdditions {
    value: Option<String>,
    details: Vec<(String, String)>,
    arm: Option<String>,
}

impl OwnedAdditions {
    fn new(record: &Bound<PyDict>) -> PyResult<OwnedAdditions> {
        let details: Bound<PyDict> = item(record, "details")?;
        let details = details.iter().map(|(name, text)| -> PyResult<_> {
            Ok((name.extract::<String>()?, text.extract::<String>()?))
        });
        Ok(OwnedAdditions {
            value: item(record, "value")?,
            details: details.collect::<PyResult<_>>()?,
            arm: item(record, "arm")?,
        })
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref().map(str::as_bytes)
    }

    fn arm(&self) -> Option<&[u8]> {
        self.arm.as_deref().map(str::as_bytes)
    }

    fn details(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.details
            .iter()
            .map(|(name, text)| (name.as_bytes(), text.as_bytes()))
    }
}

impl OwnedFlip {
    fn new(event: &Bound<PyDict>) -> PyResult<OwnedFlip> {
        let text = |name| item(event, name);
        let cause: Option<Bound<PyDict>> = item(event, "cause")?;
        let cause = cause.map(|cause| -> PyResult<_> {
            let (topic, partition) = (item(&cause, "topic")?, item(&cause, "partition")?);
            Ok((
                topic,
                partition,
                item(&cause, "offset")?,
                item(&cause, "event_id")?,
            ))
        });
        let evidence: Vec<Bound<PyDict>> = item(event, "evidence")?;
        let evidence = evidence.iter().map(|each| {
            let (measure, value) = (item(each, "measure")?, item(each, "value")?);
            Ok((measure, value, item(each, "bound")?, item(each, "holds")?))
        });
        Ok(OwnedFlip {
            texts: [
                text("event_id")?,
                text("customer_id")?,
                text("segment")?,
                text("segment_version")?,
                text("transition")?,
                text("reason")?,
            ],
            numbers: [
                item(event, "occurred_at")?,
                item(event, "sequence")?,
                item(event, "episode")?,
            ],
            emitted_at: item(event, "emitted_at")?,
            cause: cause.transpose()?,
            evidence: evidence.collect::<PyResult<_>>()?,
            valid_until: item(event, "valid_until")?,
            additions: OwnedAdditions::new(event)?,
        })
    }

    fn flip(&self) -> outputs::Flip<'_> {
        let [event_id, customer, segment, version, transition, reason] =
            self.texts.each_ref().map(|text| text.as_bytes());
        let [occurred_at, sequence, episode] = self.numbers;
        let cause = self
            .cause
            .as_ref()
            .map(|(topic, partition, offset, event_id)| outputs::Cause {
                topic: topic.as_bytes(),
                partition: *partition,
                offset: *offset,
                event_id: event_id.as_deref().map(str::as_bytes),
            });
        outputs::Flip {
            event_id,
            customer,
            segment,
            version,
            transition,
            occurred_at,
            sequence,
            episode,
            reason,
            cause,
            valid_until: self.valid_until,
            value: self.additions.value(),
            arm: self.additions.arm(),
        }
    }
}

struct OwnedMembership {
    segment: String,
    version: String,
    entered_at: i64,
    episode: i64,
    valid_until: Option<i64>,
    additions: OwnedAdditions,
}

impl OwnedMembership {
    fn new(record: &Bound<PyDict>) -> PyResult<OwnedMembership> {
        Ok(OwnedMembership {
            segment: item(record, "segment")?,
            version: item(record, "segment_version")?,
            entered_at: item(record, "entered_at")?,
            episode: item(record, "episode")?,
            valid_until: item(record, "valid_until")?,
            additions: OwnedAdditions::new(record)?,
        })
    }

    fn membership(&self) -> Membership<'_> {
        Membership {
            segment: self.segment.as_bytes(),
            version: self.version.as_bytes(),
            entered_at: self.entered_at,
            episode: self.episode,
            valid_until: self.valid_until,
            value: self.additions.value(),
            arm: self.additions.arm(),
        }
    }
}

struct OwnedOutcome {
    texts: [String; 8],
    value: Option<String>,
    arm: Option<String>,
    experiment: Option<(String, String)>,
    numbers: [i64; 3],
    emitted_at: i64,
    first_goal_at: Option<i64>,
    goals: u64,
    revenue: Option<i128>,
}

impl OwnedOutcome {
    fn new(record: &Bound<PyDict>) -> PyResult<OwnedOutcome> {
        let text = |name| item::<String>(record, name);
        let experiment: Option<String> = item(record, "experiment")?;
        Ok(OwnedOutcome {
            texts: [
                text("event_id")?,
                text("customer_id")?,
                text("entered_as")?,
                text("segment")?,
                text("segment_version")?,
                text("kind")?,
                text("reason")?,
                text("goal")?,
            ],
            value: item(record, "value")?,
            arm: item(record, "arm")?,
            experiment: experiment
                .map(|name| Ok::<_, PyErr>((name, text("control")?)))
                .transpose()?,
            numbers: [
                item(record, "episode")?,
                item(record, "entered_at")?,
                item(record, "occurred_at")?,
            ],
            emitted_at: item(record, "emitted_at")?,
            first_goal_at: item(record, "first_goal_at")?,
            goals: item(record, "goals")?,
            revenue: item(record, "revenue")?,
        })
    }

    fn outcome(&self) -> outputs::SegmentOutcome<'_> {
        let [
            event_id,
            customer,
            entered_as,
            segment,
            version,
            kind,
            reason,
            goal,
        ] = self.texts.each_ref().map(|text| text.as_bytes());
        let [episode, entered_at, occurred_at] = self.numbers;
        let experiment = self.experiment.as_ref();
        outputs::SegmentOutcome {
            event_id,
            customer,
            entered_as,
            segment,
            version,
            value: self.value.as_deref().map(str::as_bytes),
            episode,
            kind,
            reason,
            arm: self.arm.as_deref().map(str::as_bytes),
            experiment: experiment.map(|(name, control)| (name.as_bytes(), control.as_bytes())),
            goal,
            entered_at,
            first_goal_at: self.first_goal_at,
            occurred_at,
            goals: self.goals,
            revenue: self.revenue,
        }
    }
}
