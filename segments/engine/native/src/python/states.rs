//! The committed states of a partition: in memory here, or wherever a Python object keeps them.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::codec::OLDER;
use crate::customers::States as Committed;

type Map = HashMap<Box<[u8]>, Box<[u8]>>;

/// Committed states in memory, each key and value once.
#[pyclass(frozen)]
#[derive(Default)]
pub struct States {
    held: Arc<RwLock<StoredStates>>,
}

/// What is held, and its bytes.
#[derive(Default)]
pub struct StoredStates {
    map: Map,
    bytes: usize,
    /// Second records of customers: of what is older.
    older: usize,
}

impl StoredStates {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.remove(key);
        self.bytes += key.len() + value.len();
        self.older += usize::from(key.ends_with(&[OLDER]));
        self.map.insert(key.into(), value.into());
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(old) = self.map.remove(key) {
            self.bytes -= key.len() + old.len();
            self.older -= usize::from(key.ends_with(&[OLDER]));
        }
    }
}

impl States {
    fn read<T>(&self, look: impl FnOnce(&StoredStates) -> T) -> T {
        look(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Put these states in; None deletes.
    pub(super) fn put_all<'s>(&self, states: impl Iterator<Item = (&'s [u8], Option<&'s [u8]>)>) {
        self.write(|held| {
            for (key, value) in states {
                match value {
                    Some(value) => held.put(key, value),
                    None => held.remove(key),
                }
            }
        });
    }

    fn write<T>(&self, change: impl FnOnce(&mut StoredStates) -> T) -> T {
        change(&mut self.held.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl States {
    #[new]
    fn new() -> States {
        States::default()
    }

    /// The state of a key, None if there is none.
    fn get<'py>(&self, py: Python<'py>, key: &[u8]) -> Option<Bound<'py, PyBytes>> {
        self.read(|held| held.map.get(key).map(|value| PyBytes::new(py, value)))
    }

    /// All keys, in any order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.read(|held| {
            let keys = held.map.keys().map(|key| PyBytes::new(py, key));
            PyList::new(py, keys.collect::<Vec<_>>())
        })
    }

    /// All keys and states, in any order.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.read(|held| {
            let pairs = held
                .map
                .iter()
                .map(|(key, value)| (PyBytes::new(py, key), PyBytes::new(py, value)));
            PyList::new(py, pairs.collect::<Vec<_>>())
        })
    }

    /// Put these states in; None deletes.
    fn apply(&self, states: Vec<(Bound<'_, PyBytes>, Option<Bound<'_, PyBytes>>)>) {
        self.write(|held| {
            for (key, value) in &states {
                match value {
                    Some(value) => held.put(key.as_bytes(), value.as_bytes()),
                    None => held.remove(key.as_bytes()),
                }
            }
        });
    }

    /// Forget everything.
    fn clear(&self) {
        self.write(|held| *held = StoredStates::default());
    }

    /// Bytes of keys and states.
    #[getter]
    fn bytes(&self) -> usize {
        self.read(|held| held.bytes)
    }

    /// How many of the states are second records of customers.
    #[getter]
    fn older(&self) -> usize {
        self.read(|held| held.older)
    }

    fn __len__(&self) -> usize {
        self.read(|held| held.map.len())
    }
}

/// The error of a store of Python's: the call that drove the partition raises it when it ends.
pub type Failure = Arc<Mutex<Option<PyErr>>>;

/// Raise what went wrong, once.
pub fn raised(failure: &Failure) -> PyResult<()> {
    failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
        .map_or(Ok(()), Err)
}

/// Where a partition reads committed states.
pub enum Stored {
    /// Here.
    Native(Arc<RwLock<StoredStates>>),
    /// An object with `get` and `items`.
    Python(Py<PyAny>, Failure),
}

impl Stored {
    /// Read from `States` of this module directly, from any other object by its methods.
    pub fn new(py: Python<'_>, states: Py<PyAny>, failure: Failure) -> Stored {
        match states.bind(py).cast::<States>() {
            Ok(native) => Stored::Native(native.get().held.clone()),
            Err(_) => Stored::Python(states, failure),
        }
    }
}

impl Committed for Stored {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self {
            Stored::Native(held) => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                held.map.get(key).map(|value| value.to_vec())
            }
            Stored::Python(states, failure) => Python::attach(|py| {
                let found = states.bind(py).call_method1("get", (PyBytes::new(py, key),));
                noted(found.and_then(|value| value.extract()), failure).flatten()
            }),
        }
    }

    fn scan(&self, look: &mut dyn FnMut(&[u8], &[u8])) {
        match self {
            Stored::Native(held) => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                held.map.iter().for_each(|(key, value)| look(key, value));
            }
            Stored::Python(states, failure) => Python::attach(|py| {
                noted(scan(states.bind(py), look), failure);
            }),
        }
    }
}

fn scan(states: &Bound<'_, PyAny>, look: &mut dyn FnMut(&[u8], &[u8])) -> PyResult<()> {
    for pair in states.call_method0("items")?.try_iter()? {
        let (key, value): (Bound<'_, PyBytes>, Bound<'_, PyBytes>) = pair?.extract()?;
        look(key.as_bytes(), value.as_bytes());
    }
    Ok(())
}

/// Notes the first error.
fn noted<T>(found: PyResult<T>, failure: &Failure) -> Option<T> {
    found
        .map_err(|error| {
            failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
        })
        .ok()
}
