//! Measures that are filled from the past of a partition while its rules run.
//!
//! A deployment of kind `fill` brings a plan of measures alone. The rules that run go on, and beside them the partition
//! keeps the streams of that plan under marked identities, from the place of the deployment in the log on. What the
//! history has of before that place is then put into these streams, customer by customer in the order of their keys.
//! The key reached is part of the partition's own record, which is committed with the states, so that each customer is
//! filled once. A rule set that takes over later goes on with these streams as if they were its own.

use crate::codec::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::codec::{self, StateError};
use crate::customer::Customer;
use crate::identity::union::{both, together};
use crate::partition::{Partition, Step};
use crate::position::shapes_of;
use crate::rows::{Groups, Kept, Rows};
use crate::rules::{Rules, Stream};
use crate::times::{BEFORE_ALL, NEVER};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Begins the identity of a stream, and the text of a measure, that is filled; the offset of the deployment follows, and
/// a line break. No text of a rule has this character.
pub const MARK: char = '\u{1}';

/// The id of a filling is that of the rule set that waits for it, with this behind it.
pub const OF: &str = "-fill";

/// For each topic, by number, the instant from which on all that occurred is in the history; `BEFORE_ALL`: all of it.
pub type Complete = [i64];

/// A filling, as the record of a partition has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// The `deployment_id` of the record that asks for it.
    pub id: String,
    /// Its offset in the topic of deployments.
    pub offset: i64,
    /// How far each topic was applied when it began: what came later is kept by the partition itself.
    pub offsets: BTreeMap<String, i64>,
    /// The clock of then.
    pub clock: i64,
    /// The key of the last customer who was filled.
    pub reached: Vec<u8>,
    /// Whether all were.
    pub done: bool,
}

impl Filling {
    /// What is written in the place of one, if there is none and something follows: no deployment has an empty id.
    pub const NONE: Filling = Filling {
        id: String::new(),
        offset: 0,
        offsets: BTreeMap::new(),
        clock: 0,
        reached: Vec::new(),
        done: false,
    };

    /// What `write` wrote.
    pub fn read(reader: &mut Reader) -> Result<Filling, StateError> {
        let (id, offset) = (reader.text()?.to_owned(), reader.signed()?);
        let mut offsets = BTreeMap::new();
        for _ in 0..reader.count(2)? {
            offsets.insert(reader.text()?.to_owned(), reader.signed()?);
        }
        Ok(Filling {
            id,
            offset,
            offsets,
            clock: reader.signed()?,
            reached: reader.bytes()?.to_vec(),
            done: reader.byte()? == 1,
        })
    }

    /// As bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.id.as_bytes());
        put_signed(out, self.offset);
        put_number(out, self.offsets.len() as u64);
        for (topic, offset) in &self.offsets {
            put_bytes(out, topic.as_bytes());
            put_signed(out, *offset);
        }
        put_signed(out, self.clock);
        put_bytes(out, &self.reached);
        out.push(u8::from(self.done));
    }

    /// The mark of its streams and measures.
    pub fn mark(&self) -> String {
        mark(self.offset)
    }
}

/// The mark of the streams and measures of a filling.
pub fn mark(offset: i64) -> String {
    format!("{MARK}{offset}\n")
}

/// The text behind a mark; None: it has none.
pub fn unmarked(text: &str) -> Option<&str> {
    text.strip_prefix(MARK)?.split_once('\n').map(|parts| parts.1)
}

/// Under this name the layout of a partition says that its filling is done.
pub fn done(mark: &str) -> String {
    format!("{mark}\n")
}

/// What a customer is given of the past.
pub struct Given {
    streams: Vec<(usize, Kept)>,
    /// The customer of the past, in the streams of these rules: for one of whom nothing is remembered.
    whole: Customer,
}

impl Partition {
    /// The filling that goes on, or is done; None: there is none.
    pub fn filling(&self) -> Option<&Filling> {
        self.position.filling.as_ref()
    }

    /// Say of a deployment, by its offset, that it takes over once the filling is done.
    pub fn await_filling(&mut self, offset: i64) {
        self.awaits_filling.insert(offset);
    }

    /// Put what the past has of these customers into their streams: `past` has the plan of the filling, `states` what it
    /// made of the history, and `keys` are in order. Those up to the key reached are passed over.
    pub fn fill(
        &mut self,
        past: &Rules,
        states: &HashMap<Vec<u8>, Vec<u8>>,
        keys: &[Vec<u8>],
    ) -> Result<(), StateError> {
        let Some(filling) = &self.position.filling else {
            return Ok(());
        };
        let (mark, mut reached) = (filling.mark(), filling.reached.clone());
        let shapes = shapes_of(past);
        let places: Vec<Option<usize>> = past
            .plan
            .streams
            .iter()
            .map(|stream| {
                let identity = format!("{mark}{}", stream.identity);
                let mut mine = self.rules.plan.streams.iter();
                mine.position(|each| each.identity == identity)
            })
            .collect();
        for key in keys.iter().filter(|key| **key > reached) {
            let Some(data) = states.get(key) else { continue };
            let names = &mut self.machine.names;
            let mut find = |key: &[u8]| states.get(key).cloned();
            let found = codec::decode(Arc::from(&**key), data, &shapes, names, &mut find)?;
            self.fill_one(found, &places)?;
        }
        if let Some(last) = keys.last().filter(|last| **last > reached) {
            reached.clone_from(last);
        }
        if let Some(filling) = &mut self.position.filling {
            filling.reached = reached;
        }
        self.position.written = false;
        Ok(())
    }

