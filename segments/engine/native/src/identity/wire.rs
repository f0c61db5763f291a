//! A transfer as bytes of Avro, in the order of the fields of `Transfer.avsc`. Only workers of one group read them.

use super::alone::named;
use super::{Content, Id, Transfer};
use crate::wire::avro;
use crate::wire::cursor::Cursor;
use crate::wire::fetched::{Fetched, RawRecord};
use crate::wire::record::{Body, Event, Format, Run, Span};
use crate::wire::schemas::{HEADER, Schemas};
use std::sync::Arc;

/// The number of the format of what a transfer holds.
pub const FORMAT: i64 = 1;

/// The id of the schema of transfers, which no registry gives another one: only we read them.
pub const SCHEMA_ID: u32 = 13;

/// Why bytes are no transfer that this version can read.
pub type Unreadable = String;

/// A transfer as its record's value, wire header included.
pub fn encode(transfer: &Transfer) -> Vec<u8> {
    let mut out = vec![0];
    out.extend_from_slice(&SCHEMA_ID.to_be_bytes());
    avro::bytes(&mut out, &transfer.to);
    avro::bytes(&mut out, transfer.content.name().as_bytes());
    avro::long(&mut out, FORMAT);
    avro::long(&mut out, transfer.at);
    avro::optional(
        &mut out,
        transfer.deployment.as_deref().map(str::as_bytes),
        avro::bytes,
    );
    if !transfer.passed.is_empty() {
        avro::long(&mut out, transfer.passed.len() as i64);
        for (id, link) in &transfer.passed {
            avro::bytes(&mut out, id);
            avro::bytes(&mut out, link);
        }
    }
    out.push(0);
    let (topic, run) = match &transfer.content {
        Content::State { link, .. } => (Some(super::IDENTITIES), Some(link)),
        Content::Record { topic, run } => (Some(&**topic), Some(run)),
        Content::Link { run, .. } => (Some(super::IDENTITIES), Some(run)),
        Content::Erasure { .. } => (None, None),
    };
    let whole = !matches!(transfer.content, Content::State { .. });
    let run = run.map(|run| (&**run, &run.records[0]));
    avro::optional(&mut out, topic.map(str::as_bytes), avro::bytes);
    avro::optional(
        &mut out,
        run.and_then(|each| each.0.partition).map(i64::from),
        avro::long,
    );
    avro::optional(&mut out, run.map(|each| each.1.offset), avro::long);
    avro::optional(&mut out, run.map(|each| each.1.timestamp), avro::long);
    let text = |span: Span| run.filter(|_| whole).and_then(|each| span.of(&each.0.data));
    avro::optional(&mut out, run.and_then(|each| text(each.1.key)), avro::bytes);
    avro::optional(&mut out, run.and_then(|each| text(each.1.value)), avro::bytes);
    let (mut state, mut link, mut sought, mut end) = (None, None, None, None);
    match &transfer.content {
        Content::State {
            state: held,
            link: run,
        } => {
            state = Some(&**held);
            link = event_of(run).and_then(|event| event.id.of(&run.data));
        }
        Content::Record { .. } => {}
        Content::Link {
            sought: id,
            end: last,
            ..
        } => {
            (sought, end) = (id.as_deref(), last.as_deref());
        }
        Content::Erasure { link: id } => link = Some(&**id),
    }
    for each in [state, link, sought, end] {
        avro::optional(&mut out, each, avro::bytes);
    }
    out
}

fn event_of(run: &Run) -> Option<&Event> {
    match &run.records.first()?.body {
        Body::Event(event) => Some(event),
        _ => None,
    }
}

