//! The door to Python: the module `segments.engine._native`.

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    const PLAN_FORMAT: u32 = crate::plan::FORMAT;
}
