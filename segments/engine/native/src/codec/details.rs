//! The extra of [`crate::details`]: of each stay that has some, its place among the stays, how many, names and texts.

use super::StateError;
use super::bytes::{Reader, put_bytes, put_number};
use crate::customer::Customer;
use crate::details::KeptDetails;

/// The details of a customer's stays. Empty: there are none.
pub fn put(customer: &Customer) -> Vec<u8> {
    let mut out = Vec::new();
    for kept in customer.details.iter().flat_map(|details| details.iter()) {
        let mut stays = customer.episodes.iter();
        let Some(place) = stays.position(|stay| stay.rule == kept.rule && stay.value == kept.value) else {
            continue;
        };
        put_number(&mut out, place as u64);
        put_number(&mut out, kept.texts.len() as u64);
        for (name, text) in &kept.texts {
            put_bytes(&mut out, name.as_bytes());
            put_bytes(&mut out, text);
        }
    }
    out
}

/// Read what `put` wrote, once the stays and their values are there.
pub fn read(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    while !reader.is_empty() {
        let stay = customer.episodes.get(reader.number()? as usize);
        let stay = *stay.ok_or_else(|| StateError::new("a stay is missing"))?;
        let mut texts = Vec::new();
        for _ in 0..reader.count(2)? {
            texts.push((reader.text()?.into(), reader.bytes()?.into()));
        }
        customer.details.get_or_insert_default().push(KeptDetails {
            rule: stay.rule,
            value: stay.value,
            texts,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Episode;
    use crate::values::PLAIN;
    use std::sync::Arc;

    /// Details come back with their stays; cut short they are refused, or fewer.
    #[test]
    fn details_come_back() {
        let mut ann = Customer::new(Arc::from(&b"ann"[..]), 0);
        for rule in 0..3 {
            let (value, sequence, at, arm) = (PLAIN, 1, 5, None);
            ann.episodes.push(Episode {
                rule,
                value,
                sequence,
                at,
                arm,
            });
        }
        assert!(put(&ann).is_empty());
        let of_rule = |rule| KeptDetails {
            rule,
            value: PLAIN,
            texts: vec![
                ("spent".into(), (*b"520.00").into()),
                ("what".into(), "[\"märz\"]".as_bytes().into()),
            ],
        };
        ann.details = Some(Box::new(vec![of_rule(2), of_rule(0)]));
        let bytes = put(&ann);
        let mut other = ann.clone();
        other.details = None;
        read(&mut Reader::new(&bytes), &mut other).unwrap();
        assert_eq!(other.details, ann.details);
        for end in 0..bytes.len() {
            let _ = read(&mut Reader::new(&bytes[..end]), &mut other.clone());
        }
    }
}
