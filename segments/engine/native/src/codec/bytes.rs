//! Numbers and texts as bytes: whole numbers seven bits at a time, the lowest first.

use super::StateError;

/// Write a number that is not negative.
#[inline]
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Write a number with its sign in the lowest bit.
#[inline]
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, zigzag(number));
}

/// Write bytes after their number.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A number with its sign in the lowest bit.
#[inline]
pub fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

/// The number that [`zigzag`] was made of.
#[inline]
pub fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Reads what was written; an end that comes too early is an error.
#[derive(Clone)]
pub struct Reader<'a> {
    data: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub fn new(data: &'a [u8]) -> Reader<'a> {
        Reader { data }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.data
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, StateError> {
        let (first, rest) = self.data.split_first().ok_or(StateError::SHORT)?;
        self.data = rest;
        Ok(*first)
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], StateError> {
        let (taken, rest) = self.data.split_at_checked(count).ok_or(StateError::SHORT)?;
        self.data = rest;
        Ok(taken)
    }

    /// The next number that is not negative.
    #[inline]
    pub fn number(&mut self) -> Result<u64, StateError> {
        let (mut number, mut shift) = (0u64, 0);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
            if shift > 63 {
                return Err(StateError::new("a number has more than 64 bits"));
            }
        }
    }

    /// The next number as a count of things, each of at least this many bytes.
    pub fn count(&mut self, each: usize) -> Result<usize, StateError> {
        let count = self.number()?;
        if count > (self.data.len() / each) as u64 {
            Err(StateError::SHORT)
        } else {
            Ok(count as usize)
        }
    }

    /// The next number with its sign.
    #[inline]
    pub fn signed(&mut self) -> Result<i64, StateError> {
        Ok(unzigzag(self.number()?))
    }

    /// The next bytes, which their number goes before.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], StateError> {
        let count = self.number()?;
        self.take(usize::try_from(count).map_err(|_| StateError::SHORT)?)
    }

    /// The next text.
    pub fn text(&mut self) -> Result<&'a str, StateError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| StateError::new("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of every size come back; what ends early is an error.
    #[test]
    fn numbers_come_back() {
        for number in [0, 1, -1, 63, -64, 64, 1_795_000_000_000, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_signed(&mut out, number);
            put_bytes(&mut out, b"ann");
            let mut reader = Reader::new(&out);
            assert_eq!((reader.signed(), reader.text()), (Ok(number), Ok("ann")));
            assert_eq!(reader.byte(), Err(StateError::SHORT));
        }
        assert!(Reader::new(&[0xFF; 11]).number().is_err());
        assert!(Reader::new(&[200, 1, 7]).count(1).is_err());
    }
}
