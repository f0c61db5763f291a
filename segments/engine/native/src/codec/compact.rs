//! Format 2. All numbers are those of [`super::bytes`]; instants count back from the customer's own.
//!
//! ```text
//! header    2, when something is due (0: never), the layout, the places of segments
//! customer  its instant, flags, the instants that the flags announce, sequence, profile, counts, stays, dues, and if
//!           flagged the extras
//! body      the instants of all entries, the latest first and each once; ids as digests with the places of their
//!           instants; texts, each once; streams: keys, counts, places of instants, column after column
//! ```
//!
//! Most entries share their instant with an id and with each other, so most of them cost a byte and their texts' places.
//! The second record is the body alone, of what is older, after its format and the instant.

use super::bytes::{Reader, put_bytes, put_number, put_signed, unzigzag, zigzag};
use super::extras;
use super::parts::{Part, Parts};
use super::{FORMAT, Header, Scratch, Shape, StateError};
use crate::bits::Bits;
use crate::customer::{Customer, DIGEST, Due, Episode, Profile, Trait, digest_bytes, digest_from};
use crate::mutants::m;
use crate::names::Names;
use crate::plan::FieldKind;
use crate::rows::{Groups, Kept, NULL, Rows};
use crate::rules::{Rules, Stream};
use crate::sources::{PROFILES, told, told_at};
use crate::times::{BEFORE_ALL, NEVER};
use crate::values::PLAIN;
use smallvec::SmallVec;
use std::sync::Arc;

const LATEST: u8 = 1;
const PROFILE: u8 = 2;
const ERASED: u8 = 4;
const SEALED: u8 = 8;
const EXTRAS: u8 = 16;

pub fn header(mut reader: Reader) -> Result<(Header, Reader), StateError> {
    let due = match reader.number()? {
        0 => NEVER,
        due => unzigzag(due - 1),
    };
    let layout = reader.number()?;
    let count = reader.count(1)?;
    let places = (0..count)
        .map(|_| Ok(reader.number()? as u32))
        .collect::<Result<_, StateError>>()?;
    Ok((Header { due, layout, places }, reader))
}

/// The first record, with these entries.
pub fn record(
    customer: &Customer,
    rules: &Rules,
    names: &Names,
    layout: u64,
    parts: &Parts,
    scratch: &mut Scratch,
) -> Arc<[u8]> {
    let mut out = scratch.taken();
    out.push(FORMAT);
    let due = customer.due(rules.plan.retention);
    put_number(
        &mut out,
        if m!("what is due is written late", due >= NEVER, true) {
            0
        } else {
            1 + zigzag(due)
        },
    );
    put_number(&mut out, layout);
    put_number(&mut out, customer.episodes.len() as u64);
    for episode in &customer.episodes {
        put_number(&mut out, episode.rule as u64);
    }
    put_customer(&mut out, customer, names);
    put_body(&mut out, customer, rules, names, parts, scratch);
    scratch.given(out)
}

/// The second record: all entries.
pub fn older(customer: &Customer, rules: &Rules, names: &Names, scratch: &mut Scratch) -> Arc<[u8]> {
    let mut out = scratch.taken();
    out.push(FORMAT);
    put_signed(&mut out, customer.instant);
    let parts = Parts::later(customer, rules, BEFORE_ALL);
    put_body(&mut out, customer, rules, names, &parts, scratch);
    scratch.given(out)
}

fn put_customer(out: &mut Vec<u8>, customer: &Customer, names: &Names) {
    let now = customer.instant;
    put_signed(out, now);
    let instants = [
        (LATEST, customer.latest),
        (PROFILE, told_at(customer, PROFILES)),
        (ERASED, customer.erased_at),
        (SEALED, customer.sealed),
    ];
    let there = || instants.iter().filter(|each| each.1 != BEFORE_ALL);
    let extras = extras::of(customer, names);
    let flags: u8 = there().map(|each| each.0).sum();
    out.push(if extras.is_empty() { flags } else { flags | EXTRAS });
    there().for_each(|each| put_signed(out, now - each.1));
    put_number(out, customer.sequence as u64);
    if told_at(customer, PROFILES) != BEFORE_ALL {
        put_profile(out, told(customer, PROFILES));
    }
    put_number(out, customer.entries as u64);
    put_number(out, customer.weight as u64);
    for episode in &customer.episodes {
        put_number(out, episode.sequence as u64);
        put_signed(out, now - episode.at);
    }
    put_number(out, customer.dues.len() as u64);
    for due in &customer.dues {
        put_number(out, due.rule as u64);
        put_signed(out, due.at - now);
    }
    if !extras.is_empty() {
        extras::put(out, &extras);
    }
}

