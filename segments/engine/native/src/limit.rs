//! What one customer may occupy: entries and bytes that the rules and the recognition of duplicates still need.
//!
//! Both are functions of what is remembered alone. They are counted exactly only where the limit may have been reached,
//! and then once for as long as nothing changes. Entries are counted by binary searches ([`crate::crowded`]); bytes one by
//! one, where 1 MiB may have been reached.

use crate::crowded;
use crate::customer::{Customer, Profile, Trait};
use crate::details;
use crate::mutants::m;
use crate::names::Names;
use crate::plan::FieldKind;
use crate::rows::{Kept, NULL};
use crate::rules::{Rules, Stream};
use crate::sources;
use crate::times::{BEFORE_ALL, DAY, NEVER};
use crate::values::PLAIN;

/// Bytes of an entry without its fields: an instant, and what lies around it.
pub const ENTRY_BYTES: usize = 16;

/// Bytes of an id: an entry without fields.
pub const ID_BYTES: usize = ENTRY_BYTES;

/// Bytes of a number.
pub const NUMBER_BYTES: usize = 8;

/// What one customer may occupy.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `SEGMENTS_CUSTOMER_LIMIT`.
    pub entries: usize,
    /// `SEGMENTS_CUSTOMER_BYTES`.
    pub bytes: usize,
}

/// Why a customer can't have another event of an instant, in words; None: there is room.
pub fn over(
    customer: &mut Customer,
    rules: &Rules,
    names: &Names,
    at: i64,
    limits: Limits,
) -> Option<String> {
    let near = (
        customer.entries >= limits.entries,
        customer.weight >= limits.bytes,
    );
    if near == (false, false) {
        return None;
    }
    let now = customer.instant.max(at);
    if !(customer.full_from <= now && now < customer.full_until) {
        count(customer, rules, names, now, limits);
    }
    if !(customer.full_from <= now && now < customer.full_until) {
        return None;
    }
    Some(if customer.entries >= limits.entries {
        format!(
            "The customer occupies {} entries of {}.",
            customer.entries, limits.entries
        )
    } else {
        format!("The customer occupies {0} bytes of {0}, or more.", limits.bytes)
    })
}

/// Count what is needed at an instant, and find until when that is too much.
fn count(customer: &mut Customer, rules: &Rules, names: &Names, now: i64, limits: Limits) {
    let before = customer.entries;
    let (left, room) = crowded::count(customer, rules, now, limits.entries);
    customer.entries = left;
    customer.forgets_above = customer.forgets_above.saturating_sub(before.saturating_sub(left));
    let light = if customer.weight >= limits.bytes {
        lighter(customer, rules, names, now, limits)
    } else {
        None
    };
    if room.is_none() && light.is_none() {
        return;
    }
    customer.full_from = now;
    customer.full_until = room.unwrap_or(BEFORE_ALL).max(light.unwrap_or(BEFORE_ALL));
}

/// Count the bytes that are needed at an instant, and if they are too many: when they will be fewer.
fn lighter(customer: &mut Customer, rules: &Rules, names: &Names, now: i64, limits: Limits) -> Option<i64> {
    let mut found = needed(customer, rules, names, now);
    let bytes = m!("bytes of a profile are not counted", sources::bytes(customer), 0)
        + details::bytes(customer)
        + found.iter().map(|each| each.1).sum::<usize>();
    customer.weight = bytes;
    if m!("bytes are not counted", bytes < limits.bytes, true) {
        return None;
    }
    found.sort_unstable();
    Some(lighter_at(&found, bytes - limits.bytes).unwrap_or(NEVER))
}

/// The first instant at which more than this many bytes are no longer needed; a profile is always needed.
fn lighter_at(sorted: &[(i64, usize)], over: usize) -> Option<i64> {
    let mut gone = 0;
    sorted
        .iter()
        .find(|each| {
            gone += each.1;
            m!("being light comes early", gone > over, gone >= over)
        })
        .map(|each| each.0)
}

/// Until when each entry that is needed at an instant stays so, and its bytes.
pub fn needed(customer: &Customer, rules: &Rules, names: &Names, now: i64) -> Vec<(i64, usize)> {
    let ids = customer
        .seen
        .iter()
        .map(|seen| (seen + DAY, ID_BYTES))
        .filter(|each| m!("an id is needed too long", each.0 > now, each.0 >= now));
    let mut found: Vec<(i64, usize)> = ids.collect();
    found.extend(others(customer, now));
    for (stream, kept) in rules.streams.iter().zip(&customer.streams) {
        match kept {
            Kept::None => {}
            Kept::Rows(rows) => add(stream, &rows.0, names, now, &mut found),
            Kept::Keyed(groups) => {
                for (key, rows) in &groups.list {
                    let before = found.len();
                    add(stream, &rows.0, names, now, &mut found);
                    if found.len() > before
                        && let Some(last) = found.last_mut()
                    {
                        last.1 += m!(
                            "bytes of a key are not counted",
                            key_bytes(stream, *key, names),
                            0
                        );
                    }
                }
            }
        }
    }
    found
}

