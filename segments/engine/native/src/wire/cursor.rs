//! Reading numbers and texts from bytes of Avro; nothing read is trusted.
//!
//! A text may begin within the bytes and end beyond them: the next read fails then, or the check after the last field.
//! So the words for broken bytes are those of `schemas.binary`, which reads in the same way.

use super::record::Span;
use std::fmt;

/// What is wrong with the bytes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// They end within the record.
    Early,
    LongNumber,
    LongInt(i64),
    Length {
        declared: i64,
        left: usize,
    },
    Entries {
        declared: i128,
        left: usize,
    },
    Branch(i64),
    /// The writer's schema allows it, ours has no place for it.
    Unfit(String),
    Boolean(u8),
    Decimal,
    /// An amount that is no whole number of cents.
    Cents,
    /// Not UTF-8, and why.
    Text(&'static str),
    Depth(usize),
    Steps(usize),
    /// The record is longer than the bytes, by this many.
    Beyond(usize),
    /// So many bytes come after the record.
    Leftover(usize),
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Broken::Early => write!(out, "ends early"),
            Broken::LongNumber => write!(out, "a number longer than 64 bits"),
            Broken::LongInt(number) => write!(out, "{number}, which is longer than 32 bits"),
            Broken::Length { declared, left } => {
                write!(out, "a declared length of {declared} bytes, but {left} are left")
            }
            Broken::Entries { declared, left } => {
                write!(out, "{declared} declared entries, but {left} bytes are left")
            }
            Broken::Branch(branch) => write!(out, "{branch} is none of the branches of the union"),
            Broken::Unfit(why) => write!(out, "{why}"),
            Broken::Boolean(byte) => write!(out, "{byte} where a boolean is 0 or 1"),
            Broken::Decimal => write!(out, "a decimal takes 1 to 63 bytes"),
            Broken::Cents => write!(out, "an amount with more than two decimals"),
            Broken::Text(why) => write!(out, "text that is not UTF-8 ({why})"),
            Broken::Depth(most) => write!(out, "values nested more than {most} deep"),
            Broken::Steps(most) => write!(
                out,
                "more than {most} parts a byte in a field that is passed over"
            ),
            Broken::Beyond(bytes) => write!(out, "ends {bytes} bytes too early"),
            Broken::Leftover(bytes) => write!(out, "{bytes} bytes too many"),
        }
    }
}

/// What a read gives; the error is boxed, so that a result stays small.
pub type Read<T> = Result<T, Box<Broken>>;

#[cold]
fn fail<T>(broken: Broken) -> Read<T> {
    Err(Box::new(broken))
}

