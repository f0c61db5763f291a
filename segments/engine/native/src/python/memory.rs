//! What the allocator of the engine does with free memory.

use pyo3::prelude::*;
use std::hint::black_box;

/// Bytes of a block that has pages of its own: mimalloc looks for what it can give back whenever such pages are freed.
const OWN_PAGES: usize = 8 << 20;

/// Give free pages back to the system, if they have been free for a second (`MIMALLOC_PURGE_DELAY`, in milliseconds).
///
/// The allocator does so while it is used; in a process that has become idle nobody else makes it look.
#[pyfunction]
pub fn release_free_memory(py: Python) {
    py.detach(|| drop(black_box(Vec::<u8>::with_capacity(OWN_PAGES))));
}