/// Until when each entry stays needed that is neither an id nor an event, and its bytes.
pub fn others(customer: &Customer, now: i64) -> impl Iterator<Item = (i64, usize)> + '_ {
    let enters = customer.held_back.iter().flat_map(move |back| back.counting(now));
    let stays = customer.episodes.iter().filter(|stay| stay.value != PLAIN);
    let stays = stays.map(|_| (NEVER, ENTRY_BYTES));
    let watches = customer.watches.iter().flat_map(|watches| &watches.open);
    let watches = watches.map(|watch| (watch.until, m!("a watch is no entry", watch.bytes(), 0)));
    let enters = enters.map(|enter| (enter.until(), ENTRY_BYTES));
    stays.chain(enters).chain(watches)
}

fn add(stream: &Stream, words: &[i64], names: &Names, now: i64, found: &mut Vec<(i64, usize)>) {
    for row in words.chunks_exact(stream.stride) {
        let end = if stream.visits {
            m!("visits count by their starts", row[stream.stride - 1], row[0])
        } else {
            row[0]
        } + stream.needed;
        if m!("an entry is needed too long", end > now, end >= now) {
            found.push((end, row_bytes(stream, row, names)));
        }
    }
}

/// Bytes of an entry.
pub fn row_bytes(stream: &Stream, row: &[i64], names: &Names) -> usize {
    let fields = stream
        .columns
        .iter()
        .zip(&row[1..])
        .map(|(field, word)| match field.kind {
            _ if *word == NULL => 0,
            FieldKind::Text => names.text(*word).len(),
            _ => NUMBER_BYTES,
        });
    ENTRY_BYTES + fields.sum::<usize>()
}

/// Bytes of a value of `by`: it goes with the last of its entries.
pub fn key_bytes(stream: &Stream, key: i64, names: &Names) -> usize {
    match &stream.key {
        Some(field) if field.kind == FieldKind::Text => names.text(key).len(),
        _ => NUMBER_BYTES,
    }
}

/// Bytes of a profile.
pub fn profile_bytes(profile: Option<&Profile>) -> usize {
    let Some(profile) = profile else { return 0 };
    let traits = profile.traits.iter().map(|(name, value)| {
        name.len()
            + if let Trait::Text(text) = value {
                text.len()
            } else {
                NUMBER_BYTES
            }
    });
    traits.sum::<usize>()
        + profile
            .consents
            .iter()
            .map(|each| each.0.len() + 1)
            .sum::<usize>()
        + profile.lists.iter().map(list_bytes).sum::<usize>()
}

/// Bytes of a list: its name, and its texts with a byte for each.
fn list_bytes((name, list): &(Box<str>, Vec<Box<str>>)) -> usize {
    name.len() + list.iter().map(|each| each.len() + 1).sum::<usize>()
}

/// How many entries are held, needed or not, and their bytes with the profile's.
pub fn held(customer: &Customer, rules: &Rules, names: &Names) -> (usize, usize) {
    let (mut entries, mut bytes) = (customer.ids.len(), ID_BYTES * customer.ids.len());
    let enters = customer.held_back.as_ref().map_or(0, |back| back.enters.len());
    let stays = customer.episodes.iter().filter(|stay| stay.value != PLAIN);
    let others = enters + stays.count();
    (entries, bytes) = (entries + others, bytes + others * ENTRY_BYTES);
    for watch in customer.watches.iter().flat_map(|watches| &watches.open) {
        (entries, bytes) = (entries + 1, bytes + watch.bytes());
    }
    for (stream, kept) in rules.streams.iter().zip(&customer.streams) {
        for rows in kept.each() {
            entries += rows.0.len() / stream.stride;
            bytes += rows
                .0
                .chunks_exact(stream.stride)
                .map(|row| row_bytes(stream, row, names))
                .sum::<usize>();
        }
        if let Kept::Keyed(groups) = kept {
            bytes += groups
                .list
                .iter()
                .map(|group| key_bytes(stream, group.0, names))
                .sum::<usize>();
        }
    }
    bytes += details::bytes(customer);
    (entries, bytes + sources::bytes(customer))
}
