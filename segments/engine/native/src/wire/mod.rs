//! Bytes of Kafka and Avro: record batches are read, and finished record batches are written.
//!
//! In: [`fetched`] splits the raw batches of a fetch into runs of records, [`schemas`] decodes them by their schema ids,
//! [`refusals`] says which of them are refused whatever the customer's state. What the engine gets is a [`record::Run`].
//! Out: [`outputs`] turns flips, memberships, refused records and states into the finished batches of [`batches`].

pub mod batches;
pub mod fetched;
pub mod murmur;
pub mod outcome;
pub mod outputs;
pub mod record;
pub mod refusals;
pub mod schemas;
pub mod transaction;

pub(crate) mod avro;
mod compression;
pub(crate) mod cursor;
mod events;
mod instants;
mod quoting;
mod resolution;
mod writer_schema;
