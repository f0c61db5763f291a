//! Writing the primitives of Avro's binary encoding. Kafka's record format writes its numbers in the same way.

/// Append a zigzag number.
#[inline]
pub fn long(out: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    while left > 127 {
        out.push(left as u8 | 128);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Append bytes or a text: the length, then what it is.
#[inline]
pub fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// Append a value of the union of null and long.
pub fn optional_long(out: &mut Vec<u8>, number: Option<i64>) {
    optional(out, number, long);
}

/// Append a decimal by its unscaled number, in as few bytes as hold it, as Java's `BigInteger` does.
pub fn decimal(out: &mut Vec<u8>, number: i128) {
    let all = number.to_be_bytes();
    let sign = if number < 0 { 0xFF } else { 0 };
    let spare = all
        .windows(2)
        .take_while(|pair| pair[0] == sign && (pair[0] ^ pair[1]) & 0x80 == 0)
        .count();
    bytes(out, &all[spare..]);
}

/// Append a value of the union of null and a type.
pub fn optional<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            write(out, value);
        }
    }
}
