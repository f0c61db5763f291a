//! The record batches of one fetch, as a broker sent them, split into runs of records that are not decoded yet.
//!
//! Format 2 only (Kafka 0.11 and later). What a broker checks before it takes a batch is believed here as far as memory
//! and time are concerned, and no further: a checksum that is wrong is an error, since another fetch may bring the batch
//! whole; a batch whose content can't be read is one refused record, since no other fetch would bring another.

use super::compression::{self, Part, Stream};
use super::cursor::Cursor;
use super::outputs::{KEPT_KEY, KEPT_VALUE};
use super::record::{RUN_BYTES, Span};
use super::refusals::{Reason, Refusal};
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::sync::Arc;

/// Bytes of a batch before its records.
pub const HEADER: usize = 61;
/// Bytes of a batch before what its length counts.
const PREFIX: usize = 12;
const CONTROL: i16 = 0x20;
const TRANSACTIONAL: i16 = 0x10;
const APPEND_TIME: i16 = 0x08;
/// Bytes of one record, uncompressed: twice what any topic of ours may take.
pub const RECORD_BYTES: usize = 32 << 20;
/// Bytes that one batch may expand to, so that time is bounded, too: a gigabyte takes about a second.
pub const BATCH_BYTES: usize = 1 << 30;
/// Bytes that are expanded at once.
const CHUNK: usize = 64 << 10;
/// Bytes of a longer record that are looked at: what is before its value, and as much of that as a dead letter holds.
const HELD: usize = 2 * KEPT_VALUE;

/// A record that is not decoded yet.
#[derive(Clone, Debug)]
pub struct RawRecord {
    /// Its offset.
    pub offset: i64,
    /// The Kafka timestamp, in milliseconds.
    pub timestamp: i64,
    /// Its key.
    pub key: Span,
    /// Its value.
    pub value: Span,
    /// Why it can't be read at all.
    pub fault: Option<Box<Refusal>>,
}

/// Records that cover the offsets `[start, end)`, and the bytes that they lie in.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// The first offset that they cover.
    pub start: i64,
    /// The first offset after them.
    pub end: i64,
    /// The records, by offset.
    pub records: Vec<RawRecord>,
    /// The bytes that keys and values lie in.
    pub data: Vec<u8>,
}

impl Fetched {
    /// Cut off what comes before the record at a place; the rest stays.
    pub fn split_off(&mut self, place: usize) -> Fetched {
        let records = self.records.split_off(place);
        let offset = records.first().map_or(self.end, |record| record.offset);
        let rest = Fetched {
            start: offset,
            end: self.end,
            records,
            data: self.data.clone(),
        };
        self.end = offset;
        rest
    }
}

/// Why a fetch can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The checksum of the batch at this offset is not that of its bytes.
    Checksum(i64),
    /// The batch at this offset has a format older than 2.
    OldFormat(i64, u8),
    /// What stands at this place of the fetch can't be the header of a batch.
    Header(usize),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Unreadable::Checksum(offset) => {
                write!(out, "the checksum of the batch at offset {offset} is wrong")
            }
            Unreadable::OldFormat(offset, magic) => write!(
                out,
                "the batch at offset {offset} has the message format {magic}, of Kafka before 0.11: write it anew"
            ),
            Unreadable::Header(at) => write!(out, "byte {at} of the fetch begins no record batch"),
        }
    }
}

/// The header of a batch.
#[derive(Clone, Copy)]
struct Header {
    base: i64,
    end: usize,
    attributes: i16,
    last_delta: i32,
    first_timestamp: i64,
    max_timestamp: i64,
    producer: i64,
    count: i32,
}

/// A batch whose records are being read.
struct Open {
    header: Header,
    stream: Stream,
    /// Records still to come.
    left: i32,
    /// What was expanded and not used yet, at the end of a run.
    rest: Vec<u8>,
    expanded: usize,
}

/// The batches of one fetch of one partition.
pub struct Fetch {
    raw: Arc<[u8]>,
    at: usize,
    position: i64,
    /// Producer and first offset of the aborted transactions, by offset.
    aborted: VecDeque<(i64, i64)>,
    aborting: HashSet<i64>,
    open: Option<Open>,
}

