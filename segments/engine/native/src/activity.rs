//! What customers did, gathered by customer for a report: of each event its instant, its kind, and a number for its id.

use crate::wire::record::{Body, Event, Run, Value};
use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// The bits of a kind in the number that has instant and kind.
pub const BITS: u32 = 4;

/// By the bytes of a text.
pub type Map<V> = HashMap<Vec<u8>, V, RandomState>;

/// The kinds of events as a report tells them apart: numbers below 16.
#[derive(Debug)]
pub struct Kinds {
    /// Of clicks that are not like all others.
    pub clicks: Map<i64>,
    /// Of clicks that are.
    pub other: i64,
    /// That of clicks with a score.
    pub scored: i64,
    /// Of transactions.
    pub transactions: Map<i64>,
}

/// The events of one customer, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Instant and kind of each event.
    pub seen: Vec<i64>,
    /// A number for topic and event id of each: of a customer's events hardly two share one by chance.
    pub ids: Vec<i64>,
    /// The place of an event and its cents, one after the other.
    pub amounts: Vec<i64>,
    /// The place of an event and its score, one after the other.
    pub scores: Vec<i64>,
}

/// The events of the customers of a partition.
#[derive(Debug)]
pub struct Activity {
    kinds: Kinds,
    currency: Box<[u8]>,
    pasts: Map<Past>,
}

impl Activity {
    /// Nothing yet; money of another currency than this one is an order without an amount.
    pub fn new(kinds: Kinds, currency: &str) -> Activity {
        Activity {
            kinds,
            currency: currency.as_bytes().into(),
            pasts: HashMap::default(),
        }
    }

    /// Take in the clicks of a run; those that are refused are no number.
    pub fn clicks(&mut self, run: &Run) {
        for (at, event) in events(run) {
            let kind = event.kind.of(&run.data).unwrap_or_default();
            let kind = self.kinds.clicks.get(kind).copied().unwrap_or(self.kinds.other);
            let score = match run.entry(event.attributes, b"score") {
                Some(Value::Text(text)) if kind == self.kinds.scored => text.of(&run.data).and_then(score),
                _ => None,
            };
            let past = past(&mut self.pasts, run, event);
            if let Some(score) = score {
                past.scores.extend([past.seen.len() as i64, score]);
            }
            past.note(at, kind, number(b'c', event.id.of(&run.data).unwrap_or_default()));
        }
    }

    /// Take in the transactions of a run; those that are refused are no number.
    pub fn transactions(&mut self, run: &Run) {
        for (at, event) in events(run) {
            let kind = event.kind.of(&run.data).unwrap_or_default();
            let Some(&kind) = self.kinds.transactions.get(kind) else {
                continue;
            };
            let own = event.currency().of(&run.data) == Some(&*self.currency);
            let past = past(&mut self.pasts, run, event);
            past.amounts
                .extend([past.seen.len() as i64, if own { event.amount } else { 0 }]);
            past.note(at, kind, number(b't', event.id.of(&run.data).unwrap_or_default()));
        }
    }

    /// The customers.
    pub fn customers(&self) -> impl Iterator<Item = &[u8]> {
        self.pasts.keys().map(Vec::as_slice)
    }

    /// What a customer did, which is let go; None: nothing.
    pub fn pop(&mut self, customer: &[u8]) -> Option<Past> {
        self.pasts.remove(customer)
    }
}

impl Past {
    fn note(&mut self, at: i64, kind: i64, id: i64) {
        self.seen.push(at << BITS | kind);
        self.ids.push(id);
    }
}

fn events(run: &Run) -> impl Iterator<Item = (i64, &Event)> {
    run.records.iter().filter_map(|record| match &record.body {
        Body::Event(event) => Some((record.at, event)),
        _ => None,
    })
}

fn past<'p>(pasts: &'p mut Map<Past>, run: &Run, event: &Event) -> &'p mut Past {
    let customer = event.customer.of(&run.data).unwrap_or_default();
    pasts.entry_ref(customer).or_default()
}

fn number(topic: u8, id: &[u8]) -> i64 {
    let mut hash = Blake2b::<U8>::new();
    hash.update([topic]);
    hash.update(id);
    i64::from_be_bytes(hash.finalize().into())
}

/// A whole score of 0 to 10; None: the text is none.
fn score(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let (whole, rest) = text.split_at(text.iter().position(|&each| each == b'.').unwrap_or(text.len()));
    let zeros = rest.is_empty() || (rest.len() > 1 && rest[1..].iter().all(|&each| each == b'0'));
    match whole {
        _ if !zeros => None,
        b"10" => Some(10),
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A score is a whole number of 0 to 10, with a sign and zeros after the point at most.
    #[test]
    fn scores() {
        for (text, found) in [("0", 0), ("10", 10), ("+7", 7), ("9.0", 9), ("10.00", 10)] {
            assert_eq!(score(text.as_bytes()), Some(found), "{text}");
        }
        for text in ["", "11", "-1", "7.5", "07", "7.", ".0", "++7", "seven", "9.0.0"] {
            assert_eq!(score(text.as_bytes()), None, "{text}");
        }
    }
}
