//! What a leaf asks: measures, calculations with them, the profile, the clock, other segments.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, de};

use super::Kind;
use super::fields::{Comparison, Field, Filter};
use super::numbers::{Operator, Ratio};
use crate::calendar::{During, Part};
use crate::dated::Dated;
use crate::measures::Measure;

/// How a stream of visits is read: the starts that pass, each under its key. Its fields are columns of the stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Only starts that pass.
    pub filter: Option<Filter>,
    /// Starts are told apart by it; those without it are left out.
    pub key: Option<Field>,
    /// Starts without it are left out.
    pub present: Option<Field>,
}

/// A measure against a bound.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// What is measured.
    pub measure: Measure,
    /// The number of the measure in the plan.
    pub known: usize,
    /// The stream that is read.
    pub stream: usize,
    /// Of visits, unless their bare starts are read.
    pub view: Option<View>,
    /// The column that is measured.
    pub column: Option<usize>,
    /// Of the value.
    pub kind: Kind,
    /// How many of what is measured make a unit: 100 cents, 1,000,000 millionths.
    pub scale: i64,
    /// Whether no value is negative.
    pub monotone: bool,
    /// The condition holds if it holds for one value of this field.
    pub by: Option<Field>,
    /// Only what is later than the latest event of this stream counts.
    pub reset: Option<usize>,
    /// How the reset stream is read.
    pub reset_view: Option<View>,
    /// The latest event of the reset stream with the same key.
    pub same: bool,
    /// Only what came after events of these, the first directly, those after events of the second.
    #[serde(default)]
    pub after: Vec<After>,
    /// Milliseconds that an event counts.
    pub window: i64,
    /// Milliseconds: the measure is taken as it was this long ago.
    pub offset: i64,
    /// Only events of this period; `window` is as long as any.
    #[serde(default)]
    pub during: Option<During>,
    /// Of `alive`, `expected` and `clv`.
    #[serde(default)]
    pub model: Option<Model>,
    /// The number of the border that it is compared with.
    #[serde(default)]
    pub border: Option<usize>,
    /// With what it is compared.
    pub comparison: Comparison,
}

impl Measured {
    /// The streams that are read.
    pub fn streams(&self) -> impl Iterator<Item = usize> + '_ {
        let after = self.after.iter().map(|link| link.stream);
        std::iter::once(self.stream).chain(self.reset).chain(after)
    }
}

/// A model of purchases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// r, alpha in days, a, b of MBG/NBD.
    pub parameters: Vec<Ratio>,
    /// p, q, v in units of the currency, of Gamma-Gamma.
    pub spend: Option<Vec<Ratio>>,
    /// How many days ahead.
    pub days: u32,
    /// The column with the date in the zone.
    pub day: usize,
    /// The column with the amount.
    pub amount: Option<usize>,
}

/// An event counts if it is later than one of these by less than the span.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The stream of these.
    pub stream: usize,
    /// How it is read, if it is one of visits.
    pub view: Option<View>,
    /// Milliseconds.
    pub span: i64,
    /// Only events with the same key.
    pub same: bool,
}

/// What an attribute of the profile is compared with.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Bound {
    /// A text.
    Text {
        /// The text.
        value: String,
    },
    /// A boolean; false is less than true.
    Boolean {
        /// The boolean.
        value: bool,
    },
    /// A number.
    Number {
        /// The nearest double.
        value: f64,
        /// Whether the number itself is less than that double (-1), equal to it, or greater (1).
        rest: i8,
    },
}

impl Bound {
    /// How a double compares with a number; `None` if either is none.
    pub fn compared_with(value: f64, nearest: f64, rest: i8) -> Option<Ordering> {
        value.partial_cmp(&nearest).map(|found| found.then(0.cmp(&rest)))
    }
}

