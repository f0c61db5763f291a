//! Whatever bytes come from a broker, a producer or a registry: no panic, bounded memory, and every call ends.
//!
//! Inputs are made of a seed, each kind in turn: batches that were broken after their checksum was made and before, Avro
//! that was broken, schemas that nobody would write, and compressed batches that expand to a thousand times their size.
//! `SEGMENTS_FUZZ` is how many (default 20,000; `make fuzz` tries a million).

use segments_engine::wire::fetched::{Fetch, Fetched, RECORD_BYTES};
use segments_engine::wire::record::{Body, Format, RUN_BYTES};
use segments_engine::wire::schemas::Schemas;
use std::io::Write;
use std::time::{Duration, Instant};

const FORMATS: [Format; 4] = [Format::Click, Format::Transaction, Format::Profile, Format::Link];
/// Processor time that one input may take; a batch that expands to a gigabyte takes most of it.
const LONGEST: Duration = Duration::from_secs(30);
/// Bytes of memory that the process may have at most: what `RUN_BYTES` and `RECORD_BYTES` allow, several times over.
const MOST_MEMORY: usize = 1 << 30;

/// Numbers from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ number >> 31
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }
}

fn varint(out: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    while left > 127 {
        out.push(left as u8 | 128);
        left >>= 7;
    }
    out.push(left as u8);
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// A click, a transaction or a profile by our own schema.
fn value(chance: &mut Chance, format: Format) -> Vec<u8> {
    let id = FORMATS
        .iter()
        .position(|each| *each == format)
        .unwrap_or_default() as u8
        + 1;
    let mut out = vec![0, 0, 0, 0, id];
    text(&mut out, format!("e-{}", chance.next()).as_bytes());
    text(&mut out, b"anna");
    varint(&mut out, 1_795_000_000_000);
    match format {
        Format::Click => {
            text(&mut out, b"page_view");
            out.extend_from_slice(&[0, 2, 2, b'p', 0, 0, 0, 2, 2, b'a', 2, b'b', 0]);
        }
        Format::Transaction => {
            text(&mut out, b"purchase");
            text(&mut out, b"o-1");
            out.extend_from_slice(&[4, 1, 0]);
            text(&mut out, b"EUR");
            out.extend_from_slice(&[0, 2, 2, b'p', 0, 2, 2, 100, 0]);
        }
        Format::Link => {
            text(&mut out, b"berta");
            text(&mut out, b"link");
            out.extend_from_slice(&[2, 2, b's']);
        }
        Format::Profile => {
            out.extend_from_slice(&[4, 2, b'a', 0, 2, b'b', 2, b'c', 4, 1, 0, 2, 2, b'm', 1, 0])
        }
    }
    out
}

/// Bytes with one to four things done to them.
fn broken(chance: &mut Chance, mut bytes: Vec<u8>) -> Vec<u8> {
    const NUMBERS: [&[u8]; 4] = [
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40],
        &[0xff; 10],
        &[0x7f; 9],
        &[0x80; 12],
    ];
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(9)).min(bytes.len());
        match chance.below(5) {
            0 if at < bytes.len() => bytes[at] = chance.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, chance.bytes(9))),
            _ => drop(bytes.splice(at..end, chance.pick(&NUMBERS).iter().copied())),
        }
    }
    bytes
}

/// The records of a batch, before compression.
fn records(values: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let mut record = vec![0];
        varint(&mut record, place as i64);
        varint(&mut record, place as i64);
        text(&mut record, b"anna");
        text(&mut record, value);
        record.push(0);
        text(&mut out, &record);
    }
    out
}

fn compressed(codec: u8, plain: &[u8]) -> Vec<u8> {
    match codec {
        1 => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(plain).expect("to a vector");
            out.finish().expect("to a vector")
        }
        2 => snap::raw::Encoder::new()
            .compress_vec(plain)
            .expect("short enough"),
        3 => {
            let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
            out.write_all(plain).expect("to a vector");
            out.finish().expect("to a vector")
        }
        4 => zstd::bulk::compress(plain, 1).expect("short enough"),
        _ => plain.to_vec(),
    }
}