    fn fill_one(&mut self, mut past: Customer, places: &[Option<usize>]) -> Result<(), StateError> {
        let key = past.key.clone();
        let kept = std::mem::take(&mut past.streams).into_vec();
        let found = kept.into_iter().zip(places);
        let streams: Vec<(usize, Kept)> = found
            .filter_map(|(kept, place)| place.map(|place| (place, kept)))
            .collect();
        let forgotten = past.forgotten_at(self.rules.plan.retention) < self.clock;
        let (place, mut customer) = match self.customers.look(&key, &mut self.machine)? {
            Some(found) => found,
            // Nothing that is remembered now had to do with who was forgotten so long ago.
            None if past.blank() || forgotten => return Ok(()),
            None => self.customers.get_or_create(&key, &mut self.machine)?,
        };
        let given = Given { streams, whole: past };
        give(&mut customer, &given, &self.rules);
        self.journal.push((place, Step::Fill(Box::new(given))));
        self.customers.note(place, &mut customer);
        customer.next = customer.due(self.rules.plan.retention);
        let due = customer.next;
        self.customers.put(place, customer);
        self.customers.arm(place, due);
        Ok(())
    }

    /// Say that all customers are filled, and from which instant on the history was complete.
    pub fn filled(&mut self, complete: &Complete) {
        let Some(filling) = &mut self.position.filling else {
            return;
        };
        filling.done = true;
        let mark = filling.mark();
        let plan = &self.rules.plan;
        let Some(layout) = self.position.layouts.get_mut(&self.position.current) else {
            return;
        };
        let measured = plan.leaves.iter().flat_map(|leaf| leaf.asked.measures());
        for asked in measured {
            let name = &plan.measures[asked.known];
            if name.starts_with(&mark) {
                let streams = asked
                    .streams()
                    .map(|stream| complete_from(&self.rules, stream, complete));
                let since = streams.max().unwrap_or(BEFORE_ALL);
                let known = layout.known.entry(name.clone()).or_insert(NEVER);
                *known = since.min(*known);
            }
        }
        layout.known.insert(done(&mark), BEFORE_ALL);
        self.position.changed();
        // Whoever asks for what was filled, to take a border of it, is told of all that is known now.
        self.machine.known = self.position.known(&self.rules);
    }
}

/// The instant from which on the history has all events of a stream; for visits the events before it are needed, too.
fn complete_from(rules: &Rules, stream: usize, complete: &Complete) -> i64 {
    let taken = &rules.plan.streams[stream];
    let topics = taken.takes.iter().filter_map(|take| complete.get(take.topic));
    let since = topics.copied().max().unwrap_or(BEFORE_ALL);
    if taken.visits && since > BEFORE_ALL {
        since + rules.plan.session.gap
    } else {
        since
    }
}

/// Put what the past has into a customer's streams, later than an erasure.
pub fn give(customer: &mut Customer, given: &Given, rules: &Rules) {
    let Given { streams, whole } = given;
    if customer
        .identity
        .as_ref()
        .is_some_and(|each| each.redirect.is_some())
    {
        return;
    }
    if customer.blank() {
        *customer = Customer {
            key: customer.key.clone(),
            streams: std::mem::take(&mut customer.streams),
            episodes: Vec::new(),
            dues: Vec::new(),
            inside: Default::default(),
            holding_keys: Vec::new(),
            held_back: None,
            details: None,
            watches: None,
            identity: None,
            sequence: 0,
            next: NEVER,
            older: customer.older,
            stored: customer.stored,
            changed: customer.changed,
            generation: customer.generation,
            ..whole.clone()
        };
    } else {
        if whole.latest > customer.erased_at {
            customer.latest = customer.latest.max(whole.latest);
        }
        customer.entries = customer.entries.saturating_add(whole.entries);
        customer.weight = customer.weight.saturating_add(whole.weight).min(usize::MAX >> 1);
    }
    let floor = customer.erased_at;
    for (place, kept) in streams {
        let own = std::mem::take(&mut customer.streams[*place]);
        // What the history has came in before what the partition kept itself.
        let floored = both(&rules.streams[*place], Kept::None, kept.clone(), floor);
        customer.streams[*place] = both(&rules.streams[*place], floored, own, BEFORE_ALL);
    }
    customer.holding_keys = Vec::new();
    customer.crowded = None;
    (customer.full_from, customer.full_until) = (BEFORE_ALL, BEFORE_ALL);
    customer.sealed = BEFORE_ALL;
}

