//! The bytes of Kafka and Avro for Python: what a fetch brought, the schema ids, finished batches.

use super::states::States;
use super::told;
use crate::wire::batches;
use crate::wire::fetched::{self, Fetched};
use crate::wire::outputs::{self, Letter, Membership};
use crate::wire::record::{Body, Event, Format, Record, Run, Span, TEXTS, Value};
use crate::wire::refusals::{Reason, Refusal};
use crate::wire::schemas;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use std::sync::Arc;

/// An error in words.
fn wrong(why: impl ToString) -> PyErr {
    PyValueError::new_err(why.to_string())
}

pub(super) fn format(name: &str) -> PyResult<Format> {
    Format::of(name).ok_or_else(|| wrong(format!("{name} is no record of an input topic")))
}

/// The schema ids that can be read. It may be changed while others decode by what it was.
#[pyclass(frozen)]
#[derive(Default)]
pub struct Schemas {
    known: std::sync::Mutex<Arc<schemas::Schemas>>,
}

impl Schemas {
    /// What is known now.
    pub fn now(&self) -> Arc<schemas::Schemas> {
        self.known
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut schemas::Schemas) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(Arc::make_mut(&mut known))
    }
}

#[pymethods]
impl Schemas {
    #[new]
    fn new() -> Schemas {
        Schemas::default()
    }

    /// Forget all ids.
    fn clear(&self) {
        self.change(|known| *known = schemas::Schemas::default());
    }

    /// From now on, read records of this name that were written by this schema under this id.
    ///
    /// Raises ValueError, in words, if Avro's schema resolution can't make our record of it.
    fn accept(&self, name: &str, schema_id: u32, json: &str) -> PyResult<()> {
        let format = format(name)?;
        self.change(|known| known.accept(format, schema_id, json))
            .map_err(wrong)
    }

    /// From now on, tell why records with this id can't be read.
    fn refuse(&self, name: &str, schema_id: u32, why: &str) -> PyResult<()> {
        let format = format(name)?;
        self.change(|known| known.refuse(format, schema_id, why));
        Ok(())
    }

    /// Note that an id is that of a record of ours.
    fn release(&self, name: &str, schema_id: u32) {
        self.change(|known| known.release(name, schema_id));
    }

    /// The decoded records of a run, as tuples of offset, Kafka timestamp, key, value, and the event: a dict, None for
    /// an erasure, or a tuple of reason and error. For tests and for who looks at records without an engine.
    fn decode<'p>(&self, py: Python<'p>, name: &str, records: &Records) -> PyResult<Bound<'p, PyList>> {
        let format = format(name)?;
        let (known, fetched) = (self.now(), records.fetched.clone());
        let run = py.detach(move || known.decode(fetched, format));
        let found = run.records.iter().map(|record| decoded(py, &run, record, format));
        PyList::new(py, found.collect::<PyResult<Vec<_>>>()?)
    }
}

/// The record batches of one fetch of one partition, as the broker sent them.
#[pyclass]
pub struct Fetch {
    fetch: fetched::Fetch,
}

#[pymethods]
impl Fetch {
    /// Records before `position` were read already; `aborted` has producer and first offset of the transactions that
    /// were aborted, empty for who reads uncommitted records.
    #[new]
    #[pyo3(signature = (raw, position, aborted = Vec::new()))]
    fn new(raw: &[u8], position: i64, aborted: Vec<(i64, i64)>) -> Fetch {
        Fetch {
            fetch: fetched::Fetch::new(raw, position, aborted),
        }
    }

    /// The offset of the next record.
    #[getter]
    fn position(&self) -> i64 {
        self.fetch.position()
    }

    /// Whether all that is there as a whole was read.
    #[getter]
    fn done(&self) -> bool {
        self.fetch.is_done()
    }

    /// About so many records more, in whole batches where they are not compressed; None when all was read.
    ///
    /// Raises ValueError for a checksum that is wrong or a format of Kafka before 0.11.
    fn next_run(&mut self, py: Python, most: usize) -> PyResult<Option<Records>> {
        let fetch = &mut self.fetch;
        let run = py.detach(|| fetch.next_run(most)).map_err(wrong)?;
        Ok(run.map(|fetched| Records { fetched }))
    }
}

