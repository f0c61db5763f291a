//! A partition driven by bytes: fetched batches go in, the finished batches of a transaction come out.
//!
//! One call for a fetched run and one for a transaction, each without the GIL.

use super::partition::Partition;
use super::states::States;
use super::transfers;
use super::wire::{Batch, Records, Schemas, Written, batches_of};
use crate::identity::{self, Linked};
use crate::output::{Effects, Outcome, Segment};
use crate::rules::Rules;
use crate::wire::murmur::partition_of;
use crate::wire::outputs::{Elsewhere, Encoder, Outputs};
use crate::wire::record::{Body, Event, Run};
use crate::wire::refusals::{Reason, Refusal};
use crate::wire::transaction::encode;
use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyList};
use std::sync::{Arc, Mutex, PoisonError};

/// What a run held, for counting and for latencies, once its records are the partition's.
#[pyclass(frozen)]
pub struct Accepted {
    /// By offset.
    records: Vec<Noted>,
    /// The latest Kafka timestamp of each kind of event.
    kinds: Vec<(String, i64)>,
}

struct Noted {
    offset: i64,
    timestamp: i64,
    is_event: bool,
}

/// The largest number of kinds reported for a run: rules read a few, a sender may invent any number.
const MOST_KINDS: usize = 100;

impl Accepted {
    fn of(run: &Run) -> Accepted {
        let mut kinds: HashMap<&[u8], i64> = HashMap::new();
        let mut records = Vec::with_capacity(run.records.len());
        for record in &run.records {
            let is_event = matches!(record.body, Body::Event(_));
            records.push(Noted {
                offset: record.offset,
                timestamp: record.timestamp,
                is_event,
            });
            if let Body::Event(Event { kind, .. }) = record.body
                && let Some(kind) = run.text(kind)
                && (kinds.len() < MOST_KINDS || kinds.contains_key(kind))
            {
                kinds.insert(kind, record.timestamp);
            }
        }
        let kinds = kinds
            .into_iter()
            .map(|(kind, at)| (String::from_utf8_lossy(kind).into_owned(), at));
        Accepted {
            records,
            kinds: kinds.collect(),
        }
    }

    fn place(&self, offset: i64) -> usize {
        self.records.partition_point(|record| record.offset < offset)
    }
}

#[pymethods]
impl Accepted {
    fn __len__(&self) -> usize {
        self.records.len()
    }

    /// The offset of the last record, -1 if there is none.
    #[getter]
    fn last(&self) -> i64 {
        self.records.last().map_or(-1, |record| record.offset)
    }

    /// The Kafka timestamp of the last record, in milliseconds, -1 if there is none.
    #[getter]
    fn last_timestamp(&self) -> i64 {
        self.records.last().map_or(-1, |record| record.timestamp)
    }

    /// The Kafka timestamp of the first record at or after an offset, in milliseconds.
    fn timestamp_from(&self, offset: i64) -> Option<i64> {
        self.records
            .get(self.place(offset))
            .map(|record| record.timestamp)
    }

    /// The Kafka timestamp of the record at an offset, in milliseconds.
    fn timestamp_of(&self, offset: i64) -> Option<i64> {
        let found = self.records.get(self.place(offset))?;
        (found.offset == offset).then_some(found.timestamp)
    }

    /// How many records lie in `[start, end)`.
    fn count(&self, start: i64, end: i64) -> usize {
        self.place(end).saturating_sub(self.place(start))
    }

    /// The offsets in `[start, end)`, each with whether the record is an event.
    fn between(&self, start: i64, end: i64) -> Vec<(i64, bool)> {
        let found = self
            .records
            .get(self.place(start)..self.place(end))
            .unwrap_or_default();
        found
            .iter()
            .map(|record| (record.offset, record.is_event))
            .collect()
    }

    /// The latest Kafka timestamp of each kind of event, in milliseconds.
    fn kinds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (kind, timestamp) in &self.kinds {
            found.set_item(kind, timestamp)?;
        }
        Ok(found)
    }
}

/// Decode a fetched run and take it in. The offset to fetch again if something before it is missing; what it held.
///
/// The records are the partition's then. `refused` has records for which Kafka refused a transaction: offset, the error
/// in words, and whether it is refused outright; a profile that is not takes its consents alone. Raises LookupError if
/// `begin` was not called.
#[pyfunction]
#[pyo3(signature = (partition, topic, records, schemas, refused = Vec::new()))]
pub fn offer_fetched(
    py: Python<'_>,
    partition: &Partition,
    topic: usize,
    records: &mut Records,
    schemas: &Schemas,
    refused: Vec<(i64, String, bool)>,
) -> PyResult<(Option<i64>, Accepted)> {
    let (fetched, known, format) = (
        std::mem::take(&mut records.fetched),
        schemas.now(),
        partition.formats[topic],
    );
    let (run, accepted) = py.detach(move || {
        let mut run = known.decode(fetched, format);
        for (offset, error, outright) in refused {
            refuse(&mut run, offset, Refusal::new(Reason::TooLarge, error), outright);
        }
        let accepted = Accepted::of(&run);
        (run, accepted)
    });
    Ok((partition.offer_run(py, topic, run)?, accepted))
}

