//! The extra of what sources beside `profiles` told: of each its topic, the instant, the digest of
//! the record's id, the profile, its lists.

use super::bytes::{Reader, put_bytes, put_number, put_signed};
use super::compact::{put_profile, read_profile};
use super::{StateError, lists};
use crate::customer::{Customer, DIGEST, digest_bytes, digest_from};
use crate::sources::{PROFILES, Source, all, hold};

/// What other sources told. Empty: nothing.
pub fn put(customer: &Customer) -> Vec<u8> {
    let mut out = Vec::new();
    let sources = customer.sources.iter().flat_map(|sources| sources.iter());
    for source in sources.filter(|source| *source.topic != *PROFILES) {
        put_bytes(&mut out, source.topic.as_bytes());
        put_signed(&mut out, customer.instant.wrapping_sub(source.at));
        out.extend_from_slice(&digest_bytes(source.digest));
        put_profile(&mut out, Some(&source.profile));
        let lists = lists::put(Some(&source.profile));
        put_number(&mut out, lists.len() as u64);
        out.extend_from_slice(&lists);
    }
    out
}

/// Read what `put` wrote.
pub fn read(reader: &mut Reader, instant: i64) -> Result<Vec<Source>, StateError> {
    let mut found = Vec::new();
    while !reader.is_empty() {
        let topic = reader.text()?.into();
        let at = instant.wrapping_sub(reader.signed()?);
        let digest: &[u8; DIGEST] = reader.take(DIGEST)?.try_into().map_err(|_| StateError::SHORT)?;
        let digest = digest_from(digest);
        let mut profile = read_profile(reader)?;
        let length = reader.count(1)?;
        lists::read(&mut Reader::new(reader.take(length)?), &mut profile)?;
        found.push(Source {
            topic,
            at,
            digest,
            profile,
        });
    }
    Ok(found)
}

/// Put what other sources told beside what `profiles` did.
pub fn join(customer: &mut Customer, others: Vec<Source>) {
    let mut sources = all(customer);
    sources.extend(others);
    hold(customer, sources);
}
