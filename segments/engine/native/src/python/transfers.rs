//! What goes from a partition to another one when two ids are one customer.

use super::partition::Partition;
use crate::identity::{Identity, Transfer as Core, wire};
use crate::sources;
use crate::wire::fetched::Fetched;
use crate::wire::record::{Body, Format, Record, Run};
use crate::wire::refusals::{Reason, Refusal};
use crate::wire::schemas::Schemas;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::sync::Arc;

/// A transfer, to be handed to the partition of the id that it goes to.
#[pyclass(frozen)]
pub struct Transfer(pub Core);

#[pymethods]
impl Transfer {
    /// The id that it goes to.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to)
    }

    /// `state`, `record`, `link` or `erasure`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.content.name()
    }

    /// Its place in the order of the inputs, in milliseconds.
    #[getter]
    fn at(&self) -> i64 {
        self.0.at
    }

    /// As the value of its record.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &wire::encode(&self.0))
    }
}

/// Transfers that were handed over in one process, as a run from an offset on.
pub fn run_of(transfers: &Bound<'_, PyList>, start: i64) -> PyResult<Run> {
    let mut run = Run {
        start,
        end: start + transfers.len() as i64,
        ..Run::default()
    };
    for (offset, each) in (start..).zip(transfers.iter()) {
        let transfer = each.cast::<Transfer>()?.get().0.clone();
        let key = run.put(&transfer.to);
        run.records.push(Record {
            offset,
            timestamp: transfer.at,
            at: transfer.at,
            key,
            value: crate::wire::record::Span::NONE,
            body: Body::Transfer(Arc::new(transfer)),
        });
    }
    Ok(run)
}

/// Fetched records of the topic of transfers; what can't be read is refused.
pub fn fetched(fetched: Fetched, schemas: &Schemas, partition: &Partition) -> Run {
    let mut run = Run {
        start: fetched.start,
        end: fetched.end,
        data: fetched.data,
        ..Run::default()
    };
    let format = |topic: &str| -> Option<Format> {
        let place = partition.topics.iter().position(|each| each == topic);
        // A source that this rule set lacks is another deployment's: the transfer waits for it, or is passed over.
        let strange = sources::is_other(topic).then_some(Format::Profile);
        place
            .and_then(|place| partition.formats.get(place).copied())
            .or(strange)
    };
    for raw in fetched.records {
        let value = raw.value.of(&run.data).unwrap_or_default();
        let (at, body) = match raw.fault {
            Some(fault) => (raw.timestamp, Body::Refused(fault)),
            None => match wire::decode(value, schemas, &format) {
                Ok(transfer) => (transfer.at, Body::Transfer(Arc::new(transfer))),
                Err(why) => {
                    let error = format!("The transfer can't be read: {why}.");
                    let refusal = Refusal::new(Reason::Undecodable, error);
                    (raw.timestamp, Body::Refused(Box::new(refusal)))
                }
            },
        };
        run.records.push(Record {
            offset: raw.offset,
            timestamp: raw.timestamp,
            at,
            key: raw.key,
            value: raw.value,
            body,
        });
    }
    run
}

/// What is remembered of links of a customer.
pub fn plain<'py>(py: Python<'py>, identity: &Identity) -> PyResult<Bound<'py, PyDict>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let found = PyDict::new(py);
    let redirect = identity.redirect.as_ref();
    found.set_item("into", redirect.map(|each| text(&each.into)))?;
    found.set_item("link", redirect.map(|each| text(&each.link)))?;
    found.set_item("linked_at", redirect.map(|each| each.at))?;
    let merged = PyList::empty(py);
    for each in &identity.merged {
        let one = PyDict::new(py);
        one.set_item("customer_id", text(&each.id))?;
        one.set_item("link", text(&each.link))?;
        one.set_item("at", each.at)?;
        one.set_item("refused", each.refused)?;
        merged.append(one)?;
    }
    found.set_item("merged", merged)?;
    Ok(found)
}