pub fn put_profile(out: &mut Vec<u8>, profile: Option<&Profile>) {
    let nothing = Profile::default();
    let profile = profile.unwrap_or(&nothing);
    put_number(out, profile.traits.len() as u64);
    for (name, value) in &profile.traits {
        put_bytes(out, name.as_bytes());
        match value {
            Trait::Truth(truth) => out.push(u8::from(*truth)),
            Trait::Number(number) => {
                out.push(2);
                out.extend_from_slice(&number.to_le_bytes());
            }
            Trait::Text(text) => {
                out.push(3);
                put_bytes(out, text.as_bytes());
            }
        }
    }
    put_number(out, profile.consents.len() as u64);
    for (name, given) in &profile.consents {
        put_bytes(out, name.as_bytes());
        out.push(u8::from(*given));
    }
}

/// Places of instants in a table of them, the latest first: found by going on from the place before.
struct Places<'a> {
    instants: &'a [i64],
    at: usize,
}

impl Places<'_> {
    /// The place of an instant that is not later than the one before.
    fn next(&mut self, instant: i64) -> usize {
        let rest = &self.instants[self.at..];
        // The first of a key may be anywhere, the next ones are near.
        let steps = if self.at == 0 { 1 } else { 8 };
        let near = rest.iter().take(steps).position(|each| *each <= instant);
        self.at += near.unwrap_or_else(|| rest.partition_point(|each| *each > instant));
        self.at
    }
}

fn put_body(
    out: &mut Vec<u8>,
    customer: &Customer,
    rules: &Rules,
    names: &Names,
    parts: &Parts,
    scratch: &mut Scratch,
) {
    let mut instants = std::mem::take(&mut scratch.instants);
    parts.gather(customer, rules, &mut instants);
    put_number(out, instants.len() as u64);
    let mut before = customer.instant;
    for instant in &instants {
        put_signed(out, before - instant);
        before = *instant;
    }
    let first = parts.ids;
    put_number(out, (customer.seen.len() - first) as u64);
    let mut places = Places {
        instants: &instants,
        at: 0,
    };
    for seen in customer.seen[first..].iter().rev() {
        let before = places.at;
        put_number(out, (places.next(*seen) - before) as u64);
    }
    customer.ids[first..]
        .iter()
        .rev()
        .for_each(|id| out.extend_from_slice(&digest_bytes(*id)));
    scratch.writing = scratch.writing.wrapping_add(1);
    scratch.met.resize(names.room(), (0, 0));
    scratch.texts.clear();
    let mut rows = std::mem::take(&mut scratch.rows);
    rows.clear();
    for (place, stream) in rules.streams.iter().enumerate() {
        put_stream(&mut rows, stream, place, parts.of(place), &instants, scratch);
    }
    put_number(out, scratch.texts.len() as u64);
    for text in &scratch.texts {
        put_bytes(out, names.text(*text));
    }
    out.extend_from_slice(&rows);
    (scratch.instants, scratch.rows) = (instants, rows);
}

fn put_stream(
    out: &mut Vec<u8>,
    stream: &Stream,
    place: usize,
    parts: &[Part],
    instants: &[i64],
    scratch: &mut Scratch,
) {
    if parts.is_empty() {
        return;
    }
    put_number(out, 1 + place as u64);
    if let Some(key) = &stream.key {
        put_number(out, parts.len() as u64);
        for part in parts {
            put_word(out, part.key, key.kind == FieldKind::Text, scratch);
        }
    }
    let single = parts.iter().all(|part| part.rows.len() == 1);
    out.push(u8::from(!single));
    if !single {
        parts
            .iter()
            .for_each(|part| put_number(out, part.rows.len() as u64));
    }
    for part in parts {
        let mut places = Places { instants, at: 0 };
        for row in (0..part.rows.len()).rev() {
            let before = places.at;
            put_number(out, (places.next(part.rows.at(row)) - before) as u64);
        }
    }
    for (column, field) in stream.columns.iter().enumerate() {
        for part in parts {
            for row in (0..part.rows.len()).rev() {
                put_word(
                    out,
                    part.rows.word(row, column + 1),
                    field.kind == FieldKind::Text,
                    scratch,
                );
            }
        }
    }
    if stream.visits {
        for part in parts {
            let mut places = Places { instants, at: 0 };
            for row in (0..part.rows.len()).rev() {
                let before = places.at;
                put_number(
                    out,
                    (places.next(part.rows.word(row, stream.stride - 1)) - before) as u64,
                );
            }
        }
    }
}

/// A missing word is 0; since `NULL` is the least number, its neighbour on the other side of 2^64 is 0 by itself.
fn put_word(out: &mut Vec<u8>, word: i64, text: bool, scratch: &mut Scratch) {
    if !text || word == NULL {
        return put_number(out, zigzag(word).wrapping_add(1));
    }
    let (writing, count) = (scratch.writing, scratch.texts.len() as u32);
    let met = &mut scratch.met[word as usize];
    if met.0 != writing {
        *met = (writing, count);
        scratch.texts.push(word);
    }
    put_number(out, 1 + u64::from(met.1));
}

