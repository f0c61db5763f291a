//! New measures of a partition filled from its past, as `segments.engine.Refill` drives it.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::partition::Rules;
use super::states::{Failure, Stored, raised};
use crate::codec::StateError;
use crate::position::Position;
use crate::{refill, sizes};

fn wrong(error: StateError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The measures of some rules, and of the rules that these read, in one partition.
#[pyclass]
pub struct Refill(refill::Refill);

#[pymethods]
impl Refill {
    /// Of the rules with these ids, over committed states; raises ValueError as `Partition` does.
    #[new]
    fn new(
        py: Python<'_>,
        rules: &Rules,
        wanted: Vec<String>,
        count: u32,
        states: Py<PyAny>,
    ) -> PyResult<Refill> {
        let failure = Failure::default();
        let stored = Box::new(Stored::new(py, states, failure.clone()));
        let found = refill::Refill::new(rules.0.clone(), stored, &wanted, count);
        raised(&failure)?;
        Ok(Refill(found.map_err(wrong)?))
    }

    #[getter]
    fn missing(&self) -> BTreeMap<String, i64> {
        self.0.missing.clone()
    }

    #[getter]
    fn clock(&self) -> i64 {
        self.0.clock()
    }

    #[getter]
    fn offsets(&self) -> BTreeMap<String, i64> {
        self.0.offsets().clone()
    }

    #[getter]
    fn since(&self) -> i64 {
        self.0.since()
    }

    /// By the numbers of topics: from when on all that occurred is in the history.
    fn known(&self, complete: Vec<i64>) -> BTreeMap<String, i64> {
        self.0.known(&complete)
    }
}

/// Writes the states of a partition anew.
#[pyclass]
pub struct Fill {
    fill: refill::Fill,
    failures: [Failure; 2],
}

#[pymethods]
impl Fill {
    /// What a refill does once the past is known: the states of a partition that lived through it.
    #[new]
    fn new(
        py: Python<'_>,
        rules: &Rules,
        wanted: Vec<String>,
        count: u32,
        states: Py<PyAny>,
        past: Py<PyAny>,
        complete: Vec<i64>,
    ) -> PyResult<Fill> {
        let failures = [Failure::default(), Failure::default()];
        let stored = Box::new(Stored::new(py, states, failures[0].clone()));
        let past = Box::new(Stored::new(py, past, failures[1].clone()));
        let of = refill::Refill::new(rules.0.clone(), stored, &wanted, count).map_err(wrong)?;
        let fill = of.fill(past, &complete);
        failures.iter().try_for_each(raised)?;
        Ok(Fill { fill, failures })
    }

    /// The next states to be committed as a whole, of so many customers; None: that was all.
    fn next<'py>(&mut self, py: Python<'py>, most: usize) -> PyResult<Option<Bound<'py, PyList>>> {
        let found = self.fill.next(most).map_err(wrong)?;
        self.failures.iter().try_for_each(raised)?;
        let Some(changes) = found else { return Ok(None) };
        let plain = |(key, value): &refill::Change| {
            (
                PyBytes::new(py, key),
                value.as_ref().map(|value| PyBytes::new(py, value)),
            )
        };
        PyList::new(py, changes.iter().map(plain).collect::<Vec<_>>()).map(Some)
    }
}

/// Bytes that an entry of a stream adds to the state of a customer, rounded up.
#[pyfunction]
pub fn entry_size(rules: &Rules, stream: usize) -> usize {
    sizes::entry_size(&rules.0, stream)
}

type Told = (BTreeMap<String, i64>, i64, u32, Option<(String, i64, i64)>);

/// What the record of a partition beside its customers says: offsets by topic, clock, number of partitions,
/// and id, offset and instant of the deployment that it runs.
#[pyfunction]
pub fn position(data: &[u8]) -> PyResult<Told> {
    let told = Position::told(data).map_err(wrong)?;
    let deployment = told.deployment.map(|each| (each.id, each.offset, each.at));
    Ok((told.offsets, told.clock, told.count, deployment))
}
