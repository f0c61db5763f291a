//! The door to Python: the module `segments.engine._native`.

mod activity;
mod bytes;
mod decoded;
mod effects;
mod encoder;
mod memory;
mod moves;
mod outcomes;
mod partition;
mod position;
mod records;
mod states;
mod transfers;
mod views;
mod wire;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    const PLAN_FORMAT: u32 = crate::plan::FORMAT;

    #[pymodule_export]
    use super::activity::Activity;

    #[pymodule_export]
    use super::bytes::{Accepted, Outbox, Transaction, offer_fetched, offer_fetched_transfers};

    #[pymodule_export]
    use super::encoder::Encoder;

    #[pymodule_export]
    use super::memory::release_free_memory;

    #[pymodule_export]
    use super::moves::Moves;

    #[pymodule_export]
    use super::partition::{Partition, Rules};

    #[pymodule_export]
    use super::position::{entry_size, position};

    #[pymodule_export]
    use super::states::States;

    #[pymodule_export]
    use super::transfers::Transfer;

    #[pymodule_export]
    use super::wire::{Batch, Fetch, Records, Schemas, partition_of};
}
