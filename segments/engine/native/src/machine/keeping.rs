//! What is kept of an event: rows of the streams that want it.

use super::{Machine, Turn};
use crate::bits::Bits;
use crate::customer::Customer;
use crate::limit;
use crate::mutants::m;
use crate::reading::{Read, Reading};
use crate::rows::{Kept, NULL, Rows};
use crate::rules::{Heard, Rules, Stream};
use crate::visits;
use crate::wire::record::Event;
use smallvec::SmallVec;

impl Machine {
    /// Put an event into the streams of its kind. Gives the rules that it may flip.
    pub(super) fn keep_event(
        &mut self,
        customer: &mut Customer,
        turn: Turn,
        event: &Event,
        now: i64,
    ) -> Bits {
        let rules = self.rules.clone();
        let (run, at) = (turn.run, turn.record().at);
        let money = m!(
            "money counts in any currency",
            turn.in_currency(event, &rules.plan),
            true
        );
        let mut reading = Reading::of(turn, event, money, &rules.plan.zone);
        let mut touched = Bits::default();
        for place in rules.takes[turn.topic].of(event.kind.of(&run.data).unwrap_or_default()) {
            let stream = &rules.streams[*place];
            if m!(
                "an old event is kept",
                at + stream.needed <= now,
                at + stream.needed < now
            ) {
                continue;
            }
            if stream.lines {
                for item in m!(
                    "only the first line counts",
                    run.items(event),
                    run.items(event).get(..1).unwrap_or_default()
                ) {
                    reading.item = Some(item);
                    self.remember(customer, &rules, *place, &reading, now, &mut touched);
                }
                reading.item = None;
            } else {
                self.remember(customer, &rules, *place, &reading, now, &mut touched);
            }
        }
        touched
    }

    /// Keep an event in one stream, if it passes.
    #[inline]
    pub(super) fn remember(
        &mut self,
        customer: &mut Customer,
        rules: &Rules,
        place: usize,
        reading: &Reading,
        now: i64,
        touched: &mut Bits,
    ) {
        let stream = &rules.streams[place];
        let passes = m!(
            "filters are not asked",
            stream.filter.as_ref().is_none_or(|filter| reading.passes(filter)),
            true
        );
        let has = |field: &_| !matches!(reading.read(field), Read::Missing);
        if !passes
            || !m!(
                "an event without the field is kept",
                stream.present.as_ref().is_none_or(has),
                true
            )
        {
            return;
        }
        let key = match &stream.key {
            None => None,
            Some(field) => match reading.word(field, &mut self.names) {
                NULL => return,
                word => Some(word),
            },
        };
        let mut row: SmallVec<[i64; 8]> = SmallVec::new();
        row.push(reading.at);
        row.extend(
            stream
                .columns
                .iter()
                .map(|field| reading.word(field, &mut self.names)),
        );
        if stream.visits {
            row.push(reading.at);
        }
        customer.weight += limit::row_bytes(stream, &row, &self.names);
        let (heard, there) = match key {
            None => {
                let kept = &mut customer.streams[place];
                if matches!(kept, Kept::None) {
                    *kept = Kept::Rows(Rows::default());
                }
                let Kept::Rows(rows) = kept else { return };
                (0, put(stream, rows, &row, now, touched, &mut customer.entries))
            }
            Some(key) => {
                customer.weight += limit::key_bytes(stream, key, &self.names);
                let kept = &mut customer.streams[place];
                if matches!(kept, Kept::None) {
                    *kept = Kept::Keyed(Box::default());
                }
                let Kept::Keyed(groups) = kept else { return };
                let group = groups.enter(key);
                let rows = &mut groups.list[group].1;
                let before = if stream.latest {
                    rows.0.first().copied()
                } else {
                    None
                };
                let there = put(stream, rows, &row, now, touched, &mut customer.entries);
                if let Some(crowded) = &mut customer.crowded {
                    crowded.put(
                        place,
                        stream,
                        before,
                        if stream.latest { rows.0[0] } else { row[0] },
                    );
                }
                (group, there)
            }
        };
        if there {
            for rule in &stream.for_each {
                self.met.add(
                    *rule,
                    m!("an event is met at any value", key.unwrap_or(NULL), NULL),
                );
            }
        }
        if !customer.holding_keys.is_empty() {
            hear(customer, stream, key, heard);
        }
    }
}

/// Tell the leaves that keep what they know of each key that something was heard.
fn hear(customer: &mut Customer, stream: &Stream, key: Option<i64>, group: usize) {
    for (number, heard) in &stream.heard {
        let keys = &mut customer.holding_keys[*number];
        match (heard, key) {
            (Heard::Own, Some(_)) => m!("a key is not heard", keys.hear(group), ()),
            (Heard::Same(own), Some(key)) => {
                if let Kept::Keyed(groups) = &customer.streams[*own]
                    && let Some(place) = groups.place(key)
                {
                    m!("a reset of a key is not heard", keys.hear(place), ());
                }
            }
            _ => m!("a reset is not heard", keys.forget(), ()),
        }
    }
}

/// Put a row into a stream, or into what it keeps of one key. Gives whether its readers are touched.
#[inline]
fn put(
    stream: &Stream,
    rows: &mut Rows,
    row: &[i64],
    now: i64,
    touched: &mut Bits,
    entries: &mut usize,
) -> bool {
    let (at, fresh) = (row[0], rows.0.is_empty());
    if fresh {
        rows.0.extend_from_slice(row);
    } else if stream.latest {
        let last = rows.0[0];
        if m!("an older one is the latest", at < last, false) {
            return false;
        }
        if last + stream.keep <= now {
            *entries += 1;
        }
        m!("the latest stays", rows.0.copy_from_slice(row), ());
        touched.add(&stream.readers);
        return true;
    } else if stream.visits {
        // A late event may go on with a visit that was not needed any more.
        if !visits::take(rows, row, stream.gap) && m!("a visit that went on touches nobody", at >= now, true)
        {
            return false;
        }
        stream.prune(rows, now - stream.keep);
    } else {
        rows.put(row);
        stream.prune(rows, now - stream.keep);
    }
    *entries += 1;
    touched.add(&stream.readers);
    true
}
