//! Bad input, refused without looking at the customer's state, with the reason in words for its sender.

use super::quoting;
use super::record::{Body, Event, Format, Pair, Places, Record, Run, Span, TEXTS, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// Bytes of an id.
pub const LONGEST_ID: usize = 128;
/// Milliseconds that an event may be ahead of its Kafka timestamp.
pub const FUTURE: i64 = 5 * 60_000;
/// Cents: an amount of precision 12 and scale 2 is smaller.
pub const TOO_MUCH: i64 = 1_000_000_000_000;
/// The first and the last millisecond of the years 1 to 9999.
pub const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;
/// Bytes of one text of an event: the longest URLs that browsers and shops use are half of it.
pub const LONGEST_TEXT: usize = 4_096;
/// Bytes of a record's value: what Kafka's producers send uncompressed by default.
pub const LONGEST_EVENT: usize = 1_048_576;
/// Characters, or bytes of a key, that a message repeats.
const SHOWN: usize = 40;

/// What dead letters are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The bytes are not the record that they should be.
    Undecodable,
    /// The schema id is not known, or its schema can not be read as ours.
    UnknownSchema,
    /// There is no key.
    NoKey,
    /// An id is empty or too long.
    InvalidId,
    /// The key is not the `customer_id`.
    KeyMismatch,
    /// It occurred long after its Kafka timestamp.
    FromTheFuture,
    /// A transaction of another kind.
    UnknownKind,
    /// An amount that is negative or does not fit.
    InvalidAmount,
    /// A text or a record that is too long.
    TooLong,
    /// A number of a profile that is none.
    NotFinite,
    /// The key belongs to another partition.
    WrongPartition,
    /// The customer occupies as much as one may.
    CustomerLimit,
    /// A bug in the engine.
    EngineError,
    /// Kafka refused what came of it.
    TooLarge,
    /// A link of an id into itself.
    IdentityCycle,
    /// A link of an id that goes on as another one already.
    IdentityConflict,
    /// So many ids are merged into one already.
    IdentityLimit,
}

impl Reason {
    const ALL: [Reason; 17] = [
        Reason::Undecodable,
        Reason::UnknownSchema,
        Reason::NoKey,
        Reason::InvalidId,
        Reason::KeyMismatch,
        Reason::FromTheFuture,
        Reason::UnknownKind,
        Reason::InvalidAmount,
        Reason::TooLong,
        Reason::NotFinite,
        Reason::WrongPartition,
        Reason::CustomerLimit,
        Reason::EngineError,
        Reason::TooLarge,
        Reason::IdentityCycle,
        Reason::IdentityConflict,
        Reason::IdentityLimit,
    ];

    /// The reason of a name.
    pub fn of(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|each| each.name() == name)
    }

    /// The reason as the header `reason` has it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Undecodable => "undecodable",
            Reason::UnknownSchema => "unknown_schema",
            Reason::NoKey => "no_key",
            Reason::InvalidId => "invalid_id",
            Reason::KeyMismatch => "key_mismatch",
            Reason::FromTheFuture => "from_the_future",
            Reason::UnknownKind => "unknown_kind",
            Reason::InvalidAmount => "invalid_amount",
            Reason::TooLong => "too_long",
            Reason::NotFinite => "not_finite",
            Reason::WrongPartition => "wrong_partition",
            Reason::CustomerLimit => "customer_limit",
            Reason::EngineError => "engine_error",
            Reason::TooLarge => "too_large",
            Reason::IdentityCycle => "identity_cycle",
            Reason::IdentityConflict => "identity_conflict",
            Reason::IdentityLimit => "identity_limit",
        }
    }
}

/// Why a record is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is counted by.
    pub reason: Reason,
    /// In words.
    pub error: String,
    /// Of a record that was cut when it was fetched: the digest (SHA-256) of its whole value.
    pub digest: Option<[u8; 32]>,
}

impl Refusal {
    /// A refusal for a reason, with the error in words.
    pub fn new(reason: Reason, error: impl Into<String>) -> Refusal {
        Refusal {
            reason,
            error: error.into(),
            digest: None,
        }
    }

    /// A record whose value has more bytes than are allowed.
    pub fn long_record(bytes: usize) -> Refusal {
        let error = format!("The record has {bytes} bytes: at most {LONGEST_EVENT} were expected.");
        Refusal::new(Reason::TooLong, error)
    }

    /// A key that belongs to another partition: the partition notices it when it first sees a customer.
    pub fn wrong_partition(partition: u32) -> Refusal {
        Refusal::new(
            Reason::WrongPartition,
            format!("The key belongs to partition {partition}."),
        )
    }
}

