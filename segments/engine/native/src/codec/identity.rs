//! The extra of [`crate::identity`]: the redirect, the ids that were merged, the latest `unlink`.

use super::StateError;
use super::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::customer::Customer;
use crate::identity::{Identity, Merged, Redirect};
use crate::times::BEFORE_ALL;

const REDIRECT: u8 = 1;
const UNLINKED: u8 = 2;
const HAD: u8 = 1;
const REFUSED: u8 = 2;

/// Instants before the customer's own. Empty: there is nothing.
pub fn identity(customer: &Customer) -> Vec<u8> {
    let (mut out, now) = (Vec::new(), customer.instant);
    let Some(Identity {
        redirect,
        merged,
        unlinked,
    }) = customer.identity.as_deref().filter(|each| !each.is_empty())
    else {
        return out;
    };
    let flags = if redirect.is_some() { REDIRECT } else { 0 };
    out.push(flags | if *unlinked == BEFORE_ALL { 0 } else { UNLINKED });
    if let Some(Redirect {
        into,
        link,
        at,
        passed,
    }) = redirect
    {
        put_bytes(&mut out, into);
        put_bytes(&mut out, link);
        put_signed(&mut out, now - at);
        put_signed(&mut out, now - passed);
    }
    if *unlinked != BEFORE_ALL {
        put_signed(&mut out, now - unlinked);
    }
    put_number(&mut out, merged.len() as u64);
    for Merged {
        id,
        link,
        at,
        had,
        refused,
    } in merged
    {
        put_bytes(&mut out, id);
        put_bytes(&mut out, link);
        put_signed(&mut out, now - at);
        out.push(if *had { HAD } else { 0 } | if *refused { REFUSED } else { 0 });
    }
    out
}

pub fn read_identity(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    let now = customer.instant;
    let flags = reader.byte()?;
    let mut found = Identity::default();
    if flags & REDIRECT != 0 {
        found.redirect = Some(Redirect {
            into: reader.bytes()?.into(),
            link: reader.bytes()?.into(),
            at: now - reader.signed()?,
            passed: now - reader.signed()?,
        });
    }
    if flags & UNLINKED != 0 {
        found.unlinked = now - reader.signed()?;
    }
    for _ in 0..reader.count(4)? {
        let (id, link) = (reader.bytes()?.into(), reader.bytes()?.into());
        let (at, flags) = (now - reader.signed()?, reader.byte()?);
        found.merged.push(Merged {
            id,
            link,
            at,
            had: flags & HAD != 0,
            refused: flags & REFUSED != 0,
        });
    }
    customer.identity = Some(Box::new(found));
    Ok(())
}
