//! The engine of one partition: record batches and readings of the clock go in, segment events and states come out.
//!
//! The rule set arrives as data: the plan, written by `segments.plan` and read by [`plan`]. Nothing here reads a clock,
//! does input or output, or keeps state outside of the values that a caller holds.

// What a rule set is.
pub mod aims;
pub mod plan;

// What the engine decides.
pub mod activity;
pub mod after;
pub mod arithmetic;
pub mod behind;
pub mod bits;
pub mod borders;
pub mod by_key;
pub mod calculated;
pub mod calendar;
pub mod codec;
pub mod costs;
pub mod crowded;
pub mod customer;
pub mod customers;
pub mod dated;
pub mod details;
pub mod eval;
pub mod evidence;
pub mod exact;
pub mod filling;
pub mod held_back;
pub mod identity;
pub mod inputs;
pub mod limit;
pub mod machine;
pub mod measures;
pub mod moves;
pub mod mutants;
pub mod names;
pub mod output;
pub mod partition;
pub mod periods;
pub mod position;
pub mod reading;
pub mod rows;
pub mod rules;
pub mod screening;
pub mod sizes;
pub mod sources;
pub mod split;
pub mod sweep;
pub mod timers;
pub mod times;
pub mod values;
pub mod visits;
pub mod watches;
pub mod worth;
pub mod zone;

// Bytes of Kafka and Avro, in and out.
pub mod wire;

// The door to Python.
#[cfg(feature = "python")]
mod python;

/// The engine allocates many small things, and frees some in another thread than the one that made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
