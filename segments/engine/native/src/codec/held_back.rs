//! The extras of [`crate::held_back`]: remembered enters, and beginnings.

use super::StateError;
use super::bytes::{Reader, put_number, put_signed};
use crate::customer::Customer;
use crate::held_back::{Beginning, Enter};
use crate::values::PLAIN;

/// The enters without a value that still count: rule, instant before the customer's own, span. Empty: there is none.
pub fn enters(customer: &Customer) -> Vec<u8> {
    let (mut out, now) = (Vec::new(), customer.instant);
    for enter in customer.held_back.iter().flat_map(|back| back.counting(now)) {
        if enter.value != PLAIN {
            continue;
        }
        put_number(&mut out, enter.rule.into());
        put_signed(&mut out, now - enter.at);
        put_signed(&mut out, enter.span);
    }
    out
}

/// Of what has no value rule and instant, counted from the customer's own. Empty: there is none.
pub fn beginnings(customer: &Customer) -> Vec<u8> {
    let (mut out, now) = (Vec::new(), customer.instant);
    for beginning in customer.held_back.iter().flat_map(|back| &back.beginnings) {
        if beginning.value != PLAIN {
            continue;
        }
        put_number(&mut out, beginning.rule.into());
        put_signed(&mut out, now - beginning.at);
    }
    out
}

pub fn read_enters(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    let (now, back) = (customer.instant, customer.held_back.get_or_insert_default());
    while !reader.is_empty() {
        let (rule, at) = (reader.number()? as u32, now - reader.signed()?);
        let span = reader.signed()?;
        back.enters.push(Enter {
            rule,
            value: PLAIN,
            at,
            span,
        });
    }
    Ok(())
}

pub fn read_beginnings(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    let (now, back) = (customer.instant, customer.held_back.get_or_insert_default());
    while !reader.is_empty() {
        let (rule, at) = (reader.number()? as u32, now - reader.signed()?);
        back.beginnings.push(Beginning {
            rule,
            value: PLAIN,
            at,
        });
    }
    Ok(())
}
