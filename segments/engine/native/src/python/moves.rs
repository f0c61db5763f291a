//! Who would flip by another rule set, counted over the states of a partition, as `segments.engine.Moves` has it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::partition::Rules;
use super::states::{Failure, Stored, raised};
use crate::codec::StateError;
use crate::moves::Moves as Core;

/// A count under way: nothing is written, and the partition that runs goes on.
#[pyclass(frozen)]
pub struct Moves {
    core: Mutex<Core>,
    failure: Failure,
}

impl Moves {
    fn with<T: Send>(&self, py: Python<'_>, act: impl FnOnce(&mut Core) -> T + Send) -> PyResult<T> {
        let found = py.detach(|| act(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner)));
        raised(&self.failure)?;
        Ok(found)
    }
}

fn wrong(error: StateError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

#[pymethods]
impl Moves {
    /// Of one of `count` partitions; `uncounted`: segments whose flips make nobody a customer who moves.
    ///
    /// Raises ValueError, here and in `advance`, if the states can't be read: they are of another number of partitions, or
    /// another rule set has taken over since the count began.
    #[new]
    fn new(
        py: Python<'_>,
        rules: &Rules,
        count: u32,
        states: Py<PyAny>,
        uncounted: HashSet<String>,
    ) -> PyResult<Moves> {
        let failure = Failure::default();
        let (rules, stored) = (rules.0.clone(), Stored::new(py, states, failure.clone()));
        let core = py.detach(|| Core::new(count, rules, Box::new(stored), uncounted));
        raised(&failure)?;
        Ok(Moves {
            core: Mutex::new(core.map_err(wrong)?),
            failure,
        })
    }

    /// Count up to so many customers more. True: there are more.
    fn advance(&self, py: Python<'_>, most: usize) -> PyResult<bool> {
        self.with(py, |core| core.advance(most))?.map_err(wrong)
    }

    /// Customers who are not counted yet.
    #[getter]
    fn left(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |core| core.left())
    }

    /// What was found so far: `customers`; by segment `members`, `enters` and `exits`; and `moved`, the customers who would
    /// enter or leave some segment that counts.
    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = self.with(py, |core| core.found.clone())?;
        let told = PyDict::new(py);
        told.set_item("customers", found.customers)?;
        told.set_item("members", found.members)?;
        told.set_item("enters", found.enters)?;
        told.set_item("exits", found.exits)?;
        told.set_item("moved", found.moved)?;
        Ok(told)
    }
}