/// A transfer of a record's value. `format` tells what the records of a topic are.
pub fn decode(
    value: &[u8],
    schemas: &Schemas,
    format: &dyn Fn(&str) -> Option<Format>,
) -> Result<Transfer, Unreadable> {
    if value.first() != Some(&0) || value.len() < HEADER {
        return Err("it does not begin as a record of Avro does".into());
    }
    let mut reader = Fields(Cursor::new(value, HEADER), value);
    let to = reader.bytes()?;
    let kind = reader.bytes()?;
    let number = reader.long()?;
    if number != FORMAT {
        return Err(format!(
            "its format is {number}, this version reads {FORMAT}: update the workers of the group"
        ));
    }
    let at = reader.long()?;
    let deployment = reader.optional(Fields::bytes)?;
    let mut passed = Vec::new();
    loop {
        let count = reader.0.count().map_err(|broken| broken.to_string())?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            passed.push((reader.bytes()?, reader.bytes()?));
        }
    }
    let topic = reader.optional(Fields::bytes)?;
    let partition = reader.optional(Fields::long)?.unwrap_or(0) as u32;
    let offset = reader.optional(Fields::long)?.unwrap_or(0);
    let timestamp = reader.optional(Fields::long)?.unwrap_or(0);
    let (key, record) = (reader.optional(Fields::bytes)?, reader.optional(Fields::bytes)?);
    let (state, link) = (reader.optional(Fields::bytes)?, reader.optional(Fields::bytes)?);
    let (sought, end) = (reader.optional(Fields::bytes)?, reader.optional(Fields::bytes)?);
    let topic = text(topic.unwrap_or_else(|| Arc::from(&b""[..])))?;
    let whole = || -> Result<Arc<Run>, Unreadable> {
        let format = format(&topic).ok_or_else(|| format!("{topic} is no input of this version"))?;
        let mut fetched = Fetched {
            start: offset,
            end: offset + 1,
            ..Fetched::default()
        };
        let mut put = |bytes: Option<&Id>| match bytes {
            None => Span::NONE,
            Some(bytes) => {
                let span = Span::new(fetched.data.len(), bytes.len());
                fetched.data.extend_from_slice(bytes);
                span
            }
        };
        let (key, value) = (put(key.as_ref()), put(record.as_ref()));
        fetched.records.push(RawRecord {
            offset,
            timestamp,
            key,
            value,
            fault: None,
        });
        let mut run = schemas.decode(fetched, format);
        run.partition = Some(partition);
        Ok(Arc::new(run))
    };
    let content = match &*kind {
        b"state" => Content::State {
            state: state.ok_or("it has no state")?,
            link: Arc::new(named(&link.ok_or("it names no link")?, offset, partition)),
        },
        b"record" => Content::Record {
            run: whole()?,
            topic: topic.as_str().into(),
        },
        b"link" => Content::Link {
            run: whole()?,
            sought,
            end,
        },
        b"erasure" => Content::Erasure {
            link: link.ok_or("it names no link")?,
        },
        other => {
            return Err(format!(
                "its kind is {}, which this version does not know: update the workers of the group",
                String::from_utf8_lossy(other)
            ));
        }
    };
    Ok(Transfer {
        to,
        passed,
        at,
        deployment: deployment
            .map(text)
            .transpose()?
            .map(|text| Arc::from(text.as_str())),
        content,
        offset: None,
    })
}

/// The topic of the record that a transfer passes on, and the schema id before that record's value; None: it has none.
pub fn passed_on(value: &[u8]) -> Option<(String, u32)> {
    let mut reader = Fields(Cursor::new(value, HEADER), value);
    let read = |reader: &mut Fields| -> Result<(Option<Id>, Option<Id>), Unreadable> {
        reader.bytes()?;
        reader.bytes()?;
        reader.long()?;
        reader.long()?;
        reader.optional(Fields::bytes)?;
        loop {
            let count = reader.0.count().map_err(|broken| broken.to_string())?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                reader.bytes()?;
                reader.bytes()?;
            }
        }
        let topic = reader.optional(Fields::bytes)?;
        for _ in 0..3 {
            reader.optional(Fields::long)?;
        }
        reader.optional(Fields::bytes)?;
        Ok((topic, reader.optional(Fields::bytes)?))
    };
    let (topic, record) = read(&mut reader).ok()?;
    let number = record?.get(1..HEADER)?.try_into().ok().map(u32::from_be_bytes)?;
    Some((text(topic?).ok()?, number))
}

fn text(bytes: Id) -> Result<String, Unreadable> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a text is not UTF-8".into())
}

struct Fields<'a>(Cursor<'a>, &'a [u8]);

impl Fields<'_> {
    fn long(&mut self) -> Result<i64, Unreadable> {
        self.0.long().map_err(|broken| broken.to_string())
    }

    fn bytes(&mut self) -> Result<Id, Unreadable> {
        let length = self.0.length().map_err(|broken| broken.to_string())?;
        let at = self.0.at();
        let found = self.1.get(at..at + length).ok_or("it ends early")?;
        self.0.skip(length);
        Ok(found.into())
    }

    fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        match self.0.byte().map_err(|broken| broken.to_string())? {
            0 => Ok(None),
            2 => read(self).map(Some),
            _ => Err("a branch of a union is unknown".into()),
        }
    }
}