impl Fetch {
    /// The batches in `raw`; records before `position` were read already. `aborted` is what the broker said of aborted
    /// transactions: producer and first offset; empty for who reads uncommitted records.
    pub fn new(raw: impl Into<Arc<[u8]>>, position: i64, mut aborted: Vec<(i64, i64)>) -> Fetch {
        aborted.sort_unstable_by_key(|each| each.1);
        let aborting = HashSet::new();
        Fetch {
            raw: raw.into(),
            at: 0,
            position,
            aborted: aborted.into(),
            aborting,
            open: None,
        }
    }

    /// The offset of the next record to be read.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Whether all that is there as a whole was read.
    pub fn is_done(&self) -> bool {
        let rest = &self.raw[self.at..];
        let length = i64::from(i32_at(rest, 8)) + PREFIX as i64;
        self.open.is_none() && (rest.len() < PREFIX + 5 || length > rest.len() as i64)
    }

    /// The next run, of about `most` records: a batch that is not compressed is not cut. None when all was read.
    pub fn next_run(&mut self, most: usize) -> Result<Option<Fetched>, Unreadable> {
        let mut run = Fetched {
            start: self.position,
            end: self.position,
            ..Fetched::default()
        };
        while run.records.len() < most && run.data.len() < RUN_BYTES {
            match self.step(&mut run) {
                Ok(true) => run.end = self.position,
                Ok(false) => break,
                // What came before it counts; the next call meets it again.
                Err(_) if run.end > run.start => break,
                Err(error) => return Err(error),
            }
        }
        Ok(if run.end > run.start { Some(run) } else { None })
    }

    /// Read on, by a batch or a part of one. False when all was read.
    fn step(&mut self, run: &mut Fetched) -> Result<bool, Unreadable> {
        if let Some(open) = self.open.take() {
            self.records(open, run);
            return Ok(true);
        }
        let Some(header) = self.header()? else {
            return Ok(false);
        };
        let after = header.base + i64::from(header.last_delta) + 1;
        let wanted = after > self.position && !self.is_aborted(&header) && header.attributes & CONTROL == 0;
        if wanted {
            self.start(header, run);
        } else {
            self.position = after.max(self.position);
        }
        self.at = header.end;
        Ok(true)
    }

    /// The header of the next batch, checked; None at the end, where a batch may be cut off.
    fn header(&self) -> Result<Option<Header>, Unreadable> {
        let rest = &self.raw[self.at..];
        if rest.len() < PREFIX + 5 {
            return Ok(None);
        }
        let (base, length) = (i64_at(rest, 0), i32_at(rest, 8));
        let magic = rest[PREFIX + 4];
        let broken = Unreadable::Header(self.at);
        let length = usize::try_from(length).map_err(|_| broken.clone())?;
        // As `is_done`: what is cut off at the end of a fetch comes whole with the next one, whatever it is.
        if length > rest.len() - PREFIX {
            return Ok(None);
        }
        if magic < 2 {
            return Err(Unreadable::OldFormat(base, magic));
        }
        if length < HEADER - PREFIX || magic > 2 {
            return Err(broken);
        }
        let batch = &rest[..PREFIX + length];
        if crc32c::crc32c(&batch[21..]) != i32_at(batch, 17) as u32 {
            return Err(Unreadable::Checksum(base));
        }
        let header = read_header(batch, base, self.at);
        let plausible = header.last_delta >= 0 && (0..i64::MAX >> 1).contains(&base);
        if plausible { Ok(Some(header)) } else { Err(broken) }
    }

    /// Whether a batch belongs to a transaction that was aborted. A marker ends that.
    fn is_aborted(&mut self, header: &Header) -> bool {
        while let Some(&(producer, first)) = self.aborted.front()
            && first <= header.base
        {
            self.aborting.insert(producer);
            self.aborted.pop_front();
        }
        if header.attributes & CONTROL != 0 && self.is_abort_marker(header) {
            self.aborting.remove(&header.producer);
        }
        header.attributes & TRANSACTIONAL != 0 && self.aborting.contains(&header.producer)
    }

    /// A control record's key is its version and its type, two bytes each; type 0 is an abort.
    fn is_abort_marker(&self, header: &Header) -> bool {
        let data = &self.raw[..header.end];
        let key = parse(data, self.at + HEADER)
            .ok()
            .and_then(|record| record.key.of(data));
        key.is_some_and(|key| key.len() >= 4 && key[2..4] == [0, 0])
    }

