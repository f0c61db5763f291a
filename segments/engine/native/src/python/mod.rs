//! The door to Python: the module `segments.engine._native`.

mod wire;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    const PLAN_FORMAT: u32 = crate::plan::FORMAT;

    #[pymodule_export]
    use super::wire::{Batch, Encoder, Fetch, Records, Schemas, partition_of};
}
