//! What customers did, for the reports of Python.

use super::wire::{Records, Schemas, format};
use crate::activity::{self, Kinds, Map, Past};
use crate::wire::record::Format;
use crate::wire::refusals::refuse;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::HashMap;

/// The events of a customer as arrays of 64-bit numbers: instants with kinds, ids, amounts and scores by place.
type Arrays<'p> = [Bound<'p, PyBytes>; 4];

/// What the customers of a partition did, gathered from fetched clicks and transactions.
#[pyclass]
pub struct Activity {
    activity: activity::Activity,
}

#[pymethods]
impl Activity {
    /// Nothing yet. `clicks` and `transactions` give the kinds that a report tells apart their numbers, below 16; all
    /// other clicks are `other`. Clicks of the kind `scored` have a score.
    #[new]
    fn new(
        currency: &str,
        clicks: HashMap<String, i64>,
        other: i64,
        scored: i64,
        transactions: HashMap<String, i64>,
    ) -> Activity {
        let kinds = Kinds {
            clicks: by_bytes(clicks),
            other,
            scored,
            transactions: by_bytes(transactions),
        };
        Activity {
            activity: activity::Activity::new(kinds, currency),
        }
    }

    /// Take in fetched records of this name, which are used up; those that workers refuse are no number.
    fn add(&mut self, py: Python, name: &str, records: &mut Records, schemas: &Schemas) -> PyResult<()> {
        let (format, known) = (format(name)?, schemas.now());
        let fetched = std::mem::take(&mut records.fetched);
        let taken = py.detach(|| {
            let mut run = known.decode(fetched, format);
            refuse(&mut run, format, 0);
            match format {
                Format::Click => self.activity.clicks(&run),
                Format::Transaction => self.activity.transactions(&run),
                _ => return false,
            }
            true
        });
        let told = || PyValueError::new_err(format!("{name} is nothing that a customer did"));
        taken.then_some(()).ok_or_else(told)
    }

    /// The customers of whom something is gathered, in no order.
    fn customers(&self) -> Vec<&str> {
        // Ids are UTF-8: others are refused.
        self.activity
            .customers()
            .filter_map(|key| str::from_utf8(key).ok())
            .collect()
    }

    /// What a customer did, which is let go; None: nothing.
    fn pop<'p>(&mut self, py: Python<'p>, customer: &str) -> Option<Arrays<'p>> {
        let Past {
            seen,
            ids,
            amounts,
            scores,
        } = self.activity.pop(customer.as_bytes())?;
        Some([seen, ids, amounts, scores].map(|each| bytes(py, &each)))
    }
}

fn by_bytes(kinds: HashMap<String, i64>) -> Map<i64> {
    let kinds = kinds.into_iter();
    kinds.map(|(name, kind)| (name.into_bytes(), kind)).collect()
}

fn bytes<'p>(py: Python<'p>, numbers: &[i64]) -> Bound<'p, PyBytes> {
    let found: Vec<u8> = numbers.iter().flat_map(|each| each.to_ne_bytes()).collect();
    PyBytes::new(py, &found)
}
