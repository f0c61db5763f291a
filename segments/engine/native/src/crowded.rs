//! Counting the entries of a customer at the limit, without looking at each of them.
//!
//! An entry is needed until its instant and the `needed` of its stream, so that the entries of one stream end in the
//! order of their instants: a binary search counts those that are left. Rows without keys, visits and ids are kept in
//! that order anyway; of the entries with keys the instants stand here in a list for each stream, made when the customer
//! first comes near the limit, and kept from then on.

use crate::customer::Customer;
use crate::limit::others;
use crate::mutants::m;
use crate::rows::Kept;
use crate::rules::{Rules, Stream};
use crate::times::DAY;
use smallvec::SmallVec;

/// From how many entries beyond the limit on all ends are gathered, instead of the earliest one after the other.
const MANY: usize = 64;

/// The instants of the entries with keys, ascending, by the number of the stream; visits are not among them.
#[derive(Clone, Debug)]
pub struct Crowded(Box<[Vec<i64>]>);

impl Crowded {
    /// Of what a customer holds.
    pub fn of(customer: &Customer, rules: &Rules) -> Crowded {
        let instants = |(stream, kept): (&Stream, &Kept)| {
            let mut found = Vec::new();
            if let Kept::Keyed(groups) = kept
                && !stream.visits
            {
                for (_, rows) in &groups.list {
                    found.extend(rows.0.chunks_exact(stream.stride).map(|row| row[0]));
                }
                found.sort_unstable();
            }
            found
        };
        Crowded(
            rules
                .streams
                .iter()
                .zip(&customer.streams)
                .map(instants)
                .collect(),
        )
    }

    /// An entry with a key came, in place of one of an earlier instant where only the latest is kept.
    pub fn put(&mut self, place: usize, stream: &Stream, before: Option<i64>, at: i64) {
        if stream.visits {
            return;
        }
        let instants = &mut self.0[place];
        if let Some(place) = before.and_then(|before| instants.binary_search(&before).ok()) {
            instants.remove(place);
        }
        let place = instants.partition_point(|each| *each <= at);
        instants.insert(place, at);
    }

    /// What is not needed any more at an instant is forgotten.
    pub fn forget(&mut self, rules: &Rules, now: i64) {
        for (stream, instants) in rules.streams.iter().zip(&mut self.0) {
            let gone = instants.partition_point(|each| each + stream.needed <= now);
            instants.drain(..gone);
        }
    }

    /// Bytes outside of the value itself.
    pub fn heap(&self) -> usize {
        self.0
            .iter()
            .map(|each| std::mem::size_of_val(each) + 8 * each.capacity())
            .sum()
    }
}

/// Ends of entries, ascending: of rows by a column, or of instants alone, each so much later.
struct Ends<'a> {
    words: &'a [i64],
    stride: usize,
    column: usize,
    needed: i64,
}

impl Ends<'_> {
    fn len(&self) -> usize {
        self.words.len() / self.stride
    }

    fn end(&self, place: usize) -> i64 {
        self.words[place * self.stride + self.column] + self.needed
    }

    /// How many have ended at an instant.
    fn ended(&self, now: i64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if m!(
                "an entry is counted too long",
                self.end(middle) > now,
                self.end(middle) >= now
            ) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        low
    }
}

/// The number of entries needed at an instant; if that is `limit` or more: the instant at which it falls below.
pub fn count(customer: &mut Customer, rules: &Rules, now: i64, limit: usize) -> (usize, Option<i64>) {
    if customer.crowded.is_none() {
        customer.crowded = Some(Box::new(Crowded::of(customer, rules)));
    }
    let mut rest: Vec<i64> = others(customer, now).map(|each| each.0).collect();
    rest.sort_unstable();
    let mut all = lists(customer, rules, &rest);
    let mut left = 0;
    for (ends, from) in &mut all {
        *from = ends.ended(now);
        left += ends.len() - *from;
    }
    let full = m!("one entry more", left >= limit, left > limit);
    (left, full.then(|| room(&mut all, left - limit)))
}

/// All that a customer holds as ascending ends.
fn lists<'a>(customer: &'a Customer, rules: &Rules, rest: &'a [i64]) -> SmallVec<[(Ends<'a>, usize); 32]> {
    let plain = |words, needed| Ends {
        words,
        stride: 1,
        column: 0,
        needed,
    };
    let mut all = SmallVec::new();
    all.push((plain(customer.seen.as_slice(), DAY), 0));
    all.push((plain(rest, 0), 0));
    for (place, (stream, kept)) in rules.streams.iter().zip(&customer.streams).enumerate() {
        let keyed = customer
            .crowded
            .as_ref()
            .filter(|_| !stream.visits && matches!(kept, Kept::Keyed(_)));
        if let Some(crowded) = keyed {
            all.push((plain(&crowded.0[place], stream.needed), 0));
            continue;
        }
        let column = if stream.visits {
            m!("crowded visits count by their starts", stream.stride - 1, 0)
        } else {
            0
        };
        for rows in kept.each() {
            let ends = Ends {
                words: &rows.0,
                stride: stream.stride,
                column,
                needed: stream.needed,
            };
            all.push((ends, 0));
        }
    }
    all
}

/// When one more than so many have ended, of those from these places on.
fn room(all: &mut [(Ends, usize)], before: usize) -> i64 {
    if before >= MANY {
        let mut ends: Vec<i64> = all
            .iter()
            .flat_map(|(ends, from)| (*from..ends.len()).map(|place| ends.end(place)))
            .collect();
        return *ends.select_nth_unstable(before).1;
    }
    let mut end = 0;
    for _ in 0..=before {
        let next = all
            .iter_mut()
            .filter(|(ends, from)| *from < ends.len())
            .min_by_key(|(ends, from)| ends.end(*from));
        if let Some((ends, from)) = next {
            end = ends.end(*from);
            *from += 1;
        }
    }
    m!("room comes late", end, end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instant at which there is room is that of the entry that is one too many, however many there are.
    #[test]
    fn room_comes_with_the_last_that_is_too_many() {
        let (odd, even): (Vec<i64>, Vec<i64>) = (
            (0..200).map(|each| 2 * each + 1).collect(),
            (0..200).map(|each| 2 * each).collect(),
        );
        for before in [0, 1, 7, MANY - 1, MANY, 250] {
            let list = |words| Ends {
                words,
                stride: 1,
                column: 0,
                needed: 1_000,
            };
            let mut all = [(list(&odd[..]), 5), (list(&even[..]), 5)];
            assert_eq!(all[0].0.ended(1_010), 5);
            assert_eq!(room(&mut all, before), 1_010 + before as i64);
        }
    }
}
