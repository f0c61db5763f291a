//! The bytes of Kafka and Avro for Python: what a fetch brought, the schema ids, finished batches.

use super::decoded::{bytes, decoded};
use super::outcomes;
use super::states::States;
use crate::wire::batches;
use crate::wire::fetched::{self, Fetched};
use crate::wire::record::Format;
use crate::wire::schemas;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::sync::Arc;

/// An error in words.
pub(super) fn wrong(why: impl ToString) -> PyErr {
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

    /// The next run of about `most` records; a batch that is not compressed is not cut. None when all was read.
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
    fn outcomes<'p>(&self, py: Python<'p>, schema_id: u32) -> PyResult<Option<outcomes::Rows<'p>>> {
        outcomes::rows(py, &self.fetched, schema_id)
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

/// The partition, of `count`, in which every producer puts a key: Kafka's murmur2.
#[pyfunction]
pub fn partition_of(key: &[u8], count: u32) -> PyResult<u32> {
    if count == 0 {
        return Err(PyOverflowError::new_err("no partition of none"));
    }
    Ok(crate::wire::murmur::partition_of(key, count))
}