/// Refuse those records of a run, from the place `from` on, that are refused whatever the customer's state.
pub fn refuse(run: &mut Run, format: Format, from: usize) {
    for place in from..run.records.len() {
        let record = &run.records[place];
        if let Some(refusal) = refusal(run, record, format) {
            run.records[place].body = Body::Refused(Box::new(refusal));
        } else if format == Format::Profile {
            let over = too_long(run, record).map(Box::new);
            if let Body::Event(event) = &mut run.records[place].body {
                event.over = over;
            }
        }
    }
}

fn refusal(run: &Run, record: &Record, format: Format) -> Option<Refusal> {
    if matches!(record.body, Body::Refused(_)) {
        return None;
    }
    let Some(key) = run.text(record.key) else {
        let error = "The record has no key: the key is the customer id in UTF-8.";
        return Some(Refusal::new(Reason::NoKey, error));
    };
    if key.is_empty() || key.len() > LONGEST_ID {
        let error = format!(
            "The key has {} bytes: 1 to {LONGEST_ID} were expected.",
            key.len()
        );
        return Some(Refusal::new(Reason::InvalidId, error));
    }
    let Body::Event(event) = &record.body else {
        return erasure(key, format);
    };
    ids(run, event, key)
        .or_else(|| instant(record))
        .or_else(|| match format {
            Format::Transaction => transaction(run, event).or_else(|| too_long(run, record)),
            Format::Profile => not_finite(run, event),
            Format::Link => link(run, event, key).or_else(|| too_long(run, record)),
            _ => too_long(run, record),
        })
}

fn erasure(key: &[u8], format: Format) -> Option<Refusal> {
    if !matches!(format, Format::Profile | Format::Link) {
        let error = "The value is null: only a profile may be, which erases the customer.";
        return Some(Refusal::new(Reason::Undecodable, error));
    }
    let text = std::str::from_utf8(key);
    text.is_err()
        .then(|| Refusal::new(Reason::InvalidId, "The key is not UTF-8."))
}

fn ids(run: &Run, event: &Event, key: &[u8]) -> Option<Refusal> {
    let (id, customer) = (run.text(event.id)?, run.text(event.customer)?);
    if customer != key {
        let error = format!(
            "The key {} is not the customer_id {}.",
            shown_key(key),
            shown(customer)
        );
        return Some(Refusal::new(Reason::KeyMismatch, error));
    }
    if id.is_empty() || id.len() > LONGEST_ID {
        let error = format!("The event_id {} is empty or over {LONGEST_ID} bytes.", shown(id));
        return Some(Refusal::new(Reason::InvalidId, error));
    }
    None
}

fn instant(record: &Record) -> Option<Refusal> {
    if record.at > record.timestamp.saturating_add(FUTURE) {
        let ahead = i128::from(record.at) - i128::from(record.timestamp);
        let error = format!("occurred_at is {ahead} ms after the Kafka timestamp: at most {FUTURE}.");
        return Some(Refusal::new(Reason::FromTheFuture, error));
    }
    if !YEARS.contains(&record.at) {
        let error = format!(
            "occurred_at is {}, which is no instant of the years 1 to 9999.",
            record.at
        );
        return Some(Refusal::new(Reason::Undecodable, error));
    }
    None
}

fn transaction(run: &Run, event: &Event) -> Option<Refusal> {
    let kind = run.text(event.kind)?;
    if kind != b"purchase" && kind != b"refund" {
        let error = format!("kind is {}: 'purchase' or 'refund' was expected.", shown(kind));
        return Some(Refusal::new(Reason::UnknownKind, error));
    }
    if !(0..TOO_MUCH).contains(&event.amount) {
        let error = "amount is negative or does not fit 12 digits, 2 of them decimals.";
        return Some(Refusal::new(Reason::InvalidAmount, error));
    }
    let fits = |price: i64| -TOO_MUCH < price && price < TOO_MUCH;
    if !run.items(event).iter().all(|item| fits(item.price)) {
        let error = "The price of an item does not fit 12 digits, 2 of them decimals.";
        return Some(Refusal::new(Reason::InvalidAmount, error));
    }
    None
}

/// Why a link is refused whatever is remembered of its ids.
fn link(run: &Run, event: &Event, key: &[u8]) -> Option<Refusal> {
    let (kind, into) = (run.text(event.kind)?, run.text(event.into)?);
    if kind != b"link" && kind != b"unlink" {
        let error = format!("action is {}: 'link' or 'unlink' was expected.", shown(kind));
        return Some(Refusal::new(Reason::UnknownKind, error));
    }
    if into.is_empty() || into.len() > LONGEST_ID {
        let error = format!("into has {} bytes: 1 to {LONGEST_ID} were expected.", into.len());
        return Some(Refusal::new(Reason::InvalidId, error));
    }
    if event.source.len() > LONGEST_TEXT {
        let error = format!(
            "source has {} bytes: at most {LONGEST_TEXT} were expected.",
            event.source.len()
        );
        return Some(Refusal::new(Reason::TooLong, error));
    }
    (into == key).then(|| {
        let error = format!("{} is linked into itself.", shown(into));
        Refusal::new(Reason::IdentityCycle, error)
    })
}