/// What is calculated with measures, each in its unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Term {
    /// A number; of a duration, milliseconds.
    Constant {
        /// The number.
        number: Ratio,
    },
    /// The value of a measure.
    Part {
        /// Its number among those of the comparison.
        part: usize,
    },
    /// A sum, or a difference.
    Sum {
        /// The first part.
        left: Box<Term>,
        /// Whether it is a difference.
        minus: bool,
        /// The second part.
        right: Box<Term>,
    },
    /// A multiple.
    Product {
        /// How many times.
        factor: Ratio,
        /// Of what.
        of: Box<Term>,
    },
    /// It has no value if the divisor is zero.
    Quotient {
        /// What is divided.
        left: Box<Term>,
        /// By what.
        right: Box<Term>,
    },
}

/// A calculated value against another one; false if a part of either has no value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calculated {
    /// The measures in source order; their own comparisons say nothing.
    #[serde(deserialize_with = "measures")]
    pub parts: Vec<Measured>,
    /// The left side.
    pub left: Term,
    /// How they are compared.
    pub operator: Operator,
    /// The right side.
    pub right: Term,
    /// How the evidence writes the value of the left side.
    pub left_kind: Kind,
    /// The same of the right side; None if it is a constant.
    pub right_kind: Option<Kind>,
}

/// A measure as a plan writes what a leaf asks: with its type.
pub(super) fn measure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Measured, D::Error> {
    match Asked::deserialize(deserializer)? {
        Asked::Measured(measured) => Ok(*measured),
        _ => Err(de::Error::custom("a detail is no measure")),
    }
}

/// Measures as a plan writes what a leaf asks: with their type.
fn measures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Measured>, D::Error> {
    let each = Vec::<Asked>::deserialize(deserializer)?.into_iter();
    each.map(|asked| match asked {
        Asked::Measured(measured) => Ok(*measured),
        _ => Err(de::Error::custom("a part of a calculation is no measure")),
    })
    .collect()
}

/// What a leaf asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Asked {
    /// A measure against a bound.
    Measured(Box<Measured>),
    /// A calculation with measures against another one.
    Calculated(Box<Calculated>),
    /// An attribute of the profile: false if it is missing, or of the type of none of the bounds.
    Profile {
        /// The name of the attribute.
        attribute: String,
        /// The operator.
        operator: Operator,
        /// The bounds, more than one only of `in`.
        bounds: Vec<Bound>,
    },
    /// A list of the profile has a value.
    List {
        /// The name of the list.
        list: String,
        /// The value.
        value: String,
    },
    /// A date of the profile against a bound.
    Date(Dated),
    /// What the clock of the zone shows now.
    Today {
        /// What of it.
        part: Part,
        /// With what it is compared.
        comparison: Comparison,
    },
    /// A consent that is given.
    Consent {
        /// Its name.
        consent: String,
    },
    /// A share of all customers, drawn by a name.
    Split {
        /// The name.
        name: String,
        /// The first bucket of the 10,000.
        start: u32,
        /// The first one behind them.
        end: u32,
    },
    /// The customer is in the segment of another rule, after the same evaluation.
    Inside {
        /// The number of the rule.
        rule: usize,
        /// At this value; None: at any, if it has values.
        #[serde(default)]
        value: Option<String>,
    },
}

impl Asked {
    /// The measures that it asks, in source order.
    pub fn measures(&self) -> &[Measured] {
        match self {
            Asked::Measured(measured) => std::slice::from_ref(measured),
            Asked::Calculated(calculated) => &calculated.parts,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_doubles_with_numbers_between_them() {
        let nearest = 9_007_199_254_740_992.0;
        assert_eq!(Bound::compared_with(nearest, nearest, 1), Some(Ordering::Less));
        assert_eq!(
            Bound::compared_with(nearest + 2.0, nearest, 1),
            Some(Ordering::Greater)
        );
        assert_eq!(Bound::compared_with(nearest, nearest, 0), Some(Ordering::Equal));
        assert_eq!(Bound::compared_with(f64::NAN, nearest, 0), None);
    }
}
