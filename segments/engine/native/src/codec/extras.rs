//! The extras of a customer's state: what most customers have nothing of, each under a number of its own.
//!
//! Behind the flag `EXTRAS` and after the dues: how many there are, then for each its tag, its length, its bytes. Tags
//! ascend. A tag that this version does not know was written by a later one: the state can't be read.

use super::StateError;
use super::bytes::{Reader, put_number};
use super::{details, held_back, identity, lists, sources, values, watches};
use crate::customer::Customer;
use crate::names::Names;
use crate::sources::{PROFILES, told};

/// The values of what has one.
pub const VALUES: u64 = 1;

/// Remembered enters.
pub const ENTERS: u64 = 2;

/// Beginnings of what must last.
pub const BEGINNINGS: u64 = 3;

/// What sources beside `profiles` told.
pub const SOURCES: u64 = 4;

/// Lists of the profile.
pub const LISTS: u64 = 5;

/// Open watches.
pub const WATCHES: u64 = 6;

/// Redirects and merged ids.
pub const IDENTITY: u64 = 7;

/// The arms of stays.
pub const ARMS: u64 = 8;

/// The details of stays.
pub const DETAILS: u64 = 9;

/// An extra as bytes, under its tag.
pub type Extra = (u64, Vec<u8>);

/// The extras of a customer, by ascending tag.
pub fn of(customer: &Customer, names: &Names) -> Vec<Extra> {
    let found = [
        (VALUES, values::put(customer, names)),
        (ENTERS, held_back::enters(customer)),
        (BEGINNINGS, held_back::beginnings(customer)),
        (SOURCES, sources::put(customer)),
        (LISTS, lists::put(told(customer, PROFILES))),
        (WATCHES, watches::watches(customer)),
        (IDENTITY, identity::identity(customer)),
        (ARMS, watches::arms(customer)),
        (DETAILS, details::put(customer)),
    ];
    found.into_iter().filter(|each| !each.1.is_empty()).collect()
}

/// Write the extras, at least one.
pub fn put(out: &mut Vec<u8>, extras: &[Extra]) {
    put_number(out, extras.len() as u64);
    for (tag, bytes) in extras {
        put_number(out, *tag);
        put_number(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
}

/// Read what `put` wrote.
pub fn read(reader: &mut Reader, customer: &mut Customer, names: &mut Names) -> Result<(), StateError> {
    let (mut before, mut others) = (0, Vec::new());
    for _ in 0..reader.count(2)? {
        let (tag, length) = (reader.number()?, reader.count(1)?);
        if tag <= before {
            return Err(StateError::new("the extras are out of order"));
        }
        before = tag;
        let mut part = Reader::new(reader.take(length)?);
        match tag {
            VALUES => values::read(&mut part, customer, names)?,
            ENTERS => held_back::read_enters(&mut part, customer)?,
            BEGINNINGS => held_back::read_beginnings(&mut part, customer)?,
            SOURCES => others = sources::read(&mut part, customer.instant)?,
            LISTS => lists::read(&mut part, customer.profile.get_or_insert_default())?,
            WATCHES => watches::read_watches(&mut part, customer)?,
            IDENTITY => identity::read_identity(&mut part, customer)?,
            ARMS => watches::read_arms(&mut part, customer)?,
            DETAILS => details::read(&mut part, customer)?,
            _ => {
                return Err(StateError::new(format!(
                    "extra {tag} is unknown: a later version wrote it"
                )));
            }
        }
    }
    if !others.is_empty() {
        sources::join(customer, others);
    }
    Ok(())
}
