//! Decoded records of one input topic and partition, as the engine takes them: a [`Run`].
//!
//! A run owns the bytes that its records lie in; a record says where in them its texts are. So a record costs no
//! allocation, and a run can be sent to another thread. Texts were checked to be UTF-8 when they were decoded.

use serde::Deserialize;

use super::refusals::Refusal;

/// Where a text lies in the bytes of a run. A text that is missing (null in Avro) is [`Span::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// No text: a null.
    pub const NONE: Span = Span {
        start: 0,
        len: u32::MAX,
    };

    /// The bytes from `start`, of which there are `len`; a run holds less than 4 GiB, see [`RUN_BYTES`].
    pub fn new(start: usize, len: usize) -> Span {
        Span {
            start: start as u32,
            len: len as u32,
        }
    }

    /// Whether there is no text.
    pub fn is_none(self) -> bool {
        self.len == u32::MAX
    }

    /// Where the text begins.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// How many bytes the text has; 0 if there is none.
    pub fn len(self) -> usize {
        if self.is_none() { 0 } else { self.len as usize }
    }

    /// Whether there is no text, or an empty one.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes of the text, None if there is none.
    #[inline]
    pub fn of(self, data: &[u8]) -> Option<&[u8]> {
        if self.is_none() {
            None
        } else {
            data.get(self.start as usize..self.start as usize + self.len as usize)
        }
    }
}

/// Bytes at which a run ends, so that spans of 32 bits reach all of it and memory is bounded.
pub const RUN_BYTES: usize = 16 << 20;

/// Places in a vector of the run, from the first up to but not including the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The first.
    pub start: u32,
    /// The one after the last.
    pub end: u32,
}

/// One line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its `product_id`.
    pub product: Span,
    /// Its `category`.
    pub category: Span,
    /// How many of it.
    pub quantity: i64,
    /// Cents; `i64::MAX` or `i64::MIN` for what does not fit, which is refused.
    pub price: i64,
}

impl Item {
    /// A text of the line, by its place in [`TEXTS`]; None: lines do not have it.
    pub fn text(&self, place: usize) -> Option<Span> {
        match place {
            PRODUCT => Some(self.product),
            CATEGORY => Some(self.category),
            _ => None,
        }
    }
}

/// A value of a map: of a click's attributes always a text, of consents always a flag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(Span),
    /// A double, finite unless the record is refused.
    Number(f64),
    /// A boolean.
    Flag(bool),
}

/// An entry of a map. Of two entries with one name the later one counts: see [`Run::entry`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The name.
    pub name: Span,
    /// The value.
    pub value: Value,
}

/// A text field of events: its name, and the formats whose records have it.
#[derive(Debug)]
pub struct TextField {
    /// Its name in the schemas, the catalogue and the plan.
    pub name: &'static str,
    formats: &'static [Format],
}

impl TextField {
    const fn of(formats: &'static [Format], name: &'static str) -> TextField {
        TextField { name, formats }
    }

    /// Whether records of a format have it.
    pub fn is_of(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }
}

const CLICKS: &[Format] = &[Format::Click];
const TRANSACTIONS: &[Format] = &[Format::Transaction];

/// The text fields beside the ids and the kind. A new one needs its line here, and nothing else in this crate. The order
/// decides which of several texts that are too long a dead letter names.
pub const TEXTS: &[TextField] = &[
    TextField::of(CLICKS, "session_id"),
    TextField::of(TRANSACTIONS, "order_id"),
    TextField::of(TRANSACTIONS, "currency"),
    TextField::of(CLICKS, "page"),
    TextField::of(CLICKS, "product_id"),
    TextField::of(CLICKS, "category"),
    TextField::of(&[Format::Click, Format::Transaction], "channel"),
];

/// The place of a text field in [`TEXTS`], by its name.
pub fn text_field(name: &str) -> Option<usize> {
    TEXTS.iter().position(|field| field.name == name)
}

/// The place of `currency` in [`TEXTS`].
const CURRENCY: usize = 2;
/// The place of `product_id` in [`TEXTS`].
const PRODUCT: usize = 4;
/// The place of `category` in [`TEXTS`].
const CATEGORY: usize = 5;

/// A click, a transaction or a profile. A field that its schema does not have is [`Span::NONE`], 0 or empty.
#[derive(Clone, Debug)]
pub struct Event {
    /// `event_id`.
    pub id: Span,
    /// `customer_id`, which is the key unless the record is refused.
    pub customer: Span,
    /// The kind of a click (`page_view`, or a name of the shop's own), `purchase` or `refund`; none of a profile.
    pub kind: Span,
    /// `into` of a link.
    pub into: Span,
    /// `source` of a link.
    pub source: Span,
    /// The others, in the order of [`TEXTS`].
    pub texts: [Span; TEXTS.len()],
    /// Cents; `i64::MAX` or `i64::MIN` for what does not fit, which is refused.
    pub amount: i64,
    /// Into the run's items.
    pub items: Places,
    /// Into the run's pairs.
    pub attributes: Places,
    /// Into the run's pairs.
    pub consents: Places,
    /// Into the run's pairs: of each list first its name with a flag, then its name with each of its texts.
    pub lists: Places,
    /// A profile that is over a bound in bytes: refused with this, unless it takes a consent away; then its consents
    /// alone take effect.
    pub over: Option<Box<Refusal>>,
}

