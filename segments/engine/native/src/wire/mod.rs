//! Bytes of Kafka and Avro: record batches are read, and finished record batches are written.
