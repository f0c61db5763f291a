//! A record in a run of its own: what a transfer takes along, however large the fetch was that it came with.

use crate::wire::record::{Body, Event, Item, Pair, Places, Record, Run, Span, Value};

/// A record of a run, alone. `partition`: where it was read.
pub fn alone(run: &Run, index: usize, partition: u32) -> Run {
    let mut own = Run {
        partition: Some(partition),
        ..Run::default()
    };
    let Record {
        offset,
        timestamp,
        at,
        key,
        value,
        body,
    } = &run.records[index];
    let mut copy = Copy { run, own: &mut own };
    let record = Record {
        offset: *offset,
        timestamp: *timestamp,
        at: *at,
        key: copy.text(*key),
        value: copy.text(*value),
        body: copy.body(body),
    };
    (own.start, own.end) = (record.offset, record.offset + 1);
    own.records.push(record);
    own
}

/// A link alone in a run, of which no more is known than what a flip tells of its cause.
pub fn named(id: &[u8], offset: i64, partition: u32) -> Run {
    let mut run = Run {
        partition: Some(partition),
        start: offset,
        end: offset + 1,
        ..Run::default()
    };
    let id = run.put(id);
    run.records.push(Record {
        offset,
        timestamp: 0,
        at: 0,
        key: Span::NONE,
        value: Span::NONE,
        body: Body::Event(Event { id, ..Event::BLANK }),
    });
    run
}

struct Copy<'r> {
    run: &'r Run,
    own: &'r mut Run,
}

impl Copy<'_> {
    fn text(&mut self, span: Span) -> Span {
        match span.of(&self.run.data) {
            None => Span::NONE,
            Some(bytes) => self.own.put(bytes),
        }
    }

    fn body(&mut self, body: &Body) -> Body {
        let event = match body {
            Body::Event(event) => event,
            other => return other.clone(),
        };
        let Event {
            id,
            customer,
            kind,
            into,
            source,
            texts,
            amount,
            items,
            attributes,
            consents,
            lists,
            over,
        } = event;
        Body::Event(Event {
            id: self.text(*id),
            customer: self.text(*customer),
            kind: self.text(*kind),
            into: self.text(*into),
            source: self.text(*source),
            texts: texts.map(|each| self.text(each)),
            amount: *amount,
            items: self.items(*items),
            attributes: self.pairs(*attributes),
            consents: self.pairs(*consents),
            lists: self.pairs(*lists),
            over: over.clone(),
        })
    }

    fn items(&mut self, places: Places) -> Places {
        let start = self.own.items.len() as u32;
        for item in &self.run.items[places.start as usize..places.end as usize] {
            let Item {
                product,
                category,
                quantity,
                price,
            } = *item;
            let item = Item {
                product: self.text(product),
                category: self.text(category),
                quantity,
                price,
            };
            self.own.items.push(item);
        }
        Places {
            start,
            end: self.own.items.len() as u32,
        }
    }

    fn pairs(&mut self, places: Places) -> Places {
        let start = self.own.pairs.len() as u32;
        for Pair { name, value } in self.run.pairs(places) {
            let value = match value {
                Value::Text(span) => Value::Text(self.text(*span)),
                other => *other,
            };
            let pair = Pair {
                name: self.text(*name),
                value,
            };
            self.own.pairs.push(pair);
        }
        Places {
            start,
            end: self.own.pairs.len() as u32,
        }
    }
}
