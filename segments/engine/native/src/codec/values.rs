//! The extra of [`crate::values`]: the values of stays and dues, and what holds the customer back at a value.
//!
//! ```text
//! texts        each once
//! stays, dues  for each that has a value: its place among all, and the place of its text; in order
//! enters       rule, text, instant before the customer's own, span
//! beginnings   rule, text, instant before the customer's own
//! ```

use super::StateError;
use super::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::customer::Customer;
use crate::held_back::{Beginning, Enter};
use crate::names::Names;
use crate::values::PLAIN;
use hashbrown::HashMap;

/// The values of a customer. Empty: there is none.
pub fn put(customer: &Customer, names: &Names) -> Vec<u8> {
    let mut writing = Writing::default();
    writing.places(customer.episodes.iter().map(|episode| episode.value));
    writing.places(customer.dues.iter().map(|due| due.value));
    let (now, back) = (customer.instant, customer.held_back.as_ref());
    let enters = back.into_iter().flat_map(|back| back.counting(now));
    let enters: Vec<&Enter> = enters.filter(|enter| enter.value != PLAIN).collect();
    put_number(&mut writing.out, enters.len() as u64);
    for enter in enters {
        writing.valued(enter.rule, enter.value);
        put_signed(&mut writing.out, now - enter.at);
        put_signed(&mut writing.out, enter.span);
    }
    let beginnings = back.into_iter().flat_map(|back| &back.beginnings);
    for beginning in beginnings.filter(|beginning| beginning.value != PLAIN) {
        writing.valued(beginning.rule, beginning.value);
        put_signed(&mut writing.out, now - beginning.at);
    }
    if writing.texts.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    put_number(&mut out, writing.texts.len() as u64);
    for text in &writing.texts {
        put_bytes(&mut out, names.text((*text).into()));
    }
    out.extend_from_slice(&writing.out);
    out
}

#[derive(Default)]
struct Writing {
    texts: Vec<u32>,
    /// By value its place among the texts.
    places: HashMap<u32, u64>,
    out: Vec<u8>,
}

impl Writing {
    /// Which of a list have a value, and which.
    fn places(&mut self, values: impl Iterator<Item = u32>) {
        let found: Vec<(usize, u32)> = values.enumerate().filter(|each| each.1 != PLAIN).collect();
        put_number(&mut self.out, found.len() as u64);
        for (place, value) in found {
            put_number(&mut self.out, place as u64);
            self.text(value);
        }
    }

    fn valued(&mut self, rule: u32, value: u32) {
        put_number(&mut self.out, rule.into());
        self.text(value);
    }

    fn text(&mut self, value: u32) {
        let place = *self.places.entry(value).or_insert_with(|| {
            self.texts.push(value);
            self.texts.len() as u64 - 1
        });
        put_number(&mut self.out, place);
    }
}

/// Read what `put` wrote, once the stays and dues are there.
pub fn read(reader: &mut Reader, customer: &mut Customer, names: &mut Names) -> Result<(), StateError> {
    let mut texts = Vec::new();
    for _ in 0..reader.count(1)? {
        texts.push(names.intern(reader.bytes()?) as u32);
    }
    let text = |reader: &mut Reader| {
        let found = texts.get(reader.number()? as usize).copied();
        found.ok_or_else(|| StateError::new("a value is missing"))
    };
    for _ in 0..reader.count(2)? {
        let found = customer.episodes.get_mut(reader.number()? as usize);
        found.ok_or_else(|| StateError::new("a stay is missing"))?.value = text(reader)?;
    }
    for _ in 0..reader.count(2)? {
        let found = customer.dues.get_mut(reader.number()? as usize);
        found.ok_or_else(|| StateError::new("a due is missing"))?.value = text(reader)?;
    }
    let now = customer.instant;
    for _ in 0..reader.count(4)? {
        let (rule, value) = (reader.number()? as u32, text(reader)?);
        let (at, span) = (now - reader.signed()?, reader.signed()?);
        let back = customer.held_back.get_or_insert_default();
        back.enters.push(Enter {
            rule,
            value,
            at,
            span,
        });
    }
    while !reader.is_empty() {
        let (rule, value) = (reader.number()? as u32, text(reader)?);
        let at = now - reader.signed()?;
        let back = customer.held_back.get_or_insert_default();
        back.beginnings.push(Beginning { rule, value, at });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Episode;
    use std::sync::Arc;

    /// What has a value comes back with it, beside what has none; without any there are no bytes.
    #[test]
    fn values_come_back() {
        let mut names = Names::default();
        let (shoes, hats) = (names.intern(b"shoes") as u32, names.intern(b"hats") as u32);
        let mut ann = Customer::new(Arc::from(&b"ann"[..]), 0);
        ann.instant = 100;
        for (rule, value) in [(0, PLAIN), (1, shoes), (1, hats)] {
            let (sequence, at) = (rule.into(), 50);
            ann.episodes.push(Episode {
                rule,
                value,
                sequence,
                at,
                arm: None,
            });
            ann.set_due(rule as usize, value, 120);
        }
        ann.remember_enter(Enter {
            rule: 1,
            value: hats,
            at: 50,
            span: 70,
        });
        ann.set_beginning(1, shoes, Some(90));
        let bytes = put(&ann, &names);
        let mut other = ann.clone();
        other.episodes.iter_mut().for_each(|stay| stay.value = PLAIN);
        other.dues.iter_mut().for_each(|due| due.value = PLAIN);
        other.held_back = None;
        assert!(put(&other, &names).is_empty());
        read(&mut Reader::new(&bytes), &mut other, &mut names).unwrap();
        assert_eq!(other.episodes, ann.episodes);
        assert_eq!(other.held_back, ann.held_back);
        let values = |customer: &Customer| customer.dues.iter().map(|due| due.value).collect::<Vec<_>>();
        assert_eq!(values(&other), values(&ann));
        for end in 0..bytes.len() {
            let _ = read(&mut Reader::new(&bytes[..end]), &mut other.clone(), &mut names);
        }
    }
}