/// A batch with a checksum that is right, whatever is in it.
fn batch(base: i64, codec: u8, count: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&base.to_be_bytes());
    out.extend_from_slice(&((body.len() + 49) as i32).to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 0, 2, 0, 0, 0, 0, 0, codec]);
    out.extend_from_slice(&count.saturating_sub(1).to_be_bytes());
    out.extend_from_slice(&1_795_000_000_000i64.to_be_bytes());
    out.extend_from_slice(&1_795_000_000_000i64.to_be_bytes());
    out.extend_from_slice(&[255; 14]);
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(body);
    seal(&mut out);
    out
}

fn seal(batch: &mut [u8]) {
    if batch.len() >= 21 {
        let checksum = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Read and decode all that is there, and look at what must hold whatever it was. Gives how many records were refused.
fn drain(raw: Vec<u8>, format: Format, schemas: &Schemas) -> (usize, usize) {
    let (mut taken, mut refused) = (0, 0);
    let mut fetch = Fetch::new(raw, 0, Vec::new());
    let (mut position, mut done) = (0, fetch.is_done());
    while let Ok(Some(run)) = fetch.next_run(1_000) {
        assert!(
            run.start == position && run.end > run.start,
            "a run that goes nowhere"
        );
        assert!(
            run.data.len() <= RUN_BYTES + RECORD_BYTES + (1 << 20),
            "{} bytes in a run",
            run.data.len()
        );
        position = run.end;
        let (more, of_them) = decode(run, format, schemas);
        (taken, refused) = (taken + more, refused + of_them);
        done = fetch.is_done();
    }
    // What is done brings nothing more; what is not ended in an error.
    assert!(
        !done || matches!(fetch.next_run(1_000), Ok(None)),
        "more after the end"
    );
    (taken, refused)
}

fn decode(fetched: Fetched, format: Format, schemas: &Schemas) -> (usize, usize) {
    let mut last = fetched.start - 1;
    let run = schemas.decode(fetched, format);
    for record in &run.records {
        assert!(
            last < record.offset && record.offset < run.end,
            "offsets that do not ascend"
        );
        last = record.offset;
    }
    let refused = run
        .records
        .iter()
        .filter(|record| matches!(record.body, Body::Refused(_)))
        .count();
    (run.records.len(), refused)
}

fn ours() -> Schemas {
    let mut schemas = Schemas::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schemas");
    for (place, format) in FORMATS.into_iter().enumerate() {
        let json = std::fs::read_to_string(format!("{folder}/{}.avsc", format.name())).expect("our schema");
        schemas
            .accept(format, place as u32 + 1, &json)
            .expect("our schema");
    }
    schemas
}

/// A type that nobody would write: deep, wide, recursive, of no size or of an absurd one.
fn foreign(chance: &mut Chance, depth: usize) -> String {
    const PLAIN: [&str; 14] = [
        "\"null\"",
        "\"boolean\"",
        "\"int\"",
        "\"long\"",
        "\"float\"",
        "\"double\"",
        "\"bytes\"",
        "\"string\"",
        "\"Click\"",
        "\"No\"",
        "7",
        "{}",
        "[]",
        "null",
    ];
    let inner = |chance: &mut Chance| foreign(chance, depth.saturating_sub(1));
    match chance.below(if depth == 0 { 1 } else { 8 }) {
        0 => (*chance.pick(&PLAIN)).to_string(),
        1 => format!(r#"{{"type": "array", "items": {}}}"#, inner(chance)),
        2 => format!(r#"{{"type": "map", "values": {}}}"#, inner(chance)),
        3 => format!("[{}, {}]", inner(chance), inner(chance)),
        4 => format!(
            r#"{{"type": "fixed", "name": "F{}", "size": {}}}"#,
            chance.next(),
            chance.next() as i32
        ),
        5 => format!(
            r#"{{"type": "bytes", "logicalType": "decimal", "precision": {}, "scale": {}}}"#,
            chance.below(200),
            chance.below(200)
        ),
        6 => {
            let name = format!("R{}", chance.next());
            let (one, other) = (inner(chance), inner(chance));
            format!(
                r#"{{"type": "record", "name": "{name}", "fields": [{{"name": "a", "type": {one}}},
                    {{"name": "b", "type": ["null", "{name}"]}}, {{"name": "c", "type": {other}}}]}}"#
            )
        }
        _ => format!(r#"{{"type": {}}}"#, inner(chance)),
    }
}

/// Our click with a foreign field or two, before and among ours.
fn foreign_click(chance: &mut Chance) -> String {
    let ours = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../schemas/Click.avsc"
    ));
    let depth = 1 + chance.below(4);
    let field = format!(
        r#""fields": [{{"name": "odd", "type": {}}},"#,
        foreign(chance, depth)
    );
    let changed = ours.replacen("\"fields\": [", &field, 1);
    match chance.below(3) {
        0 => changed.replacen(
            r#""name": "page", "type": ["null", "string"]"#,
            &format!(r#""name": "page", "type": [{}, "string"]"#, foreign(chance, 1)),
            1,
        ),
        _ => changed,
    }
}

fn hostile(chance: &mut Chance, schemas: &Schemas) -> (usize, usize) {
    let format = *chance.pick(&FORMATS);
    let values: Vec<Vec<u8>> = (0..1 + chance.below(4)).map(|_| value(chance, format)).collect();
    let count = values.len() as u32;
    let codec = chance.below(6) as u8;
    match chance.below(5) {
        0 => {
            let whole = batch(0, codec, count, &compressed(codec, &records(&values)));
            drain(broken(chance, whole), format, schemas)
        }
        1 => {
            let mut odd = broken(
                chance,
                batch(0, codec, count, &compressed(codec, &records(&values))),
            );
            seal(&mut odd);
            drain(odd, format, schemas)
        }
        2 => {
            let body = broken(chance, records(&values));
            drain(batch(0, codec, count, &compressed(codec, &body)), format, schemas)
        }
        3 => {
            let values: Vec<Vec<u8>> = values.into_iter().map(|value| broken(chance, value)).collect();
            drain(
                batch(0, codec, count, &compressed(codec, &records(&values))),
                format,
                schemas,
            )
        }
        _ => {
            let mut foreign = Schemas::default();
            if foreign.accept(Format::Click, 1, &foreign_click(chance)).is_err() {
                return (0, 0);
            }
            let odd = |chance: &mut Chance| [vec![0, 0, 0, 0, 1], chance.bytes(300)].concat();
            let values: Vec<Vec<u8>> = values.iter().map(|_| odd(chance)).collect();
            drain(batch(0, 0, count, &records(&values)), Format::Click, &foreign)
        }
    }
}

fn memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<usize>()
        .ok()
        .map(|kilobytes| kilobytes << 10)
}

