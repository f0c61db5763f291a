//! States as the engine in Python wrote them: a header of fixed width, then MessagePack.
//!
//! ```text
//! 8 bytes   the earliest instant at which something is due (2^62: none), big-endian
//! 2 bytes   the number of the layout
//! 2 bytes   how many segments, then 2 bytes for each: its place in the layout
//! the rest  a list; instants as milliseconds before the customer's own, or as the place of an id seen then
//! ```
//!
//! Times between ids lie in planes, the lowest byte of each first. A stream is how many entries it has (negative: of
//! visits), or a list of that and its columns; a map of these if it has keys. Its instants stand in one list with those
//! of the others, as codes: negative is later than the customer, below the number of ids the place of one.

use super::bytes::Reader;
use super::compact::joined;
use super::msgpack::Value;
use super::{Header, Shape, StateError};
use crate::bits::Bits;
use crate::customer::{Customer, DIGEST, Due, Episode, Profile, Trait, digest_from};
use crate::names::Names;
use crate::rows::{Groups, Kept, NULL, Rows};
use crate::times::BEFORE_ALL;
use crate::values::PLAIN;

pub fn header(mut reader: Reader) -> Result<(Header, Reader), StateError> {
    let due = i64::from_be_bytes(reader.take(8)?.try_into().map_err(|_| StateError::SHORT)?);
    let short = |reader: &mut Reader| {
        let bytes = reader.take(2)?;
        Ok::<_, StateError>(u32::from(bytes[0]) << 8 | u32::from(bytes[1]))
    };
    let layout = short(&mut reader)?.into();
    let count = short(&mut reader)?;
    let places = (0..count).map(|_| short(&mut reader)).collect::<Result<_, _>>()?;
    Ok((Header { due, layout, places }, reader))
}

pub fn decode(
    customer: &mut Customer,
    header: &Header,
    reader: Reader,
    shapes: &[Shape],
    names: &mut Names,
    find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), StateError> {
    let value = Value::read(reader.rest())?;
    let body = value.list()?;
    if body.len() != 15 {
        return Err(StateError::new("fifteen values were expected"));
    }
    read_customer(customer, header, body)?;
    let mut ways = (Vec::new(), Vec::new());
    // `sealed` stays `BEFORE_ALL`: that record has another format than what is written next, which is whole.
    if body[10].optional_int()?.is_some() {
        let data = find(&super::older_key(&customer.key))
            .ok_or_else(|| StateError::new("the record of what is older is missing"))?;
        customer.older = true;
        let value = Value::read(&data)?;
        let older = value.list()?;
        if older.len() != 7 {
            return Err(StateError::new("seven values were expected of what is older"));
        }
        ways = (places(&older[1])?, places(&older[2])?);
        unpack(customer, older[0].int()?, &older[3..], &ways, shapes.len(), names)?;
    }
    let now = customer.instant;
    unpack(customer, now, &body[11..], &ways, shapes.len(), names)?;
    // It was not counted then.
    customer.weight = usize::MAX >> 1;
    Ok(())
}

fn places(list: &Value) -> Result<Vec<usize>, StateError> {
    list.list()?
        .iter()
        .map(|place| Ok(place.int()? as usize))
        .collect()
}

fn read_customer(customer: &mut Customer, header: &Header, body: &[Value]) -> Result<(), StateError> {
    let now = body[0].int()?;
    customer.instant = now;
    customer.latest = body[1].optional_int()?.map_or(BEFORE_ALL, |ago| now - ago);
    customer.sequence = body[2].int()?;
    customer.profile_at = body[3].optional_int()?.unwrap_or(BEFORE_ALL);
    if customer.profile_at != BEFORE_ALL {
        customer.profile = Some(Box::new(profile(&body[4], &body[5])?));
    }
    customer.erased_at = body[6].optional_int()?.unwrap_or(BEFORE_ALL);
    let stays = body[7].list()?;
    if stays.len() != header.places.len() {
        return Err(StateError::new("the stays are not those of the header"));
    }
    for (rule, stay) in header.places.iter().zip(stays) {
        let [sequence, ago] = stay.list()? else {
            return Err(StateError::new("a stay has two values"));
        };
        customer.episodes.push(Episode {
            rule: *rule,
            value: PLAIN,
            sequence: sequence.int()?,
            at: now - ago.int()?,
            arm: None,
        });
    }
    customer.inside = Bits::of(header.places.iter().map(|place| *place as usize));
    for (rule, ahead) in body[8].map()? {
        customer.dues.push(Due {
            rule: rule.int()? as u32,
            value: PLAIN,
            at: now + ahead.int()?,
            exact: BEFORE_ALL,
        });
    }
    customer.entries = body[9].int()? as usize;
    Ok(())
}

