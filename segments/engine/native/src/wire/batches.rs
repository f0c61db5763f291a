//! Finished record batches of Kafka, format 2, uncompressed, in the transaction of a producer.

use super::avro;
use super::fetched::HEADER;

/// Bytes at which a batch is closed: half of what a broker takes by default (message.max.bytes, 1 MiB). A record that is
/// longer than that is a batch of its own.
pub const BATCH_BYTES: usize = 512 * 1024;
const TRANSACTIONAL: u16 = 0x10;

/// A finished batch; a producer puts its state into it when it is sent.
#[derive(Clone, Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    count: u32,
}

impl Batch {
    /// The bytes as a broker takes them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records there are in it.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Put in the producer's id and epoch and the number of the batch's first record, and the checksum of it all.
    pub fn set_producer(&mut self, id: i64, epoch: i16, sequence: i32) {
        self.bytes[43..51].copy_from_slice(&id.to_be_bytes());
        self.bytes[51..53].copy_from_slice(&epoch.to_be_bytes());
        self.bytes[53..57].copy_from_slice(&sequence.to_be_bytes());
        let checksum = crc32c::crc32c(&self.bytes[21..]);
        self.bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// A header of a record.
pub type Header<'a> = (&'a str, &'a [u8]);

/// Batches for one topic and partition under construction.
#[derive(Clone, Debug, Default)]
pub struct Batches {
    done: Vec<Batch>,
    open: Vec<u8>,
    count: u32,
    first_timestamp: i64,
    last_timestamp: i64,
    record: Vec<u8>,
}

impl Batches {
    /// Add a record, with its timestamp in milliseconds.
    pub fn add(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
        if self.count == 0 {
            self.begin(timestamp);
        }
        self.write(timestamp, key, value, headers);
        // The length stands before it in at most five bytes.
        if self.count > 0 && self.open.len() + self.record.len() + 5 > BATCH_BYTES {
            self.close();
            self.begin(timestamp);
            self.write(timestamp, key, value, headers);
        }
        avro::long(&mut self.open, self.record.len() as i64);
        self.open.extend_from_slice(&self.record);
        self.count += 1;
        self.last_timestamp = self.last_timestamp.max(timestamp);
    }

    fn begin(&mut self, timestamp: i64) {
        self.open = Vec::with_capacity(HEADER + 1024);
        self.open.resize(HEADER, 0);
        self.first_timestamp = timestamp;
        self.last_timestamp = timestamp;
    }

    fn write(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) {
        let record = &mut self.record;
        record.clear();
        record.push(0);
        avro::long(record, timestamp - self.first_timestamp);
        avro::long(record, self.count.into());
        nullable(record, key);
        nullable(record, value);
        avro::long(record, headers.len() as i64);
        for (name, value) in headers {
            avro::bytes(record, name.as_bytes());
            avro::bytes(record, value);
        }
    }

    /// Finish the batch under construction.
    fn close(&mut self) {
        let mut bytes = std::mem::take(&mut self.open);
        let length = (bytes.len() - 12) as u32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        // No leader epoch yet: the broker puts it in.
        bytes[12..16].copy_from_slice(&(-1i32).to_be_bytes());
        bytes[16] = 2;
        bytes[21..23].copy_from_slice(&TRANSACTIONAL.to_be_bytes());
        bytes[23..27].copy_from_slice(&(self.count - 1).to_be_bytes());
        bytes[27..35].copy_from_slice(&self.first_timestamp.to_be_bytes());
        bytes[35..43].copy_from_slice(&self.last_timestamp.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.count.to_be_bytes());
        self.done.push(Batch {
            bytes,
            count: self.count,
        });
        self.count = 0;
    }

    /// All batches, finished.
    pub fn take(&mut self) -> Vec<Batch> {
        if self.count > 0 {
            self.close();
        }
        std::mem::take(&mut self.done)
    }
}

fn nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(1),
        Some(bytes) => avro::bytes(out, bytes),
    }
}