/// The same of a run of the topic of transfers; `refused` has those that are refused outright.
#[pyfunction]
#[pyo3(signature = (partition, records, schemas, refused = Vec::new()))]
pub fn offer_fetched_transfers(
    py: Python<'_>,
    partition: &Partition,
    records: &mut Records,
    schemas: &Schemas,
    refused: Vec<(i64, String, bool)>,
) -> PyResult<(Option<i64>, Accepted)> {
    let (fetched, known) = (std::mem::take(&mut records.fetched), schemas.now());
    let (run, accepted) = py.detach(|| {
        let mut run = transfers::fetched(fetched, &known, partition);
        for (offset, error, _) in refused {
            refuse(&mut run, offset, Refusal::new(Reason::TooLarge, error), true);
        }
        let accepted = Accepted::of(&run);
        (run, accepted)
    });
    let topic = partition.topics.len() - 1;
    Ok((partition.offer_run(py, topic, run)?, accepted))
}

fn refuse(run: &mut Run, offset: i64, refusal: Refusal, outright: bool) {
    let Ok(place) = run.records.binary_search_by_key(&offset, |record| record.offset) else {
        return;
    };
    match &mut run.records[place].body {
        Body::Refused(_) => {}
        Body::Event(event) if !outright => event.over = Some(Box::new(refusal)),
        body => *body = Body::Refused(Box::new(refusal)),
    }
}

/// Writes the transactions of one partition.
#[pyclass(frozen)]
pub struct Outbox {
    encoder: Mutex<Encoder>,
    partition: i32,
}

#[pymethods]
impl Outbox {
    /// For a partition of a group; the numbers are the schema ids of `SegmentEvent`, `SegmentMemberships` and
    /// `SegmentOutcome`.
    #[new]
    fn new(group: &str, partition: i32, event_id: u32, memberships_id: u32, outcome_id: u32) -> Outbox {
        let encoder = Encoder::new(group, partition, (event_id, memberships_id, outcome_id));
        Outbox {
            encoder: Mutex::new(encoder),
            partition,
        }
    }

    /// Everything that a partition did since the last time, as batches; None if nothing changed. `now` is the wall
    /// clock, in milliseconds.
    fn collect(&self, py: Python<'_>, partition: &Partition, now: i64) -> PyResult<Option<Transaction>> {
        let rules = partition.rules.clone();
        let made = partition.with(py, |core| {
            core.collect().map(|effects| {
                let mut encoder = self.encoder.lock().unwrap_or_else(PoisonError::into_inner);
                encode(&mut encoder, &effects, &rules, self.partition, now);
                for each in &effects.transfers {
                    let there = partition_of(&each.to, core.count);
                    encoder.transfer(now, there, &each.to, &identity::wire::encode(each));
                }
                (encoder.collect(), effects)
            })
        })?;
        Ok(made.map(|(outputs, effects)| Transaction {
            outputs: Mutex::new(outputs),
            effects,
            rules,
        }))
    }
}

/// Batches by the number of their partition.
type Numbered = Vec<(u32, Vec<Batch>)>;

fn numbered(made: Elsewhere) -> Numbered {
    made.into_iter()
        .map(|(number, batches)| (number, batches_of(batches)))
        .collect()
}

/// What one transaction holds.
#[pyclass(frozen)]
pub struct Transaction {
    outputs: Mutex<Outputs>,
    effects: Effects,
    rules: Arc<Rules>,
}

impl Transaction {
    fn topic(&self, topic: usize) -> &str {
        self.effects.topic(topic)
    }

    fn segment(&self, segment: Segment) -> String {
        self.effects.id_of(segment, &self.rules)
    }
}

#[pymethods]
impl Transaction {
    /// The batches of segment events, memberships, segment outcomes, dead letters and the changelog; each can be had
    /// once.
    fn batches(&self) -> Written {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = Outputs {
            letters_elsewhere: std::mem::take(&mut outputs.letters_elsewhere),
            transfers: std::mem::take(&mut outputs.transfers),
            ..Outputs::default()
        };
        let made = std::mem::replace(&mut *outputs, taken);
        (
            batches_of(made.segment_events),
            batches_of(made.memberships),
            batches_of(made.segment_outcomes),
            batches_of(made.dead_letters),
            batches_of(made.changelog),
        )
    }

    /// The batches for other partitions than this one, each with its number: dead letters of records that were read
    /// there, and transfers. Each can be had once.
    fn elsewhere(&self) -> (Numbered, Numbered) {
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        (
            numbered(std::mem::take(&mut outputs.letters_elsewhere)),
            numbered(std::mem::take(&mut outputs.transfers)),
        )
    }

