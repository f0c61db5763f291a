//! The numbers of a plan, and how values compare with them: exactly.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, de};

/// An exact number that a rule compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// With the sign.
    pub numerator: i128,
    /// Positive; 1 for a whole number. The fraction is in lowest terms.
    pub denominator: i128,
}

impl Ratio {
    /// How `value` compares with this number.
    ///
    /// A product that does not fit 128 bits is farther from zero than any numerator.
    pub fn compared_with(self, value: i128) -> Ordering {
        match value.checked_mul(self.denominator) {
            Some(product) => product.cmp(&self.numerator),
            None => value.cmp(&0),
        }
    }

    /// How the fraction `total / count` compares with this number; `count` is positive.
    ///
    /// By whole parts, then by the remainders turned upside down, as Euclid does: nothing is multiplied.
    pub fn compared_with_mean(self, total: i128, count: i128) -> Ordering {
        let (mut a, mut b, mut c, mut d) = (total, count, self.numerator, self.denominator);
        loop {
            let (left, right) = (a.div_euclid(b), c.div_euclid(d));
            if left != right {
                return left.cmp(&right);
            }
            let (left, right) = (a.rem_euclid(b), c.rem_euclid(d));
            match (left, right) {
                (0, 0) => return Ordering::Equal,
                (0, _) => return Ordering::Less,
                (_, 0) => return Ordering::Greater,
                // left/b < right/d exactly if d/right < b/left.
                _ => (a, b, c, d) = (d, right, b, left),
            }
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (numerator, denominator) = text.split_once('/').unwrap_or((&text, "1"));
        match (numerator.parse(), denominator.parse()) {
            (Ok(numerator), Ok(denominator)) if denominator > 0 => Ok(Ratio {
                numerator,
                denominator,
            }),
            _ => Err(de::Error::custom(format!(
                "{text:?} is no number of at most 38 digits"
            ))),
        }
    }
}

/// An operator of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    Unequal,
    /// Greater or equal.
    #[serde(rename = ">=")]
    AtLeast,
    /// Greater.
    #[serde(rename = ">")]
    Above,
    /// Less or equal.
    #[serde(rename = "<=")]
    AtMost,
    /// Less.
    #[serde(rename = "<")]
    Below,
    /// Equal to one of the bounds.
    #[serde(rename = "in")]
    In,
}

impl Operator {
    /// Whether the operator holds of a value that compares so with its bound.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Operator::Equal | Operator::In => ordering.is_eq(),
            Operator::Unequal => ordering.is_ne(),
            Operator::AtLeast => ordering.is_ge(),
            Operator::Above => ordering.is_gt(),
            Operator::AtMost => ordering.is_le(),
            Operator::Below => ordering.is_lt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_exactly_with_fractions() {
        let half = Ratio {
            numerator: 7,
            denominator: 2,
        };
        assert_eq!(half.compared_with(3), Ordering::Less);
        assert_eq!(half.compared_with(4), Ordering::Greater);
        assert_eq!(half.compared_with(i128::MAX), Ordering::Greater);
        assert_eq!(half.compared_with_mean(7, 2), Ordering::Equal);
        assert_eq!(half.compared_with_mean(21, 6), Ordering::Equal);
        assert_eq!(half.compared_with_mean(6_999_999, 2_000_000), Ordering::Less);
        assert_eq!(half.compared_with_mean(i128::MAX, i128::MAX / 3), Ordering::Less);
        let below = Ratio {
            numerator: -7,
            denominator: 2,
        };
        assert_eq!(below.compared_with_mean(-7, 2), Ordering::Equal);
        assert_eq!(below.compared_with_mean(-71, 20), Ordering::Less);
        assert_eq!(below.compared_with(-4), Ordering::Less);
    }
}