/// Broken batches, broken Avro and hostile schemas end in refusals.
#[test]
fn broken_input() {
    let count = std::env::var("SEGMENTS_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(20_000);
    let (schemas, mut chance) = (ours(), Chance(2026));
    let (mut taken, mut refused) = (0, 0);
    for number in 0..count {
        let began = Instant::now();
        let (more, of_them) = hostile(&mut chance, &schemas);
        (taken, refused) = (taken + more, refused + of_them);
        assert!(
            began.elapsed() < LONGEST,
            "input {number} took {:?}",
            began.elapsed()
        );
    }
    assert!(
        taken > count && refused > count / 4 && refused < taken,
        "{taken} records, {refused} refused"
    );
    assert!(
        memory().is_none_or(|most| most < MOST_MEMORY),
        "{:?} bytes of memory",
        memory()
    );
}

/// A compressed batch may expand to hundreds of megabytes: they are passed over in pieces, and the records around a long
/// one are read.
#[test]
fn compression_bombs() {
    let schemas = ours();
    let mut chance = Chance(7);
    let good = value(&mut chance, Format::Click);
    for codec in 0..5 {
        let long = vec![0; if codec == 0 { RECORD_BYTES + 1 } else { 96 << 20 }];
        let body = records(&[good.clone(), long, good.clone()]);
        let raw = batch(0, codec, 3, &compressed(codec, &body));
        drop(body);
        let mut fetch = Fetch::new(raw, 0, Vec::new());
        let mut found = Vec::new();
        while let Some(run) = fetch.next_run(1_000).expect("a checksum that is right") {
            assert!(
                run.data.len() <= RUN_BYTES + RECORD_BYTES,
                "{} bytes in a run",
                run.data.len()
            );
            let run = schemas.decode(run, Format::Click);
            found.extend(run.records.iter().map(|record| match &record.body {
                Body::Refused(refusal) => (
                    refusal.reason.name(),
                    refusal.digest.is_some(),
                    record.value.len(),
                ),
                _ => ("", false, 0),
            }));
        }
        assert_eq!(
            found,
            [("", false, 0), ("too_long", true, 65_536), ("", false, 0)],
            "codec {codec}"
        );
    }
}
