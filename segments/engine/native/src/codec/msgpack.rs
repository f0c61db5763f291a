//! MessagePack, as far as earlier states use it: read only.

use super::StateError;
use super::bytes::Reader;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// None.
    Nil,
    /// True or false.
    Truth(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list.
    List(Vec<Value<'a>>),
    /// Pairs, in their order.
    Map(Vec<(Value<'a>, Value<'a>)>),
}

/// How deep lists and maps may lie in each other: those of states lie four deep.
const DEPTH: usize = 16;

impl<'a> Value<'a> {
    /// The value that all of these bytes are.
    pub fn read(data: &'a [u8]) -> Result<Value<'a>, StateError> {
        let mut reader = Reader::new(data);
        let value = read(&mut reader, DEPTH)?;
        if reader.rest().is_empty() {
            Ok(value)
        } else {
            Err(StateError::new("bytes are left over"))
        }
    }

    /// A whole number.
    pub fn int(&self) -> Result<i64, StateError> {
        match self {
            Value::Int(number) => Ok(*number),
            _ => Err(StateError::new("a whole number was expected")),
        }
    }

    /// A whole number, or None.
    pub fn optional_int(&self) -> Result<Option<i64>, StateError> {
        if *self == Value::Nil {
            Ok(None)
        } else {
            self.int().map(Some)
        }
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str, StateError> {
        match self {
            Value::Text(text) => Ok(text),
            _ => Err(StateError::new("a text was expected")),
        }
    }

    /// Bytes.
    pub fn bytes(&self) -> Result<&'a [u8], StateError> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(StateError::new("bytes were expected")),
        }
    }

    /// A list.
    pub fn list(&self) -> Result<&[Value<'a>], StateError> {
        match self {
            Value::List(list) => Ok(list),
            _ => Err(StateError::new("a list was expected")),
        }
    }

    /// Pairs.
    pub fn map(&self) -> Result<&[(Value<'a>, Value<'a>)], StateError> {
        match self {
            Value::Map(map) => Ok(map),
            _ => Err(StateError::new("a map was expected")),
        }
    }

    /// The value under a name of a map.
    pub fn get(&self, name: &str) -> Result<&Value<'a>, StateError> {
        let found = self.map()?.iter().find(|pair| pair.0 == Value::Text(name));
        found
            .map(|pair| &pair.1)
            .ok_or_else(|| StateError::new(format!("{name} is missing")))
    }
}

fn big(reader: &mut Reader, size: usize) -> Result<u64, StateError> {
    Ok(reader
        .take(size)?
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn text<'a>(reader: &mut Reader<'a>, size: u64) -> Result<Value<'a>, StateError> {
    let bytes = reader.take(size as usize)?;
    std::str::from_utf8(bytes)
        .map(Value::Text)
        .map_err(|_| StateError::new("a text is not UTF-8"))
}

fn list<'a>(reader: &mut Reader<'a>, size: u64, depth: usize) -> Result<Value<'a>, StateError> {
    (0..size)
        .map(|_| read(reader, depth))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

fn map<'a>(reader: &mut Reader<'a>, size: u64, depth: usize) -> Result<Value<'a>, StateError> {
    let pair = |_| Ok((read(reader, depth)?, read(reader, depth)?));
    (0..size).map(pair).collect::<Result<_, _>>().map(Value::Map)
}

fn read<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Value<'a>, StateError> {
    let deeper = depth
        .checked_sub(1)
        .ok_or_else(|| StateError::new("lists lie too deep in each other"))?;
    let first = reader.byte()?;
    Ok(match first {
        0x00..=0x7F => Value::Int(first as i64),
        0x80..=0x8F => map(reader, (first & 15) as u64, deeper)?,
        0x90..=0x9F => list(reader, (first & 15) as u64, deeper)?,
        0xA0..=0xBF => text(reader, (first & 31) as u64)?,
        0xC0 => Value::Nil,
        0xC2 | 0xC3 => Value::Truth(first == 0xC3),
        0xC4..=0xC6 => {
            let size = big(reader, 1 << (first - 0xC4))?;
            Value::Bytes(reader.take(size as usize)?)
        }
        0xCA => Value::Float(f32::from_bits(big(reader, 4)? as u32) as f64),
        0xCB => Value::Float(f64::from_bits(big(reader, 8)?)),
        0xCC..=0xCF => {
            let number = big(reader, 1 << (first - 0xCC))?;
            Value::Int(i64::try_from(number).map_err(|_| StateError::new("a number is too large"))?)
        }
        0xD0..=0xD3 => {
            let size = 1 << (first - 0xD0);
            let unused = 64 - 8 * size as u32;
            Value::Int((big(reader, size)? << unused) as i64 >> unused)
        }
        0xD9..=0xDB => {
            let size = big(reader, 1 << (first - 0xD9))?;
            text(reader, size)?
        }
        0xDC | 0xDD => {
            let size = big(reader, 2 << (first - 0xDC))?;
            list(reader, size, deeper)?
        }
        0xDE | 0xDF => {
            let size = big(reader, 2 << (first - 0xDE))?;
            map(reader, size, deeper)?
        }
        0xE0..=0xFF => Value::Int(first as i8 as i64),
        _ => return Err(StateError::new("a value has an unknown type")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of every size as msgspec writes them.
    #[test]
    fn reads_what_was_written() {
        let data = b"\x97\xc0\xc3\xff\xd1\xff\x00\xcd\x01\x00\xa3ann\x81\x01\xc4\x02\x07\x08";
        let list = Value::read(data);
        let expected = Value::List(vec![
            Value::Nil,
            Value::Truth(true),
            Value::Int(-1),
            Value::Int(-256),
            Value::Int(256),
            Value::Text("ann"),
            Value::Map(vec![(Value::Int(1), Value::Bytes(&[7, 8]))]),
        ]);
        assert_eq!(list, Ok(expected));
        let half = b"\xcb\x3f\xe0\0\0\0\0\0\0";
        assert_eq!(Value::read(half), Ok(Value::Float(0.5)));
    }

    /// Bytes that end early, go on, or lie too deep are errors.
    #[test]
    fn refuses_what_is_none() {
        for data in [
            &b""[..],
            b"\xa5ann",
            b"\xc1",
            b"\x01\x02",
            &[0x91; 40],
            b"\xdd\xff\xff\xff\xff",
        ] {
            assert!(Value::read(data).is_err());
        }
    }
}
