//! Outcomes for the reports of Python: rows of plain values, many at a time.

use crate::wire::fetched::Fetched;
use crate::wire::outcome::{self, OutcomeFields};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyNone, PyString, PyTuple};

/// Bytes before the fields of a record: zero, and the id of its schema.
const HEADER: usize = 5;

/// Customers and rows, in the order of the records; see `outcomes` of `Records`.
pub type Rows<'p> = (Bound<'p, PyList>, Bound<'p, PyList>);

/// What each outcome of a run tells; None: one of them is not as our schema of this id writes it.
///
/// A record whose key is not its customer's is left out.
pub fn rows<'p>(py: Python<'p>, fetched: &Fetched, schema_id: u32) -> PyResult<Option<Rows<'p>>> {
    let (customers, rows) = (PyList::empty(py), PyList::empty(py));
    let mut seen = Seen::default();
    for record in &fetched.records {
        let found = record
            .value
            .of(&fetched.data)
            .filter(|value| id(value) == Some(schema_id))
            .and_then(|value| outcome::outcome(&value[HEADER..]).ok());
        let Some(found) = found else { return Ok(None) };
        if record.key.of(&fetched.data) == Some(found.customer.as_bytes()) {
            customers.append(found.customer)?;
            rows.append(seen.row(py, &found)?)?;
        }
    }
    Ok(Some((customers, rows)))
}

fn id(value: &[u8]) -> Option<u32> {
    let (header, _) = value.split_first_chunk::<HEADER>()?;
    let [0, id @ ..] = *header else { return None };
    Some(u32::from_be_bytes(id))
}

/// The texts of the outcome before: most of the next one's are the same.
#[derive(Default)]
struct Seen<'p> {
    texts: [Option<(String, Bound<'p, PyString>)>; 6],
    experiment: Option<Bound<'p, PyTuple>>,
}

impl<'p> Seen<'p> {
    /// The fields of `Outcome` of `segments.insight.outcomes.arms`, in its order.
    fn row(&mut self, py: Python<'p>, found: &OutcomeFields) -> PyResult<Bound<'p, PyTuple>> {
        let experiment = match (found.experiment, found.control) {
            (name, Some(control)) => self.experiment(py, name.unwrap_or_default(), control)?,
            _ => PyNone::get(py).to_owned().into_any(),
        };
        let fields = [
            self.text(py, 0, found.segment),
            found.value.into_bound_py_any(py)?,
            found.entered_as.into_bound_py_any(py)?,
            found.entered_at.into_bound_py_any(py)?,
            found.episode.into_bound_py_any(py)?,
            found.matured.into_bound_py_any(py)?,
            self.text(py, 1, found.reason),
            found.arm.map_or_else(
                || PyNone::get(py).to_owned().into_any(),
                |arm| self.text(py, 2, arm),
            ),
            experiment,
            self.text(py, 3, found.goal),
            found.first_goal_at.into_bound_py_any(py)?,
            found.occurred_at.into_bound_py_any(py)?,
            found.goals.into_bound_py_any(py)?,
            match found.revenue.map(i64::try_from) {
                Some(Ok(cents)) => cents.into_bound_py_any(py)?,
                _ => found.revenue.into_bound_py_any(py)?,
            },
        ];
        PyTuple::new(py, fields)
    }

    fn experiment(&mut self, py: Python<'p>, name: &str, control: &str) -> PyResult<Bound<'p, PyAny>> {
        let before = [4, 5].map(|place: usize| self.texts[place].as_ref().map(|(text, _)| text.as_str()));
        if before != [Some(name), Some(control)] || self.experiment.is_none() {
            let pair = [self.text(py, 4, name), self.text(py, 5, control)];
            self.experiment = Some(PyTuple::new(py, pair)?);
        }
        self.experiment.clone().into_bound_py_any(py)
    }

    /// A text, the same object as long as it does not change; Python keeps one of each for all runs.
    fn text(&mut self, py: Python<'p>, place: usize, text: &str) -> Bound<'p, PyAny> {
        match &self.texts[place] {
            Some((before, found)) if before == text => found.clone().into_any(),
            _ => {
                let found = PyString::intern(py, text);
                self.texts[place] = Some((text.to_owned(), found.clone()));
                found.into_any()
            }
        }
    }
}
