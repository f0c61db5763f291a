//! How many bytes an entry takes: a customer is made up, and written as a worker would write them.
//!
//! Texts are taken to be twelve characters long, and each entry of `by` to have a value of its own.

use crate::codec::{self, Scratch};
use crate::customer::Customer;
use crate::names::Names;
use crate::plan::{Field, FieldKind, FieldName};
use crate::rows::{Groups, Kept, Rows};
use crate::rules::{Rules, Stream};
use std::sync::Arc;

const NOW: i64 = 1_795_000_000_000;
const HOUR: i64 = 3_600_000;
/// Entries that are written to know the size of one.
const MANY: i64 = 16;

/// Bytes that an entry of a stream adds to the state of a customer, rounded up.
pub fn entry_size(rules: &Rules, stream: usize) -> usize {
    let kept = &rules.streams[stream];
    let count = if kept.latest && kept.key.is_none() {
        1
    } else {
        MANY
    };
    let mut names = Names::default();
    let made_up = made_up(kept, count, &mut names);
    let empty = written(rules, &names, stream, Kept::None);
    (written(rules, &names, stream, made_up) - empty).div_ceil(count as usize)
}

fn written(rules: &Rules, names: &Names, stream: usize, kept: Kept) -> usize {
    let mut customer = Customer::new(Arc::from(&b""[..]), rules.streams.len());
    customer.instant = NOW;
    customer.streams[stream] = kept;
    codec::whole(&mut customer, rules, names, 0, &mut Scratch::default()).len()
}

fn made_up(stream: &Stream, count: i64, names: &mut Names) -> Kept {
    let mut rows = Rows::default();
    let mut groups = Groups::default();
    for number in 0..count {
        let at = NOW - (count - number) * HOUR;
        let mut row = vec![at];
        row.extend(stream.columns.iter().map(|column| typical(column, number, names)));
        row.extend(stream.visits.then_some(at));
        match &stream.key {
            Some(key) => {
                let place = groups.enter(typical(key, number, names));
                groups.list[place].1.put(&row);
            }
            None => rows.put(&row),
        }
    }
    if stream.key.is_some() {
        Kept::Keyed(Box::new(groups))
    } else {
        Kept::Rows(rows)
    }
}

fn typical(field: &Field, number: i64, names: &mut Names) -> i64 {
    match (field.name, field.kind) {
        (FieldName::Day, _) => names.intern(b"2026-11-22"),
        (_, FieldKind::Text) => names.intern(format!("product-12{number:02}").as_bytes()),
        (_, FieldKind::Number) => 2 + number,
        (_, FieldKind::Money) => 49_95 + number,
        (_, FieldKind::Decimal) => 7_500_000 + number,
    }
}