/// Fetched records that cover the offsets `[start, end)`, not decoded yet.
#[pyclass]
pub struct Records {
    pub fetched: Fetched,
}

#[pymethods]
impl Records {
    #[getter]
    fn start(&self) -> i64 {
        self.fetched.start
    }

    #[getter]
    fn end(&self) -> i64 {
        self.fetched.end
    }

    fn __len__(&self) -> usize {
        self.fetched.records.len()
    }

    /// The Kafka timestamp of the first record, in milliseconds.
    #[getter]
    fn first_timestamp(&self) -> Option<i64> {
        self.fetched.records.first().map(|record| record.timestamp)
    }

    /// Bytes that are held.
    #[getter]
    fn size(&self) -> usize {
        self.fetched.data.len()
    }

    /// The schema ids before the values, each with the place of the first record that has it.
    fn ids(&self, py: Python) -> Vec<(usize, u32)> {
        py.detach(|| schemas::ids_of(&self.fetched))
    }

    /// Of transfers: topic and schema id of each record that one of them passes on, with the place of the first such.
    fn passed_on(&self, py: Python) -> Vec<(usize, String, u32)> {
        py.detach(|| {
            let mut found: Vec<(usize, String, u32)> = Vec::new();
            for (place, raw) in self.fetched.records.iter().enumerate() {
                let value = raw.value.of(&self.fetched.data).unwrap_or_default();
                if let Some((topic, number)) = crate::identity::wire::passed_on(value)
                    && !found.iter().any(|each| (&each.1, each.2) == (&topic, number))
                {
                    found.push((place, topic, number));
                }
            }
            found
        })
    }

    /// Cut off what comes before the record at a place: that stays here, the rest is returned.
    fn split_off(&mut self, place: usize) -> Records {
        Records {
            fetched: self.fetched.split_off(place),
        }
    }

    /// Offset, Kafka timestamp, key and value of each record; a record that can't be read has neither.
    fn raw<'p>(&self, py: Python<'p>) -> PyResult<Bound<'p, PyList>> {
        let data = &self.fetched.data;
        let found = self.fetched.records.iter().map(|record| {
            let (key, value) = (bytes(py, record.key.of(data)), bytes(py, record.value.of(data)));
            (record.offset, record.timestamp, key, value)
        });
        PyList::new(py, found.collect::<Vec<_>>())
    }

    /// Put the records into a store in memory, as states of their keys, without making Python objects of them.
    fn apply_to(&self, py: Python, states: &States) {
        let data = &self.fetched.data;
        let keyed = self.fetched.records.iter().filter_map(|record| {
            let key = record.key.of(data)?;
            Some((key, record.value.of(data)))
        });
        py.detach(|| states.put_all(keyed));
    }

    /// What the outcomes of a run tell: customers, and of each the fields of a report's `Outcome`. None: one of them is
    /// not as our schema writes it under this id. A record whose key is not its customer's is left out.
    fn outcomes<'p>(&self, py: Python<'p>, schema_id: u32) -> PyResult<Option<told::Rows<'p>>> {
        told::rows(py, &self.fetched, schema_id)
    }
}

/// A finished record batch, with the interface of aiokafka's BatchBuilder as `send_batch` uses it.
#[pyclass]
pub struct Batch {
    pub batch: batches::Batch,
}

#[pymethods]
impl Batch {
    #[pyo3(name = "_set_producer_state")]
    fn set_producer_state(&mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) {
        self.batch
            .set_producer(producer_id, producer_epoch, base_sequence);
    }

    #[pyo3(name = "_build")]
    fn build<'p>(&self, py: Python<'p>) -> Bound<'p, PyBytes> {
        PyBytes::new(py, self.batch.bytes())
    }

    /// Bytes.
    fn size(&self) -> usize {
        self.batch.bytes().len()
    }

    fn record_count(&self) -> u32 {
        self.batch.count()
    }

    /// It is closed already.
    fn close(&self) {}

    fn closed(&self) -> bool {
        true
    }

    /// It takes no record: None says so.
    #[pyo3(signature = (**_record))]
    fn append(&self, _record: Option<&Bound<PyDict>>) -> Option<i64> {
        None
    }
}