    fn start(&mut self, header: Header, run: &mut Fetched) {
        let part = Part::new(self.raw.clone(), self.at + HEADER, header.end);
        match compression::open((header.attributes & 7) as u8, part) {
            Ok(stream) => {
                self.records(
                    Open {
                        header,
                        stream,
                        left: header.count,
                        rest: Vec::new(),
                        expanded: 0,
                    },
                    run,
                );
            }
            Err(why) => self.fault(&header, run, &why),
        }
    }

    /// Read records until the batch or the run is full.
    fn records(&mut self, mut open: Open, run: &mut Fetched) {
        let mut at = run.data.len();
        run.data.append(&mut open.rest);
        while open.left > 0 {
            if at >= RUN_BYTES && !run.records.is_empty() {
                open.rest = run.data.split_off(at);
                self.open = Some(open);
                return;
            }
            let taken = next(&mut open, &mut run.data, at).and_then(|parsed| {
                at = parsed.end;
                open.left -= 1;
                self.take(&open.header, parsed, run).map_err(str::to_string)
            });
            if let Err(why) = taken {
                return self.fault(&open.header, run, &why);
            }
        }
        self.position = self
            .position
            .max(open.header.base + i64::from(open.header.last_delta) + 1);
    }

    fn take(&mut self, header: &Header, parsed: Parsed, run: &mut Fetched) -> Result<(), &'static str> {
        if !(0..=i64::from(header.last_delta)).contains(&parsed.offset_delta) {
            return Err("a record lies outside of its batch");
        }
        let offset = header.base + parsed.offset_delta;
        if offset < self.position {
            return Ok(());
        }
        let timestamp = match header.attributes & APPEND_TIME {
            0 => header.first_timestamp.wrapping_add(parsed.timestamp_delta),
            _ => header.max_timestamp,
        };
        let Parsed {
            key, value, fault, ..
        } = parsed;
        run.records.push(RawRecord {
            offset,
            timestamp,
            key,
            value,
            fault,
        });
        self.position = offset + 1;
        Ok(())
    }

    /// One refused record stands for all that is left of a batch.
    #[cold]
    fn fault(&mut self, header: &Header, run: &mut Fetched, why: &str) {
        let (offset, last) = (
            self.position.max(header.base),
            header.base + i64::from(header.last_delta),
        );
        let error = format!("The record batch can't be read from offset {offset} to its end, {last}: {why}.");
        let fault = Some(Box::new(Refusal::new(Reason::Undecodable, error)));
        let (key, value, timestamp) = (Span::NONE, Span::NONE, header.max_timestamp);
        if offset <= last {
            run.records.push(RawRecord {
                offset,
                timestamp,
                key,
                value,
                fault,
            });
        }
        self.position = last + 1;
    }
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| i32::from_be_bytes(*bytes))
}

fn read_header(batch: &[u8], base: i64, at: usize) -> Header {
    Header {
        base,
        end: at + batch.len(),
        attributes: (i32_at(batch, 21) >> 16) as i16,
        last_delta: i32_at(batch, 23),
        first_timestamp: i64_at(batch, 27),
        max_timestamp: i64_at(batch, 35),
        producer: i64_at(batch, 43),
        count: i32_at(batch, 57),
    }
}

/// A record of a batch; its headers are passed over.
struct Parsed {
    timestamp_delta: i64,
    offset_delta: i64,
    key: Span,
    value: Span,
    end: usize,
    /// Of a record that is not there as a whole.
    fault: Option<Box<Refusal>>,
}

/// The record that begins at a place; more is expanded until it is there as a whole.
fn next(open: &mut Open, data: &mut Vec<u8>, at: usize) -> Result<Parsed, String> {
    while data.len() - at < 10 && Cursor::new(data, at).long().is_err() {
        expand(open, data, CHUNK)?;
    }
    let length = Cursor::new(data, at)
        .long()
        .map_err(|broken| broken.to_string())?;
    let length = usize::try_from(length).map_err(|_| "a record whose length is negative")?;
    let whole = length + varint_length(data, at);
    let wanted = if length > RECORD_BYTES { HELD } else { whole };
    while data.len() - at < wanted {
        expand(open, data, CHUNK.max(wanted - (data.len() - at)))?;
    }
    if length > RECORD_BYTES {
        return long_record(open, data, at, whole);
    }
    parse(data, at).map_err(str::to_string)
}