fn not_finite(run: &Run, event: &Event) -> Option<Refusal> {
    let wrong = |pair: &Pair| matches!(pair.value, Value::Number(number) if !number.is_finite());
    if !run.pairs(event.attributes).iter().any(wrong) {
        return None;
    }
    let Pair { name, value } = entries(run, event.attributes).into_iter().find(wrong)?;
    let shown = match value {
        Value::Number(number) if number.is_nan() => "nan",
        Value::Number(f64::INFINITY) => "inf",
        _ => "-inf",
    };
    let error = format!(
        "attributes.{} is {shown}: a finite number was expected.",
        cut(run, name)
    );
    Some(Refusal::new(Reason::NotFinite, error))
}

/// Why an event is too long, None if it is not.
fn too_long(run: &Run, record: &Record) -> Option<Refusal> {
    let bytes = record.value.len();
    if bytes > LONGEST_EVENT {
        return Some(Refusal::long_record(bytes));
    }
    // A text is not longer than the record that it is in; without its bytes each text is looked at.
    if bytes <= LONGEST_TEXT && !record.value.is_none() {
        return None;
    }
    let Body::Event(event) = &record.body else {
        return None;
    };
    let (path, length) = long_text(run, event)?;
    let error = format!("{path} has {length} bytes: at most {LONGEST_TEXT} were expected.");
    Some(Refusal::new(Reason::TooLong, error))
}

/// The first text of an event that is too long, in the order of our schema's fields, with its bytes.
fn long_text(run: &Run, event: &Event) -> Option<(String, usize)> {
    let others = TEXTS.iter().map(|field| field.name).zip(event.texts);
    let mut fields = std::iter::once(("kind", event.kind)).chain(others);
    let found = fields.find(|field| field.1.len() > LONGEST_TEXT);
    let found = found.map(|(name, text)| (name.to_string(), text.len()));
    found.or_else(|| long_item(run, event)).or_else(|| {
        let maps = [("attributes", event.attributes), ("consents", event.consents)];
        maps.into_iter()
            .find_map(|(name, places)| long_entry(run, name, places))
            .or_else(|| long_of_list(run, event.lists))
    })
}

fn long_of_list(run: &Run, places: Places) -> Option<(String, usize)> {
    run.pairs(places).iter().find_map(|pair| match pair.value {
        _ if pair.name.len() > LONGEST_TEXT => Some(("a name in lists".to_string(), pair.name.len())),
        Value::Text(text) if text.len() > LONGEST_TEXT => {
            Some((format!("lists.{}[]", cut(run, pair.name)), text.len()))
        }
        _ => None,
    })
}

fn long_item(run: &Run, event: &Event) -> Option<(String, usize)> {
    let items = run.items(event).iter().enumerate();
    let texts = items.flat_map(|(number, item)| {
        [
            (number, "product_id", item.product),
            (number, "category", item.category),
        ]
    });
    let mut long = texts.filter(|text| text.2.len() > LONGEST_TEXT);
    long.next()
        .map(|(number, field, text)| (format!("items[{number}].{field}"), text.len()))
}

fn long_entry(run: &Run, map: &str, places: Places) -> Option<(String, usize)> {
    for Pair { name, value } in entries(run, places) {
        if name.len() > LONGEST_TEXT {
            return Some((format!("a name in {map}"), name.len()));
        }
        match value {
            Value::Text(text) if text.len() > LONGEST_TEXT => {
                return Some((format!("{map}.{}", cut(run, name)), text.len()));
            }
            _ => {}
        }
    }
    None
}

/// The entries of a map, each name once, with its last value.
fn entries(run: &Run, places: Places) -> Vec<Pair> {
    let mut found: Vec<Pair> = Vec::new();
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    for pair in run.pairs(places) {
        let place = *known
            .entry(run.text(pair.name).unwrap_or_default())
            .or_insert(found.len());
        match found.get_mut(place) {
            Some(earlier) => earlier.value = pair.value,
            None => found.push(*pair),
        }
    }
    found
}

/// A name as a message repeats it.
fn cut(run: &Run, name: Span) -> String {
    text_of(run.text(name).unwrap_or_default())
        .chars()
        .take(SHOWN)
        .collect()
}

/// A text that was checked when it was decoded.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A text as a message repeats it: the beginning, what can't be printed escaped.
fn shown(bytes: &[u8]) -> String {
    let text = text_of(bytes);
    match text.char_indices().nth(SHOWN) {
        None => quoting::text(&text),
        Some((end, _)) => quoting::text(&text[..end]) + "…",
    }
}

fn shown_key(key: &[u8]) -> String {
    if key.len() <= SHOWN {
        quoting::bytes(key)
    } else {
        quoting::bytes(&key[..SHOWN]) + "…"
    }
}
