//! What the evidence of a flip shows of a measure.

use super::keys::Keys;
use super::{Eval, Seen, of_nothing};
use crate::customer::Customer;
use crate::measures::{Asked, Value};
use crate::mutants::m;
use crate::plan::FieldKind;
use crate::rules::Measured;

/// What the evidence shows of a measure.
pub struct Shown {
    /// The smallest key that holds.
    pub key: Option<i64>,
    /// What the measure comes to, for that key.
    pub value: Value,
    /// Whether the condition holds.
    pub holds: bool,
}

impl Eval<'_> {
    /// What the evidence shows of a leaf on a measure.
    pub fn shown(
        &self,
        number: usize,
        measured: &Measured,
        key: Option<i64>,
        customer: &mut Customer,
        now: i64,
    ) -> Shown {
        let (holds, _) = self.leaf(number, key, customer, now);
        let ahead = now != customer.at;
        let now = now - measured.offset;
        if let Some(key) = key.filter(|_| measured.by.is_some()) {
            let value = self.value_at(measured, key, customer, now);
            let key = Some(key);
            return Shown { key, value, holds };
        }
        if measured.by.is_none() {
            let mut seen = Seen::new();
            let value = match self.rows(measured, customer, now, &mut seen) {
                None => of_nothing(measured.measure),
                Some(rows) => {
                    let floor = self.floor(measured, customer, now);
                    let asked = Asked {
                        rows,
                        floor,
                        now,
                        names: self.names,
                    };
                    measured.kernel.value(measured.measure, &asked)
                }
            };
            return Shown {
                key: None,
                value,
                holds,
            };
        }
        let nothing = Shown {
            key: None,
            value: Value::Nothing,
            holds: false,
        };
        let Some(keys) = self.keys(measured, customer, now).filter(|_| holds) else {
            return nothing;
        };
        let smallest = match measured.holding_keys.filter(|_| !ahead) {
            Some(number) => self.smallest(measured, &keys, customer.holding_keys[number].holding()),
            None => {
                let holding =
                    (0..keys.own.len()).filter(|place| self.look_at(measured, &keys, *place, now).0);
                self.smallest(measured, &keys, holding)
            }
        };
        let Some((place, (rows, floor))) =
            smallest.and_then(|place| Some((place, self.of_place(&keys, place)?)))
        else {
            return nothing;
        };
        let asked = Asked {
            rows,
            floor,
            now,
            names: self.names,
        };
        let value = measured.kernel.value(measured.measure, &asked);
        Shown {
            key: Some(keys.own.key(place)),
            value,
            holds: true,
        }
    }

    fn smallest(
        &self,
        measured: &Measured,
        keys: &Keys,
        holding: impl Iterator<Item = usize>,
    ) -> Option<usize> {
        holding.min_by(|left, right| {
            let (left, right) = (keys.own.key(*left), keys.own.key(*right));
            if measured.by == Some(FieldKind::Text) {
                m!(
                    "the largest text is told",
                    self.names.text(left).cmp(self.names.text(right)),
                    self.names.text(right).cmp(self.names.text(left))
                )
            } else {
                m!("the largest number is told", left.cmp(&right), right.cmp(&left))
            }
        })
    }
}