pub fn decode(
    customer: &mut Customer,
    header: &Header,
    mut reader: Reader,
    shapes: &[Shape],
    names: &mut Names,
    find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), StateError> {
    read_customer(&mut reader, customer, header, names)?;
    if customer.sealed > BEFORE_ALL {
        let data = find(&super::older_key(&customer.key))
            .ok_or_else(|| StateError::new("the record of what is older is missing"))?;
        customer.older = true;
        let mut older = Reader::new(&data);
        if older.byte()? != FORMAT {
            return Err(StateError::new("the record of what is older has another format"));
        }
        let then = older.signed()?;
        read_body(&mut older, customer, then, shapes, names)?;
    }
    let now = customer.instant;
    read_body(&mut reader, customer, now, shapes, names)
}

fn read_customer(
    reader: &mut Reader,
    customer: &mut Customer,
    header: &Header,
    names: &mut Names,
) -> Result<(), StateError> {
    let now = reader.signed()?;
    customer.instant = now;
    let flags = reader.byte()?;
    let mut instant = |flag| {
        Ok(if flags & flag != 0 {
            now - reader.signed()?
        } else {
            BEFORE_ALL
        })
    };
    customer.latest = instant(LATEST)?;
    customer.profile_at = instant(PROFILE)?;
    customer.erased_at = instant(ERASED)?;
    customer.sealed = instant(SEALED)?;
    customer.sequence = reader.number()? as i64;
    if customer.profile_at != BEFORE_ALL {
        customer.profile = Some(Box::new(read_profile(reader)?));
    }
    customer.entries = reader.number()? as usize;
    customer.weight = reader.number()? as usize;
    customer.episodes.reserve_exact(header.places.len());
    for rule in &header.places {
        let (sequence, at) = (reader.number()? as i64, now - reader.signed()?);
        customer.episodes.push(Episode {
            rule: *rule,
            value: PLAIN,
            sequence,
            at,
            arm: None,
        });
    }
    customer.inside = Bits::of(header.places.iter().map(|place| *place as usize));
    let count = reader.count(2)?;
    customer.dues.reserve_exact(count);
    for _ in 0..count {
        let (rule, at) = (reader.number()? as u32, now + reader.signed()?);
        customer.dues.push(Due {
            rule,
            value: PLAIN,
            at,
            exact: BEFORE_ALL,
        });
    }
    if flags & EXTRAS != 0 {
        extras::read(reader, customer, names)?;
    }
    Ok(())
}

pub fn read_profile(reader: &mut Reader) -> Result<Profile, StateError> {
    let mut profile = Profile::default();
    for _ in 0..reader.count(2)? {
        let name = reader.text()?.into();
        let value = match reader.byte()? {
            0 => Trait::Truth(false),
            1 => Trait::Truth(true),
            2 => Trait::Number(f64::from_le_bytes(
                reader.take(8)?.try_into().map_err(|_| StateError::SHORT)?,
            )),
            3 => Trait::Text(reader.text()?.into()),
            _ => return Err(StateError::new("an attribute of the profile has an unknown type")),
        };
        profile.traits.push((name, value));
    }
    for _ in 0..reader.count(2)? {
        let name = reader.text()?.into();
        profile.consents.push((name, reader.byte()? == 1));
    }
    Ok(profile)
}

/// What is read of a body before its streams.
struct Tables {
    instants: Vec<i64>,
    texts: Vec<i64>,
}

impl Tables {
    /// An instant by its place, which is told as a distance from the place before.
    fn instant(&self, reader: &mut Reader, at: &mut usize) -> Result<i64, StateError> {
        *at = at.saturating_add(reader.number()? as usize);
        self.instants
            .get(*at)
            .copied()
            .ok_or_else(|| StateError::new("an instant is missing"))
    }

    fn word(&self, reader: &mut Reader, text: bool) -> Result<i64, StateError> {
        match reader.number()? {
            0 => Ok(NULL),
            place if text => {
                let found = self.texts.get(place as usize - 1);
                found.copied().ok_or_else(|| StateError::new("a text is missing"))
            }
            number => Ok(unzigzag(number - 1)),
        }
    }
}