/// Reads from bytes, from the front.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Reads `data` from the place `at` on.
    pub fn new(data: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor { data, at }
    }

    /// The place of the next read.
    pub fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.data.len().saturating_sub(self.at)
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Read<u8> {
        match self.data.get(self.at) {
            Some(&byte) => {
                self.at += 1;
                Ok(byte)
            }
            None => fail(Broken::Early),
        }
    }

    /// A zigzag number.
    #[inline]
    pub fn long(&mut self) -> Read<i64> {
        let first = self.byte()?;
        if first < 128 {
            return Ok((first >> 1) as i64 ^ -((first & 1) as i64));
        }
        self.long_after(first)
    }

    fn long_after(&mut self, first: u8) -> Read<i64> {
        let mut number = (first & 127) as u64;
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            number |= ((byte & 127) as u64) << shift;
            if byte < 128 {
                let fits = shift < 63 || byte < 2;
                return if fits {
                    Ok((number >> 1) as i64 ^ -((number & 1) as i64))
                } else {
                    fail(Broken::LongNumber)
                };
            }
        }
        fail(Broken::LongNumber)
    }

    /// A number of 32 bits.
    pub fn int(&mut self) -> Read<i64> {
        let number = self.long()?;
        if i32::try_from(number).is_ok() {
            Ok(number)
        } else {
            fail(Broken::LongInt(number))
        }
    }

    /// A declared length, which can't be more than there is.
    pub fn length(&mut self) -> Read<usize> {
        let declared = self.long()?;
        let left = self.left();
        match usize::try_from(declared) {
            Ok(length) if length <= left => Ok(length),
            _ => fail(Broken::Length { declared, left }),
        }
    }

    /// The number of entries in a block of an array or a map; each takes a byte at least.
    #[inline]
    pub fn count(&mut self) -> Read<usize> {
        let declared = self.long()?;
        if declared < 0 {
            self.length()?;
        }
        let left = self.left();
        match usize::try_from(declared.unsigned_abs()) {
            Ok(count) if count <= left => Ok(count),
            _ => fail(Broken::Entries {
                declared: (declared as i128).abs(),
                left,
            }),
        }
    }

    /// Skip `bytes` bytes, which may lie beyond the end.
    #[inline]
    pub fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// A text.
    #[inline]
    pub fn text(&mut self) -> Read<Span> {
        let length = match self.data.get(self.at) {
            Some(&byte) if byte & 129 == 0 => {
                self.at += 1;
                (byte >> 1) as usize
            }
            _ => self.length()?,
        };
        let start = self.at;
        self.at += length;
        let bytes = &self.data[start..self.at.min(self.data.len())];
        check_text(bytes)?;
        Ok(Span::new(start, bytes.len()))
    }

    /// A decimal of 1 to 63 bytes: a whole number, big-endian in two's complement. What is beyond the end is missing.
    pub fn decimal(&mut self) -> Read<&'a [u8]> {
        let length = self.byte()?;
        if length & 129 != 0 || length == 0 {
            return fail(Broken::Decimal);
        }
        let start = self.at;
        self.at += (length >> 1) as usize;
        Ok(&self.data[start..self.at.min(self.data.len())])
    }

    /// A double, eight bytes.
    pub fn double(&mut self) -> Read<f64> {
        Ok(f64::from_le_bytes(self.fixed()?))
    }

    /// A float, four bytes.
    pub fn float(&mut self) -> Read<f64> {
        Ok(f32::from_le_bytes(self.fixed()?).into())
    }

    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let found = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        match found {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => fail(Broken::Early),
        }
    }

    /// A boolean, which is the byte 0 or 1.
    pub fn boolean(&mut self) -> Read<bool> {
        match self.byte()? {
            byte @ 0..=1 => Ok(byte == 1),
            byte => fail(Broken::Boolean(byte)),
        }
    }

    /// Whether the record ends where its bytes do.
    pub fn end(&self) -> Read<()> {
        match self.at.cmp(&self.data.len()) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => fail(Broken::Beyond(self.at - self.data.len())),
            std::cmp::Ordering::Less => fail(Broken::Leftover(self.left())),
        }
    }
}

fn check_text(bytes: &[u8]) -> Read<()> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => fail(Broken::Text(why_no_text(bytes, error))),
    }
}

/// In Python's words.
fn why_no_text(bytes: &[u8], error: std::str::Utf8Error) -> &'static str {
    match (error.error_len(), bytes[error.valid_up_to()]) {
        (None, _) => "unexpected end of data",
        (Some(_), 0xC2..=0xF4) => "invalid continuation byte",
        (Some(_), _) => "invalid start byte",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(bytes: &[u8]) -> Read<i64> {
        Cursor::new(bytes, 0).long()
    }

    /// Numbers at the borders of their lengths come back, and what is longer than 64 bits is refused.
    #[test]
    fn numbers() {
        for number in [0, 1, -1, 63, -64, 64, 8191, 8192, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            super::super::avro::long(&mut bytes, number);
            assert_eq!(long(&bytes), Ok(number));
        }
        let mut ten = [255u8; 11];
        ten[10] = 1;
        assert_eq!(long(&ten), fail(Broken::LongNumber));
        let mut nine = [255u8; 10];
        nine[9] = 2;
        assert_eq!(long(&nine), fail(Broken::LongNumber));
        assert_eq!(long(&[128; 9]), fail(Broken::Early));
    }

    /// The words of Python's decoder for each way of being no UTF-8.
    #[test]
    fn texts() {
        for (bytes, why) in [
            (&b"\xff"[..], "invalid start byte"),
            (b"a\x80", "invalid start byte"),
            (b"\xc0\x80", "invalid start byte"),
            (b"\xe0\x80\x80", "invalid continuation byte"),
            (b"\xed\xa0\x80", "invalid continuation byte"),
            (b"\xe2\x82", "unexpected end of data"),
            (b"\xf5\x80\x80\x80", "invalid start byte"),
        ] {
            assert_eq!(check_text(bytes), fail(Broken::Text(why)));
        }
    }
}