    /// Links by what became of them.
    #[getter]
    fn links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = Linked::ALL.iter().zip(self.effects.links);
        let counts = counts.filter(|each| each.1 > 0);
        counts
            .map(|(linked, count)| (linked.name(), count))
            .collect::<Vec<_>>()
            .into_py_dict(py)
    }

    /// Transfers that were sent, by kind.
    #[getter]
    fn transfers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for each in &self.effects.transfers {
            *counts.entry(each.content.name()).or_default() += 1;
        }
        counts.into_py_dict(py)
    }

    /// The next offset to be read, by topic.
    #[getter]
    fn offsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (topic, offset) in self.effects.offsets.iter().enumerate() {
            if let Some(offset) = offset {
                found.set_item(self.topic(topic), offset)?;
            }
        }
        Ok(found)
    }

    /// Records by topic and outcome.
    #[getter]
    fn outcomes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (topic, counts) in self.effects.outcomes.iter().enumerate() {
            for (outcome, count) in Outcome::ALL.iter().zip(counts).filter(|each| *each.1 > 0) {
                found.set_item((self.topic(topic), outcome.name()), count)?;
            }
        }
        Ok(found)
    }

    /// Dead letters by reason.
    #[getter]
    fn reasons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for letter in &self.effects.dead_letters {
            *counts.entry(letter.refusal.reason.name()).or_default() += 1;
        }
        counts.into_py_dict(py)
    }

    /// Flips by segment, whether it was entered, and reason.
    #[getter]
    fn flips<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<(String, &str, &str), u64> = HashMap::new();
        for flip in &self.effects.flips {
            let transition = if flip.enters { "enter" } else { "exit" };
            *counts
                .entry((self.segment(flip.segment), transition, flip.reason.name()))
                .or_default() += 1;
        }
        counts.into_py_dict(py)
    }

    /// Segment outcomes by segment, arm (empty without a control group) and kind.
    #[getter]
    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<(&str, &str, &str), u64> = HashMap::new();
        for outcome in &self.effects.segment_outcomes {
            let id = &*self.rules.plan.rules[outcome.rule as usize].id;
            let told = (id, outcome.arm.unwrap_or_default(), outcome.kind.name());
            *counts.entry(told).or_default() += 1;
        }
        counts.into_py_dict(py)
    }

    /// Enters by segment and arm, of segments with a control group.
    #[getter]
    fn arms<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<(String, &str), u64> = HashMap::new();
        for flip in self.effects.flips.iter().filter(|flip| flip.enters) {
            if let Some(arm) = flip.additions.arm {
                *counts.entry((self.segment(flip.segment), arm)).or_default() += 1;
            }
        }
        counts.into_py_dict(py)
    }

    /// Open watches that were dropped, by segment and reason.
    #[getter]
    fn dropped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let mut counts: HashMap<(String, &str), u64> = HashMap::new();
        for (id, why) in &self.effects.dropped {
            let id = String::from_utf8_lossy(self.effects.of(*id)).into_owned();
            *counts.entry((id, why.name())).or_default() += 1;
        }
        counts.into_py_dict(py)
    }

    /// Of each flip that a record caused: its place among the flips, topic and offset of the record.
    #[getter]
    fn causes(&self) -> Vec<(usize, &str, i64)> {
        let flips = self.effects.flips.iter().enumerate();
        let causes = flips.filter_map(|(place, flip)| Some((place, flip.cause?)));
        causes
            .map(|(place, cause)| (place, self.topic(cause.topic), cause.offset))
            .collect()
    }

    /// Of records that were accepted and did not do what their sender may have meant: kind, topic, offset, key.
    #[getter]
    fn notices<'py>(&self, py: Python<'py>) -> Vec<(&'static str, &str, i64, Bound<'py, PyBytes>)> {
        let noticed = self.effects.notices.iter();
        let view = noticed.map(|each| {
            let key = PyBytes::new(py, self.effects.of(each.customer));
            (each.notice.name(), self.topic(each.topic), each.offset, key)
        });
        view.collect()
    }

    /// For each timer, the milliseconds from its instant to the clock at which it fired.
    #[getter]
    fn lateness(&self) -> Vec<i64> {
        self.effects.lateness.clone()
    }

    /// Runs that did not begin where the one before ended.
    #[getter]
    fn gaps(&self) -> u64 {
        self.effects.gaps
    }

    /// Enters that found the customer at the most values of a segment, by evaluation.
    #[getter]
    fn waiting(&self) -> u64 {
        self.effects.waiting
    }

    /// Bugs while timers fired.
    #[getter]
    fn engine_errors(&self) -> u64 {
        self.effects.engine_errors
    }

    /// The clock of the partition, in milliseconds.
    #[getter]
    fn clock(&self) -> i64 {
        self.effects.clock
    }

    /// Put the changed states into a store in memory, without making Python objects of them.
    fn apply_to(&self, states: &States) {
        let changed = self.effects.states.iter();
        states.put_all(changed.map(|state| (&*state.key, state.value.as_deref())));
    }

    /// The changed states: key and state; None deletes.
    #[getter]
    fn states<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        let changed = self.effects.states.iter();
        let view = changed.map(|state| (bytes(&state.key), state.value.as_deref().map(bytes)));
        PyList::new(py, view.collect::<Vec<_>>())
    }
}