/// A record that is too long to be held: of its value the beginning stays, and the digest of it all.
#[cold]
fn long_record(open: &mut Open, data: &mut Vec<u8>, at: usize, whole: usize) -> Result<Parsed, String> {
    let mut cursor = Cursor::new(data, at);
    let (timestamp_delta, offset_delta, key) = record_start(&mut cursor).ok_or(NOT_AS_LONG)?;
    let bytes = cursor
        .long()
        .ok()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or(NOT_AS_LONG)?;
    let (start, end) = (cursor.at(), at + whole);
    if key.len() > KEPT_KEY || bytes > end.saturating_sub(start) {
        return Err("a record with a key of more than 1024 bytes that is not held as a whole".to_string());
    }
    let mut digest = Sha256::new();
    let held = data.len().min(start + bytes);
    digest.update(&data[start..held]);
    let mut left = start + bytes - held;
    let mut rest = end - data.len();
    data.truncate(start + KEPT_VALUE);
    let mut chunk = Vec::new();
    while rest > 0 {
        chunk.clear();
        expand(open, &mut chunk, rest.min(CHUNK))?;
        let counted = chunk.len().min(left);
        digest.update(&chunk[..counted]);
        left -= counted;
        rest = rest
            .checked_sub(chunk.len())
            .ok_or("a record is longer than it says")?;
    }
    let refusal = Refusal {
        digest: Some(digest.finalize().into()),
        ..Refusal::long_record(bytes)
    };
    let (value, end) = (Span::new(start, KEPT_VALUE), data.len());
    Ok(Parsed {
        timestamp_delta,
        offset_delta,
        key,
        value,
        end,
        fault: Some(Box::new(refusal)),
    })
}

const NOT_AS_LONG: &str = "a record is not as long as it says";

fn varint_length(data: &[u8], at: usize) -> usize {
    data[at..].iter().take_while(|&&byte| byte > 127).count() + 1
}

/// Append the next bytes of the stream: at least one, at most `most`.
fn expand(open: &mut Open, data: &mut Vec<u8>, most: usize) -> Result<(), String> {
    let before = data.len();
    open.stream
        .by_ref()
        .take(most as u64)
        .read_to_end(data)
        .map_err(|error| error.to_string())?;
    open.expanded += data.len() - before;
    if data.len() == before {
        return Err(format!("it ends {} records too early", open.left));
    }
    if open.expanded > BATCH_BYTES {
        return Err(format!("it expands to more than {BATCH_BYTES} bytes"));
    }
    Ok(())
}

fn parse(data: &[u8], at: usize) -> Result<Parsed, &'static str> {
    read_record(data, at).ok_or(NOT_AS_LONG)
}

fn read_record(data: &[u8], at: usize) -> Option<Parsed> {
    let mut cursor = Cursor::new(data, at);
    let length = usize::try_from(cursor.long().ok()?).ok()?;
    let end = cursor.at().checked_add(length).filter(|&end| end <= data.len())?;
    let mut cursor = Cursor::new(&data[..end], at);
    let (timestamp_delta, offset_delta, key) = record_start(&mut cursor)?;
    let value = part(&mut cursor)?;
    Some(Parsed {
        timestamp_delta,
        offset_delta,
        key,
        value,
        end,
        fault: None,
    })
}

/// What stands before a record's value: its length, its attributes, its timestamp and offset within the batch, its key.
fn record_start(cursor: &mut Cursor) -> Option<(i64, i64, Span)> {
    cursor.long().ok()?;
    cursor.byte().ok()?;
    let timestamp_delta = cursor.long().ok()?;
    let offset_delta = cursor.long().ok()?;
    Some((timestamp_delta, offset_delta, part(cursor)?))
}

/// Bytes that may be null: their length is -1 then.
fn part(cursor: &mut Cursor) -> Option<Span> {
    let mut ahead = cursor.clone();
    if ahead.long().ok()? < 0 {
        *cursor = ahead;
        return Some(Span::NONE);
    }
    let length = cursor.length().ok()?;
    let span = Span::new(cursor.at(), length);
    cursor.skip(length);
    Some(span)
}
