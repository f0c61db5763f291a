//! The engine of one partition: record batches and readings of the clock go in, segment events and states come out.
//!
//! The rule set arrives as data: the plan, written by `segments.plan` and read by [`plan`]. Nothing here reads a clock,
//! does input or output, or keeps state outside of the values that a caller holds.

// What a rule set is.
pub mod plan;

// What the engine decides: one line for each module.

// Bytes of Kafka and Avro, in and out.
pub mod wire;

// The door to Python.
#[cfg(feature = "python")]
mod python;