/// Put entries behind those that a customer has.
fn read_body(
    reader: &mut Reader,
    customer: &mut Customer,
    mut now: i64,
    shapes: &[Shape],
    names: &mut Names,
) -> Result<(), StateError> {
    let mut tables = Tables {
        instants: Vec::new(),
        texts: Vec::new(),
    };
    for _ in 0..reader.count(1)? {
        now -= reader.signed()?;
        tables.instants.push(now);
    }
    let count = reader.count(1 + DIGEST)?;
    let mut at = 0;
    let seen: Result<Vec<i64>, _> = (0..count).map(|_| tables.instant(reader, &mut at)).collect();
    let digests = reader.take(count * DIGEST)?.as_chunks::<DIGEST>().0;
    let again = !customer.ids.is_empty();
    customer.ids.reserve_exact(count);
    customer.seen.reserve_exact(count);
    for (seen, digest) in seen?.into_iter().rev().zip(digests.iter().rev().map(digest_from)) {
        if again && let Some(place) = customer.find_id(digest) {
            customer.ids.remove(place);
            customer.seen.remove(place);
        }
        customer.ids.push(digest);
        customer.seen.push(seen);
    }
    for _ in 0..reader.count(1)? {
        tables.texts.push(names.intern(reader.bytes()?));
    }
    while !reader.rest().is_empty() {
        let place = reader.number()? as usize;
        let shape = shapes
            .get(place.wrapping_sub(1))
            .ok_or_else(|| StateError::new("a stream is unknown"))?;
        let part = read_stream(reader, shape, &tables)?;
        let held = std::mem::take(&mut customer.streams[place - 1]);
        customer.streams[place - 1] = joined(held, part, shape);
    }
    Ok(())
}

fn read_stream(reader: &mut Reader, shape: &Shape, tables: &Tables) -> Result<Kept, StateError> {
    let groups = if shape.key.is_some() { reader.count(1)? } else { 1 };
    let text = shape.key == Some(true);
    let keys = match shape.key {
        None => Vec::new(),
        Some(_) => (0..groups)
            .map(|_| tables.word(reader, text))
            .collect::<Result<Vec<_>, _>>()?,
    };
    let single = reader.byte()? == 0;
    let count = |reader: &mut Reader| if single { Ok(1) } else { reader.count(1) };
    let counts = (0..groups)
        .map(|_| count(reader))
        .collect::<Result<Vec<_>, _>>()?;
    let stride = shape.stride();
    let mut parts: Vec<Rows> = Vec::with_capacity(groups);
    for count in &counts {
        let mut rows = Rows(SmallVec::from_elem(NULL, count * stride));
        read_instants(reader, tables, &mut rows, stride, 0)?;
        parts.push(rows);
    }
    for (column, text) in shape.texts.iter().enumerate() {
        for rows in &mut parts {
            for row in rows.0.chunks_exact_mut(stride).rev() {
                row[column + 1] = tables.word(reader, *text)?;
            }
        }
    }
    if shape.visits {
        for rows in &mut parts {
            read_instants(reader, tables, rows, stride, stride - 1)?;
        }
    }
    if shape.key.is_none() {
        return Ok(parts
            .pop()
            .filter(|rows| !rows.0.is_empty())
            .map_or(Kept::None, Kept::Rows));
    }
    Ok(Groups::of(
        keys.into_iter()
            .zip(parts)
            .filter(|group| !group.1.0.is_empty())
            .collect(),
    ))
}

fn read_instants(
    reader: &mut Reader,
    tables: &Tables,
    rows: &mut Rows,
    stride: usize,
    column: usize,
) -> Result<(), StateError> {
    let mut at = 0;
    for row in rows.0.chunks_exact_mut(stride).rev() {
        row[column] = tables.instant(reader, &mut at)?;
    }
    Ok(())
}

/// A stream of which `later` told the newer part. Only the latest may count; a visit may have gone on since.
pub fn joined(older: Kept, newer: Kept, shape: &Shape) -> Kept {
    match (older, newer) {
        (older, Kept::None) => older,
        (Kept::Rows(older), Kept::Rows(newer)) => Kept::Rows(joined_rows(older, newer, shape)),
        (Kept::Keyed(mut older), Kept::Keyed(newer)) => {
            for (key, rows) in newer.list {
                let place = older.enter(key);
                let before = std::mem::take(&mut older.list[place].1);
                older.list[place].1 = joined_rows(before, rows, shape);
            }
            Kept::Keyed(older)
        }
        (_, newer) => newer,
    }
}

fn joined_rows(mut older: Rows, newer: Rows, shape: &Shape) -> Rows {
    if m!(
        "what is older is the latest",
        shape.latest || older.0.is_empty(),
        older.0.is_empty()
    ) {
        return newer;
    }
    if shape.visits {
        let first = newer.0[0];
        let kept = older
            .0
            .chunks_exact(shape.stride())
            .take_while(|row| m!("a visit is there twice", row[0] < first, row[0] <= first))
            .count();
        older.0.truncate(kept * shape.stride());
    }
    older.0.extend_from_slice(&newer.0);
    older
}