fn profile(attributes: &Value, consents: &Value) -> Result<Profile, StateError> {
    let mut profile = Profile::default();
    for (name, value) in attributes.map()? {
        let value = match value {
            Value::Truth(truth) => Trait::Truth(*truth),
            Value::Float(number) => Trait::Number(*number),
            Value::Int(number) => Trait::Number(*number as f64),
            Value::Text(text) => Trait::Text((*text).into()),
            _ => return Err(StateError::new("an attribute of the profile has an unknown type")),
        };
        profile.traits.push((name.text()?.into(), value));
    }
    for (name, given) in consents.map()? {
        profile
            .consents
            .push((name.text()?.into(), *given == Value::Truth(true)));
    }
    Ok(profile)
}

/// Put entries behind those that a customer has; `ways`: which streams keep the latest alone, and which are of visits.
fn unpack(
    customer: &mut Customer,
    now: i64,
    found: &[Value],
    ways: &(Vec<usize>, Vec<usize>),
    streams: usize,
    names: &mut Names,
) -> Result<(), StateError> {
    let [digests, gaps, shapes, codes] = found else {
        return Err(StateError::SHORT);
    };
    let (digests, gaps) = (digests.bytes()?, gaps.bytes()?);
    let count = digests.len() / DIGEST;
    let mut seen = Vec::with_capacity(count);
    let mut at = now;
    for place in 0..count {
        let planes = (0..gaps.len().checked_div(count).unwrap_or(0)).rev();
        at -= planes.fold(0, |gap: i64, plane| {
            gap << 8 | i64::from(gaps[plane * count + place])
        });
        seen.push(at);
    }
    for place in (0..count).rev() {
        let digest = digest_from(digests[DIGEST * place..].first_chunk().ok_or(StateError::SHORT)?);
        if let Some(held) = customer.find_id(digest) {
            customer.ids.remove(held);
            customer.seen.remove(held);
        }
        customer.ids.push(digest);
        customer.seen.push(seen[place]);
    }
    let instant = |code: i64| match usize::try_from(code) {
        Ok(place) if place < count => seen[place],
        Ok(_) => now - code + count as i64,
        Err(_) => now - code,
    };
    let codes = codes
        .list()?
        .iter()
        .map(|code| code.int().map(instant))
        .collect::<Result<Vec<_>, _>>()?;
    let mut instants = codes.into_iter();
    for (place, shape) in shapes.map()? {
        let place = place.int()? as usize;
        if place >= streams {
            return Err(StateError::new("a stream is unknown"));
        }
        let way = Shape {
            latest: ways.0.contains(&place),
            visits: ways.1.contains(&place),
            ..Shape::default()
        };
        let (part, columns) = kept(shape, &mut instants, names)?;
        let way = Shape {
            texts: vec![false; columns],
            ..way
        };
        let before = std::mem::take(&mut customer.streams[place]);
        customer.streams[place] = joined(before, part, &way);
    }
    Ok(())
}

/// What a stream keeps, and how many columns it has.
fn kept(
    shape: &Value,
    instants: &mut impl Iterator<Item = i64>,
    names: &mut Names,
) -> Result<(Kept, usize), StateError> {
    let Value::Map(shapes) = shape else {
        let (rows, columns) = rows(shape, instants, names)?;
        return Ok((
            if rows.0.is_empty() {
                Kept::None
            } else {
                Kept::Rows(rows)
            },
            columns,
        ));
    };
    let mut groups = Groups::default();
    let mut columns = 0;
    for (key, shape) in shapes {
        let place = groups.enter(word(key, names)?);
        (groups.list[place].1, columns) = rows(shape, instants, names)?;
    }
    Ok((
        if groups.list.is_empty() {
            Kept::None
        } else {
            Kept::Keyed(Box::new(groups))
        },
        columns,
    ))
}

fn rows(
    shape: &Value,
    instants: &mut impl Iterator<Item = i64>,
    names: &mut Names,
) -> Result<(Rows, usize), StateError> {
    let (count, columns) = match shape {
        Value::List(list) => match list.split_first() {
            Some((count, columns)) => (count.int()?, columns),
            None => return Err(StateError::SHORT),
        },
        count => (count.int()?, &[][..]),
    };
    let (rows, visits) = (count.unsigned_abs() as usize, count < 0);
    let stride = 1 + columns.len() + usize::from(visits);
    let mut next = || instants.next().ok_or(StateError::SHORT);
    let mut words = vec![NULL; rows.min(1 << 24) * stride];
    for row in words.chunks_exact_mut(stride) {
        row[0] = next()?;
    }
    for (place, column) in columns.iter().enumerate() {
        let column = column.list()?;
        if column.len() != rows {
            return Err(StateError::new("a column has another length than its stream"));
        }
        for (row, value) in words.chunks_exact_mut(stride).zip(column) {
            row[1 + place] = word(value, names)?;
        }
    }
    if visits {
        for row in words.chunks_exact_mut(stride) {
            row[stride - 1] = next()?;
        }
    }
    Ok((Rows(words.into()), columns.len()))
}

fn word(value: &Value, names: &mut Names) -> Result<i64, StateError> {
    match value {
        Value::Nil => Ok(NULL),
        Value::Text(text) => Ok(names.intern(text.as_bytes())),
        number => number.int(),
    }
}
