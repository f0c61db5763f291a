//! Which schema ids can be read, and the way from fetched records to decoded ones.
//!
//! The Confluent wire format: byte 0, the schema's id in four bytes (big-endian), Avro binary.

use super::events::{Decoded, Failed, Parts, Program};
use super::fetched::{Fetched, RawRecord};
use super::record::{Body, Format, Record, Run};
use super::refusals::{Reason, Refusal, refuse};
use super::resolution::resolve;
use super::writer_schema::Schema;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes before the Avro binary.
pub const HEADER: usize = 5;

/// The ids that can be read, and what is known of others. A value: who learns of an id makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    readers: HashMap<(Format, u32), Arc<Program>>,
    /// The ids of each format, in the order in which they were accepted.
    accepted: Vec<(Format, u32)>,
    /// Why records of a format with an id can't be read.
    refused: HashMap<(Format, u32), String>,
    /// The record of each id that we ourselves released.
    released: HashMap<u32, String>,
}

impl Schemas {
    /// From now on, read records that were written by this schema under this id; why it can't be, in words.
    pub fn accept(&mut self, format: Format, id: u32, json: &str) -> Result<(), String> {
        let program = resolve(Schema::parse(json)?, format)?;
        if self.readers.insert((format, id), Arc::new(program)).is_none() {
            self.accepted.push((format, id));
        }
        Ok(())
    }

    /// From now on, say why records with this id can't be read.
    pub fn refuse(&mut self, format: Format, id: u32, why: &str) {
        self.refused.insert((format, id), why.to_string());
    }

    /// Note that an id is that of a record of ours, so that a value on the wrong topic is said to be one.
    pub fn release(&mut self, record: &str, id: u32) {
        self.released.insert(id, record.to_string());
    }

    /// Decode fetched records, and refuse those that are refused whatever the customer's state.
    pub fn decode(&self, fetched: Fetched, format: Format) -> Run {
        let Fetched {
            start,
            end,
            records,
            data,
            ..
        } = fetched;
        let mut run = Run {
            start,
            end,
            data,
            ..Run::default()
        };
        run.records.reserve_exact(records.len());
        let mut known = None;
        for raw in records {
            let record = self.record(&mut run, raw, format, &mut known);
            run.records.push(record);
        }
        refuse(&mut run, format, 0);
        run
    }

    fn record<'s>(
        &'s self,
        run: &mut Run,
        raw: RawRecord,
        format: Format,
        known: &mut LastSchema<'s>,
    ) -> Record {
        let RawRecord {
            offset,
            timestamp,
            key,
            value,
            fault,
        } = raw;
        let mut record = Record {
            offset,
            timestamp,
            at: timestamp,
            key,
            value,
            body: Body::Erasure,
        };
        if let Some(refusal) = fault {
            record.body = Body::Refused(refusal);
            return record;
        }
        if value.is_none() {
            if !matches!(format, Format::Profile | Format::Link) {
                record.body = Body::Refused(Box::new(null_value()));
            }
            return record;
        }
        match self.value(run, &record, format, known) {
            Ok(decoded) => {
                record.at = decoded.occurred_at;
                record.body = Body::Event(decoded.event);
            }
            Err(refusal) => record.body = Body::Refused(refusal),
        }
        record
    }

    fn value<'s>(
        &'s self,
        run: &mut Run,
        record: &Record,
        format: Format,
        known: &mut LastSchema<'s>,
    ) -> Result<Decoded, Box<Refusal>> {
        let value = record.value.of(&run.data).unwrap_or_default();
        let program = self.program(format, value, known)?;
        let (from, to) = (record.value.start() + HEADER, record.value.start() + value.len());
        let parts = Parts {
            items: &mut run.items,
            pairs: &mut run.pairs,
        };
        let decoded = program.decode(&run.data[..to], from, value.len(), parts);
        decoded.map_err(|failed| Box::new(undecodable(format, failed)))
    }

    /// How to read a value, by its id; the id of the value before is tried first.
    fn program<'s>(
        &'s self,
        format: Format,
        value: &[u8],
        known: &mut LastSchema<'s>,
    ) -> Result<&'s Program, Box<Refusal>> {
        let Some(id) = id_of(value) else {
            return Err(Box::new(no_header(format, value)));
        };
        match *known {
            Some((number, program)) if number == id => Ok(program),
            _ => match self.readers.get(&(format, id)) {
                Some(program) => {
                    *known = Some((id, program));
                    Ok(program)
                }
                None => Err(Box::new(self.unknown(format, id))),
            },
        }
    }

    #[cold]
    fn unknown(&self, format: Format, id: u32) -> Refusal {
        let name = format.name();
        if let Some(other) = self.released.get(&id) {
            return Refusal::new(
                Reason::Undecodable,
                format!("schema id {id} is {other}, not {name}"),
            );
        }
        let why = self.refused.get(&(format, id)).cloned().unwrap_or_else(|| {
            let ids = self
                .accepted
                .iter()
                .filter(|each| each.0 == format)
                .map(|each| each.1.to_string());
            format!("is none of {name}: {}", ids.collect::<Vec<_>>().join(", "))
        });
        Refusal::new(Reason::UnknownSchema, format!("schema id {id} {why}"))
    }
}

/// The id of the value before, with its program.
type LastSchema<'s> = Option<(u32, &'s Program)>;

/// The schema id before a value; None if it doesn't begin as the wire format does.
pub fn id_of(value: &[u8]) -> Option<u32> {
    match value {
        [0, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// The schema ids before the values, each with the place of the first record that has it.
pub fn ids_of(fetched: &Fetched) -> Vec<(usize, u32)> {
    let mut found: Vec<(usize, u32)> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut last = None;
    for (place, record) in fetched.records.iter().enumerate() {
        let id = record.value.of(&fetched.data).and_then(id_of);
        if id != last
            && let Some(id) = id
            && known.insert(id)
        {
            found.push((place, id));
        }
        last = id;
    }
    found
}

#[cold]
fn null_value() -> Refusal {
    let error = "expected a record, came a null value: only profiles has null values (erasures)";
    Refusal::new(Reason::Undecodable, error)
}

#[cold]
fn no_header(format: Format, value: &[u8]) -> Refusal {
    let name = format.name();
    let error = match value.first() {
        Some(first) if value.len() >= HEADER => {
            format!("the first byte is {first}; the Confluent wire format has 0")
        }
        _ => format!(
            "{} bytes; {name} begins with {HEADER} bytes of header",
            value.len()
        ),
    };
    Refusal::new(Reason::Undecodable, error)
}

#[cold]
fn undecodable(format: Format, failed: Failed) -> Refusal {
    let (name, field) = (format.name(), failed.field);
    let error = match failed.broken {
        super::cursor::Broken::Early => format!("{name} ends early, at or before {field}"),
        broken => format!("{name}, {field}: {broken}"),
    };
    Refusal::new(Reason::Undecodable, error)
}
