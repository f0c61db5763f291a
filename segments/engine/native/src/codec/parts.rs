//! The entries of a customer that a record is to have, found in one walk over all keys.
//!
//! Of a customer with many keys few have an entry that is new since the record of what is older was written, and each
//! walk over the keys costs more than writing those few: what a record needs to know of them is looked up once.

use crate::customer::Customer;
use crate::rows::{Groups, Kept, NULL, Rows, Series};
use crate::rules::{Rules, Stream};
use crate::times::BEFORE_ALL;

/// Rows of a stream without keys, or of one key.
pub struct Part<'a> {
    /// The key; [`NULL`]: the stream has none.
    pub key: i64,
    /// At least one row.
    pub rows: Series<'a>,
}

/// What is later than an instant, stream by stream.
pub struct Parts<'a> {
    list: Vec<Part<'a>>,
    /// By the number of the stream where its parts end.
    ends: Vec<usize>,
    /// Where the later ones of the ids begin.
    pub ids: usize,
    /// How many entries these are.
    pub entries: usize,
}

impl<'a> Parts<'a> {
    /// Of what a customer holds; `BEFORE_ALL`: everything.
    pub fn later(customer: &'a Customer, rules: &Rules, after: i64) -> Parts<'a> {
        let ids = customer.seen.partition_point(|seen| *seen <= after);
        let mut parts = Parts {
            list: Vec::with_capacity(if after == BEFORE_ALL { room(customer) } else { 16 }),
            ends: Vec::with_capacity(rules.streams.len()),
            ids,
            entries: customer.seen.len() - ids,
        };
        for (stream, kept) in rules.streams.iter().zip(&customer.streams) {
            match kept {
                Kept::None => {}
                Kept::Rows(rows) => parts.add(stream, NULL, rows, after),
                Kept::Keyed(groups) => parts.add_each(stream, groups, after),
            }
            parts.ends.push(parts.list.len());
        }
        parts
    }

    /// The parts of a stream.
    pub fn of(&self, stream: usize) -> &[Part<'a>] {
        let from = if stream == 0 { 0 } else { self.ends[stream - 1] };
        &self.list[from..self.ends[stream]]
    }

    /// Each key is looked at no longer than its last word takes: most have nothing that is later.
    fn add_each(&mut self, stream: &Stream, groups: &'a Groups, after: i64) {
        let behind = if stream.visits { 1 } else { stream.stride };
        for (key, rows) in &groups.list {
            let last = rows.0.get(rows.0.len().wrapping_sub(behind));
            if after == BEFORE_ALL || last.is_some_and(|last| *last > after) {
                self.add(stream, *key, rows, after);
            }
        }
    }

    /// The later rows; of visits those that ended later.
    fn add(&mut self, stream: &Stream, key: i64, rows: &'a Rows, after: i64) {
        let mut rows = rows.series(stream.stride);
        if after != BEFORE_ALL {
            let ended = if stream.visits { stream.stride - 1 } else { 0 };
            rows = rows.from(rows.upto_in(ended, after));
        }
        if !rows.is_empty() {
            self.entries += rows.len();
            self.list.push(Part { key, rows });
        }
    }

    /// All their instants, the latest first and each once.
    pub fn gather(&self, customer: &Customer, rules: &Rules, instants: &mut Vec<i64>) {
        instants.clear();
        instants.extend_from_slice(&customer.seen[self.ids..]);
        for (place, stream) in rules.streams.iter().enumerate() {
            for Part { rows, .. } in self.of(place) {
                instants.extend((0..rows.len()).map(|row| rows.at(row)));
                if stream.visits {
                    instants.extend((0..rows.len()).map(|row| rows.word(row, stream.stride - 1)));
                }
            }
        }
        instants.sort_unstable_by(|left, right| right.cmp(left));
        instants.dedup();
    }
}

/// How many parts there are at most.
fn room(customer: &Customer) -> usize {
    let of = |kept: &Kept| match kept {
        Kept::None => 0,
        Kept::Rows(_) => 1,
        Kept::Keyed(groups) => groups.list.len(),
    };
    customer.streams.iter().map(of).sum()
}
