//! How `where`, `by` and the columns of a stream read an event, or a row that was kept.

use crate::names::Names;
use crate::plan::{Field, FieldKind, FieldName, Filter};
use crate::rows::NULL;
use crate::times::date;
use crate::wire::record::{Event, Item, Run, Span, Value};
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
    /// When it happened.
    pub at: i64,
    /// Whether its money is in the currency of the plan.
    pub money: bool,
}

impl<'a> Reading<'a> {
    /// The value of a field.
    #[inline]
    pub fn read(&self, field: &Field) -> Read<'a> {
        match field.kind {
            FieldKind::Text => self.text(field).map_or(Read::Missing, Read::Text),
            FieldKind::Money if !self.money => Read::Missing,
            FieldKind::Number | FieldKind::Money => self.number(field).map_or(Read::Missing, Read::Number),
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
        if field.name == FieldName::Day {
            return Some(Cow::Owned(date(self.at).into_bytes()));
        }
        if let (FieldName::Attributes, Some(key)) = (field.name, &field.key) {
            let Some(Value::Text(span)) = self.run.entry(self.event.attributes, key.as_bytes()) else {
                return None;
            };
            return span.of(&self.run.data).map(Cow::Borrowed);
        }
        self.span(field)?.of(&self.run.data).map(Cow::Borrowed)
    }

    fn span(&self, field: &Field) -> Option<Span> {
        let event = self.event;
        Some(match field.name {
            FieldName::ProductId if field.line => self.item?.product,
            FieldName::Category if field.line => self.item?.category,
            FieldName::EventId => event.id,
            FieldName::Kind => event.kind,
            FieldName::Channel => event.channel,
            FieldName::SessionId => event.session,
            FieldName::Page => event.page,
            FieldName::ProductId => event.product,
            FieldName::Category => event.category,
            FieldName::OrderId => event.order,
            FieldName::Currency => event.currency,
            FieldName::Attributes | FieldName::Day => return None,
            FieldName::Amount | FieldName::Quantity | FieldName::Price => return None,
        })
    }

    fn number(&self, field: &Field) -> Option<i64> {
        match field.name {
            FieldName::Amount => Some(self.event.amount),
            FieldName::Quantity => Some(self.item?.quantity),
            FieldName::Price => Some(self.item?.price),
            _ => None,
        }
    }
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
        FieldKind::Number | FieldKind::Money => Read::Number(word),
    }
}
