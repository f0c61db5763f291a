//! Shares of all customers, drawn by a name and the customer's own id: splits of rules, and arms.

use crate::mutants::m;
use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest as _};

/// Customers are spread over this many places: hundredths of a percent.
pub const BUCKETS: u64 = 10_000;

/// Whether a customer's bucket of a name lies from `from` to below `to`: of BLAKE2b with eight bytes of name, NUL and id, as
/// a number, the highest byte first.
pub fn split(name: &str, customer: &[u8], from: u32, to: u32) -> bool {
    let place = bucket(name, customer);
    u64::from(from) <= place && m!("a split has no end", place < u64::from(to), true)
}

fn bucket(name: &str, customer: &[u8]) -> u64 {
    let mut hash = Blake2b::<U8>::new();
    hash.update(name.as_bytes());
    hash.update(b"\0");
    hash.update(customer);
    u64::from_be_bytes(hash.finalize().into()) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The buckets are those that Python's hashlib gives.
    #[test]
    fn known_buckets() {
        let of = |name, customer: &str| bucket(name, customer.as_bytes());
        assert_eq!(
            KNOWN,
            [of("winter", "anna"), of("winter", "märz"), of("winter", "")]
        );
    }

    const KNOWN: [u64; 3] = [7827, 3832, 4571];

    /// A share begins with its first bucket, and ends before the one behind it.
    #[test]
    fn bounds() {
        let place = bucket("winter", b"anna") as u32;
        assert!(split("winter", b"anna", place, place + 1));
        assert!(!split("winter", b"anna", 0, place) && !split("winter", b"anna", place + 1, 10_000));
        assert!(split("winter", b"anna", 0, 10_000));
    }
}
