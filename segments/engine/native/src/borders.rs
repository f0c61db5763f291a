//! Borders: numbers learned from all customers, that leaves are compared with. A plan names them, a deployment tells them.

use crate::plan::{Asked, Leaf, Plan, PlanError, Ratio};
use serde::Deserialize;

/// What a border is of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BorderKey {
    /// The normalised text of the measure.
    pub measure: String,
    /// The share of the customers from the border up.
    pub percent: String,
    /// ISO 4217.
    pub currency: String,
    /// The IANA name.
    pub zone: String,
}

impl Plan {
    /// Compare with these borders from now on, in the order of the plan's; None: it is not published.
    pub fn publish(&mut self, values: &[Option<String>]) -> Result<(), PlanError> {
        for leaf in &mut self.leaves {
            let Asked::Measured(measured) = &mut leaf.asked else {
                continue;
            };
            let Some(value) = measured
                .border
                .and_then(|border| values.get(border))
                .and_then(Option::as_ref)
            else {
                continue;
            };
            let number = of_text(value, measured.scale)
                .ok_or_else(|| PlanError::new(format!("{value:?} is no border: a decimal was expected")))?;
            measured.comparison.numbers = vec![number];
            leaf.bound.clone_from(value);
        }
        Ok(())
    }

    /// The borders that the leaves of a rule are compared with, and their values: equal texts, equal borders.
    pub fn borders_of(&self, place: usize) -> String {
        let leaves = self.rules[place].leaves.iter().map(|leaf| &self.leaves[*leaf]);
        let told: Vec<String> = leaves
            .filter_map(|leaf| {
                let BorderKey { measure, percent, .. } = &self.borders[border_of(leaf)?];
                Some(format!("{measure} top({percent})={}", leaf.bound))
            })
            .collect();
        told.join(",")
    }

    /// Whether a rule is compared with a border that is not published: then nobody is in its segment.
    pub fn is_unpublished(&self, place: usize) -> bool {
        let leaves = self.rules[place].leaves.iter().map(|leaf| &self.leaves[*leaf]);
        let mut read = leaves.filter(|leaf| border_of(leaf).is_some());
        read.any(|leaf| leaf.bound.is_empty())
    }
}

fn border_of(leaf: &Leaf) -> Option<usize> {
    match &leaf.asked {
        Asked::Measured(measured) => measured.border,
        _ => None,
    }
}

/// A decimal in units of `1 / scale`; None: the text is none, or has more than 38 digits.
fn of_text(text: &str, scale: i64) -> Option<Ratio> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) {
        return None;
    }
    let numerator = format!("{whole}{part}")
        .parse::<i128>()
        .ok()?
        .checked_mul(scale as i128)?;
    let denominator = 10_i128.checked_pow(part.len() as u32)?;
    let common = divisor(numerator, denominator);
    Some(Ratio {
        numerator: sign * numerator / common,
        denominator: denominator / common,
    })
}

/// The greatest common divisor of a number that is not negative and a positive one.
fn divisor(a: i128, b: i128) -> i128 {
    if a == 0 { b } else { divisor(b % a, a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A border is exact, in the units of what is measured and in lowest terms; anything but a decimal is none.
    #[test]
    fn texts() {
        let ratio = |numerator, denominator| {
            Some(Ratio {
                numerator,
                denominator,
            })
        };
        assert_eq!(of_text("640.50", 100), ratio(64_050, 1));
        assert_eq!(of_text("-0.000001", 1), ratio(-1, 1_000_000));
        assert_eq!(of_text("3.333333", 100), ratio(3_333_333, 10_000));
        assert_eq!(of_text("0", 1), ratio(0, 1));
        for wrong in [
            "",
            "-",
            ".5",
            "1e3",
            "nan",
            "1.2.3",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(of_text(wrong, 1), None, "{wrong}");
        }
    }
}
