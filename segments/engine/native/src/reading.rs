//! How `where`, `by` and the columns of a stream read an event, or a row that was kept.

use crate::machine::Turn;
use crate::mutants::m;
use crate::names::Names;
use crate::plan::{Field, FieldKind, FieldName, Filter};
use crate::rows::NULL;
use crate::times::date;
use crate::wire::record::{Event, Item, Run, Span, Value};
use crate::zone::{Zone, hour, month, weekday};
use std::borrow::Cow;

/// The value of a field.
pub enum Read<'a> {
    /// There is none.
    Missing,
    /// A text.
    Text(Cow<'a, [u8]>),
    /// A number, or cents.
    Number(i64),
}

/// An event, or a line of one, as it is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The run that it came with.
    pub run: &'a Run,
    /// The event.
    pub event: &'a Event,
    /// The line.
    pub item: Option<&'a Item>,
    /// Of the flip of a segment: its value.
    pub value: Option<&'a [u8]>,
    /// When it happened.
    pub at: i64,
    /// Whether its money is in the currency of the plan.
    pub money: bool,
    /// The zone of the shop.
    pub zone: &'a Zone,
}

impl<'a> Reading<'a> {
    /// An event as a whole. `money`: whether its money counts, see [`Turn::in_currency`].
    pub fn of(turn: Turn<'a>, event: &'a Event, money: bool, zone: &'a Zone) -> Reading<'a> {
        Reading {
            run: turn.run,
            event,
            item: None,
            value: None,
            at: turn.record().at,
            money,
            zone,
        }
    }

    /// The value of a field.
    #[inline]
    pub fn read(&self, field: &Field) -> Read<'a> {
        match field.kind {
            FieldKind::Text => self.text(field).map_or(Read::Missing, Read::Text),
            FieldKind::Money if !self.money => Read::Missing,
            _ => self.number(field).map_or(Read::Missing, Read::Number),
        }
    }

    /// A field as a word of a row.
    #[inline]
    pub fn word(&self, field: &Field, names: &mut Names) -> i64 {
        match self.read(field) {
            Read::Missing => NULL,
            Read::Text(text) => names.intern(&text),
            Read::Number(number) => number,
        }
    }

    /// Whether the event passes a filter.
    pub fn passes(&self, filter: &Filter) -> bool {
        passes(filter, &|field| self.read(field))
    }

    fn text(&self, field: &Field) -> Option<Cow<'a, [u8]>> {
        match (field.name, &field.key) {
            (FieldName::Day, _) => Some(Cow::Owned(date(self.local()).into_bytes())),
            (FieldName::Weekday, _) => Some(Cow::Borrowed(weekday(self.local()).as_bytes())),
            (FieldName::Value, _) => self.value.map(Cow::Borrowed),
            (FieldName::Attributes, Some(key)) => self.attribute(key).map(Cow::Borrowed),
            _ => self.span(field)?.of(&self.run.data).map(Cow::Borrowed),
        }
    }

    /// What the clock of the zone shows at the event's instant, as if it were an instant in UTC.
    fn local(&self) -> i64 {
        self.zone.local(self.at)
    }

    fn attribute(&self, key: &str) -> Option<&'a [u8]> {
        match self.run.entry(self.event.attributes, key.as_bytes()) {
            Some(Value::Text(span)) => span.of(&self.run.data),
            _ => None,
        }
    }

    fn span(&self, field: &Field) -> Option<Span> {
        let event = self.event;
        Some(match field.name {
            FieldName::Text(place) if field.line => self.item?.text(place)?,
            FieldName::EventId => event.id,
            FieldName::Kind => event.kind,
            FieldName::Text(place) => event.texts[place],
            _ => return None,
        })
    }

    fn number(&self, field: &Field) -> Option<i64> {
        match field.name {
            FieldName::Amount => Some(self.event.amount),
            FieldName::Quantity => Some(self.item?.quantity),
            FieldName::Price => Some(self.item?.price),
            FieldName::Total => self.item.and_then(|item| item.price.checked_mul(item.quantity)),
            FieldName::Hour => Some(hour(self.local())),
            FieldName::Month => Some(month(self.local())),
            FieldName::Attributes => self.attribute(field.key.as_ref()?).and_then(decimal),
            _ => None,
        }
    }
}

/// A text as a decimal in millionths: `[+-]?[0-9]{1,12}(\.[0-9]{1,6})?`.
fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, rest) = match point {
        None => (digits, &[][..]),
        Some(point) => (&digits[..point], &digits[point + 1..]),
    };
    let all = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
    let fits = (1..=12).contains(&whole.len())
        && (point.is_none() || !rest.is_empty())
        && m!("a decimal has seven places", rest.len() <= 6, rest.len() <= 7);
    if !fits || !all(whole) || !all(rest) {
        return None;
    }
    let zeros = std::iter::repeat_n(&b'0', 6_usize.saturating_sub(rest.len()));
    let size = whole
        .iter()
        .chain(rest)
        .chain(zeros)
        .fold(0, |found, digit| 10 * found + i64::from(digit - b'0'));
    Some(if negative { -size } else { size })
}

/// Whether something passes a filter. A comparison with a missing field is false.
pub fn passes<'a>(filter: &Filter, read: &impl Fn(&Field) -> Read<'a>) -> bool {
    match filter {
        Filter::Test { field, comparison } => match read(field) {
            Read::Missing => false,
            Read::Text(text) => comparison.of_text(&text),
            Read::Number(number) => comparison.of_number(number as i128),
        },
        Filter::Not { test } => !passes(test, read),
        Filter::Any { tests } => tests.iter().any(|test| passes(test, read)),
        Filter::All { tests } => tests.iter().all(|test| passes(test, read)),
    }
}

/// A word of a row as the value of its field.
pub fn of_word<'a>(field: &Field, word: i64, names: &'a Names) -> Read<'a> {
    match field.kind {
        _ if word == NULL => Read::Missing,
        FieldKind::Text => Read::Text(Cow::Borrowed(names.text(word))),
        _ => Read::Number(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve digits before the point and six after it; anything else is no number.
    #[test]
    fn decimals() {
        for (text, number) in [
            ("7", Some(7_000_000)),
            ("+7.5", Some(7_500_000)),
            ("-0.000001", Some(-1)),
            ("007", Some(7_000_000)),
            ("999999999999.999999", Some(999_999_999_999_999_999)),
            ("1000000000000", None),
            ("1.0000001", None),
            ("1e3", None),
            ("", None),
            ("-", None),
            (" 7", None),
            ("7.", None),
            (".5", None),
            ("1.2.3", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), number, "{text}");
        }
    }
}
