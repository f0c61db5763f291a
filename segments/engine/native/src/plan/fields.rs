//! The fields of events, and what `where` says of them.

use serde::{Deserialize, Deserializer, de};

use super::numbers::{Operator, Ratio};
use crate::wire::record::text_field;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// Cents, missing if the event's currency is not the plan's.
    Money,
    /// Millionths: the text of an attribute that is a decimal, else missing.
    Decimal,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name in the record; `day`, `hour`, `weekday`, `month`: of `occurred_at`; `total`: price × quantity.
    pub name: FieldName,
    /// The key in the map `attributes`.
    pub key: Option<String>,
    /// Whether it is a field of one line of `items`.
    pub line: bool,
    /// What it holds.
    pub kind: FieldKind,
}

/// The fields that an event may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the records' own fields")]
pub enum FieldName {
    EventId,
    Kind,
    Day,
    Hour,
    Weekday,
    Month,
    Attributes,
    Value,
    Amount,
    Quantity,
    Price,
    Total,
    /// By its place in `wire::record::TEXTS`.
    Text(usize),
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldName, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(match name.as_str() {
            "event_id" => FieldName::EventId,
            "kind" => FieldName::Kind,
            "day" => FieldName::Day,
            "hour" => FieldName::Hour,
            "weekday" => FieldName::Weekday,
            "month" => FieldName::Month,
            "attributes" => FieldName::Attributes,
            "value" => FieldName::Value,
            "amount" => FieldName::Amount,
            "quantity" => FieldName::Quantity,
            "price" => FieldName::Price,
            "total" => FieldName::Total,
            other => match text_field(other) {
                Some(place) => FieldName::Text(place),
                None => return Err(de::Error::custom(format!("`{other}` is no field of an event"))),
            },
        })
    }
}

/// An operator with its bounds. Without bounds it is never true.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The operator.
    pub operator: Operator,
    /// The bounds if texts are compared: in the order of their UTF-8 bytes.
    pub texts: Vec<String>,
    /// The bounds if numbers, cents or milliseconds are compared.
    pub numbers: Vec<Ratio>,
}

impl Comparison {
    /// Whether it holds of a number.
    pub fn of_number(&self, value: i128) -> bool {
        self.numbers
            .iter()
            .any(|bound| self.operator.holds(bound.compared_with(value)))
    }

    /// Whether it holds of the mean of `count` values, at least one.
    pub fn of_mean(&self, total: i128, count: i128) -> bool {
        self.numbers
            .iter()
            .any(|bound| self.operator.holds(bound.compared_with_mean(total, count)))
    }

    /// Whether it holds of a text.
    pub fn of_text(&self, value: &[u8]) -> bool {
        self.texts
            .iter()
            .any(|bound| self.operator.holds(value.cmp(bound.as_bytes())))
    }
}

/// What `where` says of an event.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Filter {
    /// The comparison of a field; false if the field is missing.
    Test {
        /// The field.
        field: Field,
        /// With what it is compared.
        comparison: Comparison,
    },
    /// The opposite, true too if a field is missing.
    Not {
        /// Of this.
        test: Box<Filter>,
    },
    /// At least one of these passes.
    Any {
        /// The parts.
        tests: Vec<Filter>,
    },
    /// Each of these passes.
    All {
        /// The parts.
        tests: Vec<Filter>,
    },
}