impl Event {
    /// An event without any field.
    pub const BLANK: Event = Event {
        id: Span::NONE,
        customer: Span::NONE,
        kind: Span::NONE,
        into: Span::NONE,
        source: Span::NONE,
        texts: [Span::NONE; TEXTS.len()],
        amount: 0,
        items: Places { start: 0, end: 0 },
        attributes: Places { start: 0, end: 0 },
        consents: Places { start: 0, end: 0 },
        lists: Places { start: 0, end: 0 },
        over: None,
    };

    /// `currency`.
    pub fn currency(&self) -> Span {
        self.texts[CURRENCY]
    }
}

/// What a record is.
#[derive(Clone, Debug)]
pub enum Body {
    /// An event.
    Event(Event),
    /// A null value of a topic of profiles.
    Erasure,
    /// What comes from another id of customers.
    Transfer(std::sync::Arc<crate::identity::Transfer>),
    /// Refused whatever the customer's state; the partition itself adds `wrong_partition`.
    Refused(Box<Refusal>),
}

/// A record of an input topic.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// The Kafka timestamp, in milliseconds.
    pub timestamp: i64,
    /// When it happened, in milliseconds; an erasure, and what could not be decoded, at its Kafka timestamp.
    pub at: i64,
    /// The customer's id, if the record is not refused.
    pub key: Span,
    /// The value as it came, for a dead letter.
    pub value: Span,
    /// What it is.
    pub body: Body,
}

/// What kind of record an input topic holds. A new one needs its lines here, and its texts in [`TEXTS`]; that of one
/// with more than texts and attributes is read by `wire/events.rs` and checked by `wire/refusals.rs`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Something a customer did.
    Click,
    /// Money that moved.
    Transaction,
    /// What is known of a customer.
    Profile,
    /// That two ids are one customer; no topic of a plan has such records.
    #[serde(skip)]
    Link,
}

impl Format {
    /// The name of the Avro record.
    pub fn name(self) -> &'static str {
        match self {
            Format::Click => "Click",
            Format::Transaction => "Transaction",
            Format::Profile => "Profile",
            Format::Link => "Link",
        }
    }

    /// The format of an Avro record, None for one that is no input.
    pub fn of(name: &str) -> Option<Format> {
        [Format::Click, Format::Transaction, Format::Profile, Format::Link]
            .into_iter()
            .find(|each| each.name() == name)
    }

    /// Our own schema of the record, as `schemas/` has it.
    pub fn schema(self) -> &'static str {
        macro_rules! schema {
            ($file:literal) => {
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../../schemas/",
                    $file
                ))
            };
        }
        match self {
            Format::Click => schema!("Click.avsc"),
            Format::Transaction => schema!("Transaction.avsc"),
            Format::Profile => schema!("Profile.avsc"),
            Format::Link => schema!("Link.avsc"),
        }
    }
}

/// Decoded records of one topic and partition that cover the offsets `[start, end)`.
///
/// Markers of transactions and compaction leave holes, so a run may hold no record at all and still have a length.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The partition that it was read in; None: the one that it is applied in.
    pub partition: Option<u32>,
    /// The first offset that it covers.
    pub start: i64,
    /// The first offset after it.
    pub end: i64,
    /// The records, by offset.
    pub records: Vec<Record>,
    /// The bytes of all texts.
    pub data: Vec<u8>,
    /// The lines of all orders.
    pub items: Vec<Item>,
    /// The entries of all maps.
    pub pairs: Vec<Pair>,
}

impl Run {
    /// The bytes of a text, None if there is none.
    #[inline]
    pub fn text(&self, span: Span) -> Option<&[u8]> {
        span.of(&self.data)
    }

    /// The lines of an order.
    pub fn items(&self, event: &Event) -> &[Item] {
        &self.items[event.items.start as usize..event.items.end as usize]
    }

    /// The entries of a map, those that a later one replaces included.
    pub fn pairs(&self, places: Places) -> &[Pair] {
        &self.pairs[places.start as usize..places.end as usize]
    }

    /// The value that a map holds under a name: of several the last.
    pub fn entry(&self, places: Places, name: &[u8]) -> Option<Value> {
        let named = |pair: &&Pair| self.text(pair.name) == Some(name);
        self.pairs(places).iter().rev().find(named).map(|pair| pair.value)
    }

    /// Put bytes into the run: how a caller that has no batches (replay, tests) makes records.
    pub fn put(&mut self, bytes: &[u8]) -> Span {
        let span = Span::new(self.data.len(), bytes.len());
        self.data.extend_from_slice(bytes);
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields that the engine itself reads stand where it looks for them.
    #[test]
    fn places() {
        let names = [CURRENCY, PRODUCT, CATEGORY].map(|place| TEXTS[place].name);
        assert_eq!(names, ["currency", "product_id", "category"]);
    }
}
