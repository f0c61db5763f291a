//! What the record of a partition says, and how large an entry is, for Python.

use std::collections::BTreeMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::partition::Rules;
use crate::codec::StateError;
use crate::position::Position;
use crate::sizes;

fn wrong(error: StateError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Bytes that an entry of a stream adds to the state of a customer, rounded up.
#[pyfunction]
pub fn entry_size(rules: &Rules, stream: usize) -> usize {
    sizes::entry_size(&rules.0, stream)
}

type PositionFields = (
    BTreeMap<String, i64>,
    i64,
    u32,
    Option<(String, i64, i64)>,
    Option<(String, i64)>,
);

/// What the record of a partition beside its customers says: offsets by topic, clock, number of partitions,
/// id, offset and instant of the deployment that it runs, and id and offset of the one by which it is filled.
#[pyfunction]
pub fn position(data: &[u8]) -> PyResult<PositionFields> {
    let told = Position::told(data).map_err(wrong)?;
    let deployment = told.deployment.map(|each| (each.id, each.offset, each.at));
    let filling = told.filling.map(|each| (each.id, each.offset));
    Ok((told.offsets, told.clock, told.count, deployment, filling))
}