/// The batches of a transaction: segment events, memberships, segment outcomes, dead letters, changelog.
pub type Written = (Vec<Batch>, Vec<Batch>, Vec<Batch>, Vec<Batch>, Vec<Batch>);

/// Batches to hand over.
pub fn batches_of(batches: Vec<batches::Batch>) -> Vec<Batch> {
    batches.into_iter().map(|batch| Batch { batch }).collect()
}

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
        let held = HeldFlip::new(event)?;
        let evidence = held.evidence.iter().map(|each| outputs::Evidence {
            measure: each.0.as_bytes(),
            value: each.1.as_deref().map(str::as_bytes),
            bound: each.2.as_bytes(),
            holds: each.3,
        });
        self.encoder
            .segment_event(held.emitted_at, &held.flip(), evidence, held.told.details());
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
            .map(HeldMembership::new)
            .collect::<PyResult<Vec<_>>>()?;
        let sequence = item(record, "sequence")?;
        self.encoder.memberships(
            now,
            customer.as_bytes(),
            sequence,
            held.iter().map(|each| (each.membership(), each.told.details())),
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
        let held = HeldOutcome::new(record)?;
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

struct HeldFlip {
    texts: [String; 6],
    numbers: [i64; 3],
    emitted_at: i64,
    cause: Option<(String, i32, i64, Option<String>)>,
    evidence: Vec<(String, Option<String>, String, bool)>,
    valid_until: Option<i64>,
    told: HeldTold,
}

/// Value, details and arm of a flip or a membership.
struct HeldTold {
    value: Option<String>,
    details: Vec<(String, String)>,
    arm: Option<String>,
}

impl HeldTold {
    fn new(record: &Bound<PyDict>) -> PyResult<HeldTold> {
        let details: Bound<PyDict> = item(record, "details")?;
        let details = details.iter().map(|(name, text)| -> PyResult<_> {
            Ok((name.extract::<String>()?, text.extract::<String>()?))
        });
        Ok(HeldTold {
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

impl HeldFlip {
    fn new(event: &Bound<PyDict>) -> PyResult<HeldFlip> {
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
        Ok(HeldFlip {
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
            told: HeldTold::new(event)?,
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
            value: self.told.value(),
            arm: self.told.arm(),
        }
    }
}

struct HeldMembership {
    segment: String,
    version: String,
    entered_at: i64,
    episode: i64,
    valid_until: Option<i64>,
    told: HeldTold,
}

impl HeldMembership {
    fn new(record: &Bound<PyDict>) -> PyResult<HeldMembership> {
        Ok(HeldMembership {
            segment: item(record, "segment")?,
            version: item(record, "segment_version")?,
            entered_at: item(record, "entered_at")?,
            episode: item(record, "episode")?,
            valid_until: item(record, "valid_until")?,
            told: HeldTold::new(record)?,
        })
    }

    fn membership(&self) -> Membership<'_> {
        Membership {
            segment: self.segment.as_bytes(),
            version: self.version.as_bytes(),
            entered_at: self.entered_at,
            episode: self.episode,
            valid_until: self.valid_until,
            value: self.told.value(),
            arm: self.told.arm(),
        }
    }
}

struct HeldOutcome {
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

impl HeldOutcome {
    fn new(record: &Bound<PyDict>) -> PyResult<HeldOutcome> {
        let text = |name| item::<String>(record, name);
        let experiment: Option<String> = item(record, "experiment")?;
        Ok(HeldOutcome {
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

fn bytes<'p>(py: Python<'p>, found: Option<&[u8]>) -> Option<Bound<'p, PyBytes>> {
    found.map(|found| PyBytes::new(py, found))
}

fn decoded<'p>(py: Python<'p>, run: &Run, record: &Record, format: Format) -> PyResult<Bound<'p, PyTuple>> {
    let event = match &record.body {
        Body::Erasure | Body::Transfer(_) => py.None().into_bound(py),
        Body::Refused(refusal) => (refusal.reason.name(), &refusal.error)
            .into_pyobject(py)?
            .into_any(),
        Body::Event(event) => event_of(py, run, record, event, format)?.into_any(),
    };
    let (key, value) = (bytes(py, run.text(record.key)), bytes(py, run.text(record.value)));
    (record.offset, record.timestamp, key, value, event).into_pyobject(py)
}

/// An event with the field names of its schema, times in milliseconds, money in cents.
fn event_of<'p>(
    py: Python<'p>,
    run: &Run,
    record: &Record,
    event: &Event,
    format: Format,
) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    let set = |name: &str, span: Span| made.set_item(name, text(py, run, span)?);
    set("event_id", event.id)?;
    set("customer_id", event.customer)?;
    made.set_item("occurred_at", record.at)?;
    if !matches!(format, Format::Profile | Format::Link) {
        set("kind", event.kind)?;
    }
    for (field, span) in TEXTS.iter().zip(event.texts).filter(|each| each.0.is_of(format)) {
        set(field.name, span)?;
    }
    match format {
        Format::Transaction => {
            made.set_item("amount", event.amount)?;
            made.set_item("items", items(py, run, event)?)?;
            made.set_item("attributes", map(py, run, event.attributes)?)?;
        }
        Format::Link => {
            set("into", event.into)?;
            set("action", event.kind)?;
            set("source", event.source)?;
        }
        Format::Profile => {
            made.set_item("attributes", map(py, run, event.attributes)?)?;
            made.set_item("consents", map(py, run, event.consents)?)?;
            made.set_item("lists", lists(py, run, event.lists)?)?;
        }
        // Events of texts and attributes.
        _ => made.set_item("attributes", map(py, run, event.attributes)?)?,
    }
    Ok(made)
}

fn text<'p>(py: Python<'p>, run: &Run, span: Span) -> PyResult<Option<Bound<'p, PyString>>> {
    run.text(span)
        .map(|bytes| PyString::from_bytes(py, bytes))
        .transpose()
}

fn items<'p>(py: Python<'p>, run: &Run, event: &Event) -> PyResult<Vec<Bound<'p, PyDict>>> {
    let item = |item: &crate::wire::record::Item| {
        let made = PyDict::new(py);
        made.set_item("product_id", text(py, run, item.product)?)?;
        made.set_item("category", text(py, run, item.category)?)?;
        made.set_item("quantity", item.quantity)?;
        made.set_item("price", item.price)?;
        Ok(made)
    };
    run.items(event).iter().map(item).collect()
}

fn lists<'p>(py: Python<'p>, run: &Run, places: crate::wire::record::Places) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    let mut list = PyList::empty(py);
    for pair in run.pairs(places) {
        if let Value::Text(value) = pair.value {
            list.append(text(py, run, value)?)?;
        } else {
            list = PyList::empty(py);
            made.set_item(text(py, run, pair.name)?, &list)?;
        }
    }
    Ok(made)
}

fn map<'p>(py: Python<'p>, run: &Run, places: crate::wire::record::Places) -> PyResult<Bound<'p, PyDict>> {
    let made = PyDict::new(py);
    for pair in run.pairs(places) {
        let name = text(py, run, pair.name)?;
        match pair.value {
            Value::Text(value) => made.set_item(name, text(py, run, value)?)?,
            Value::Number(value) => made.set_item(name, value)?,
            Value::Flag(value) => made.set_item(name, value)?,
        }
    }
    Ok(made)
}

/// The partition, of so many, in which every producer puts a key: Kafka's murmur2.
#[pyfunction]
pub fn partition_of(key: &[u8], count: u32) -> PyResult<u32> {
    if count == 0 {
        return Err(PyOverflowError::new_err("no partition of none"));
    }
    Ok(crate::wire::murmur::partition_of(key, count))
}