/// A stream of a rule set that takes over: what another one kept in it, and what was filled, each event once.
///
/// `has`: the columns that were kept.
pub fn once(stream: &Stream, kept: Kept, has: &[bool], filled: Kept) -> Kept {
    match (kept, filled) {
        (kept, Kept::None) => kept,
        (Kept::None, filled) => filled,
        (Kept::Rows(kept), Kept::Rows(filled)) => Kept::Rows(rows_once(stream, kept, has, filled)),
        (Kept::Keyed(kept), Kept::Keyed(filled)) => {
            let mut groups: Groups = *filled;
            for (key, rows) in kept.list {
                let place = groups.enter(key);
                let own = std::mem::take(&mut groups.list[place].1);
                groups.list[place].1 = rows_once(stream, rows, has, own);
            }
            Kept::Keyed(Box::new(groups))
        }
        (_, filled) => filled,
    }
}

fn rows_once(stream: &Stream, kept: Rows, has: &[bool], filled: Rows) -> Rows {
    if filled.0.is_empty() {
        return kept;
    }
    if stream.latest {
        let later = kept.0.first() > filled.0.first();
        return if later { kept } else { filled };
    }
    if stream.visits {
        return together(stream, filled, kept, BEFORE_ALL);
    }
    let stride = stream.stride;
    let mut left: Vec<&[i64]> = filled.0.chunks_exact(stride).collect();
    let mut more = Rows::default();
    for row in kept.0.chunks_exact(stride) {
        let first = left.partition_point(|other| other[0] < row[0]);
        let same = |other: &&[i64]| {
            other[0] == row[0]
                && (0..has.len()).all(|column| !has[column] || other[1 + column] == row[1 + column])
        };
        let of_instant = left[first..].iter().take_while(|other| other[0] == row[0]);
        match of_instant.into_iter().position(same) {
            Some(place) => {
                left.remove(first + place);
            }
            None => more.0.extend_from_slice(row),
        }
    }
    if more.0.is_empty() {
        return filled;
    }
    together(stream, filled, more, BEFORE_ALL)
}

/// The rules that are to be looked at again since measures of theirs know more, those that read them included; by id.
pub fn touched(rules: &Rules, better: &BTreeSet<String>) -> Vec<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for rule in &rules.plan.rules {
        let reads = rule
            .reads
            .iter()
            .any(|read| found.contains(&*rules.plan.rules[*read].id));
        let leaves = rule
            .leaves
            .iter()
            .flat_map(|leaf| rules.plan.leaves[*leaf].asked.measures());
        let mut names = leaves.map(|asked| &rules.plan.measures[asked.known]);
        if reads || names.any(|name| better.contains(name)) {
            found.insert(&rule.id);
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Bits;
    use crate::rows::NULL;

    fn stream(visits: bool, latest: bool) -> Stream {
        Stream {
            filter: None,
            key: None,
            present: None,
            columns: Vec::new(),
            keep: 1_000,
            needed: 1_000,
            latest,
            visits,
            gap: 30,
            stride: 3,
            lines: false,
            readers: Bits::default(),
            heard: Vec::new(),
            for_each: Default::default(),
        }
    }

    /// What both have is there once, with the columns of what was filled; what one of them has alone is there, too.
    #[test]
    fn each_event_once() {
        let kept = Rows(vec![1, 10, NULL, 5, 50, NULL, 5, 50, NULL, 9, 90, NULL].into());
        let filled = Rows(vec![3, 30, 3, 5, 50, 5, 9, 91, 9].into());
        let found = rows_once(&stream(false, false), kept, &[true, false], filled);
        let expected = [
            1, 10, NULL, 3, 30, 3, 5, 50, 5, 5, 50, NULL, 9, 91, 9, 9, 90, NULL,
        ];
        assert_eq!(found.0.to_vec(), expected);
    }

    /// Of visits and of the latest event alone what was filled counts, unless the other is later.
    #[test]
    fn visits_and_the_latest() {
        let (kept, filled) = (Rows(vec![5, NULL, 8].into()), Rows(vec![5, 7, 8].into()));
        let visits = rows_once(&stream(true, false), kept.clone(), &[false], filled.clone());
        assert_eq!(visits.0.to_vec(), [5, 7, 8]);
        assert_eq!(
            rows_once(&stream(false, true), kept, &[false, true], filled)
                .0
                .to_vec(),
            [5, 7, 8]
        );
    }

    /// A mark is taken off again.
    #[test]
    fn marks() {
        assert_eq!(unmarked(&format!("{}purchase", mark(12))), Some("purchase"));
        assert_eq!(unmarked("purchase"), None);
    }
}
