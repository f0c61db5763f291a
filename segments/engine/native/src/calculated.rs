//! Comparisons of calculated values: all measures at one instant and, with `by`, at one and the same key.

use crate::arithmetic::{self, Measured as Part};
use crate::customer::Customer;
use crate::eval::{Eval, Keys, Seen};
use crate::measures::Asked;
use crate::mutants::m;
use crate::plan::FieldKind;
use crate::rules::{Calculated, Measured};
use crate::times::NEVER;
use smallvec::{SmallVec, smallvec};
use std::cmp::Ordering;

/// The values of the measures of a calculation: seldom more than four, which need no allocation.
pub type Parts = SmallVec<[Part; 4]>;

/// What a calculation comes to.
pub struct Stands {
    /// The smallest key at which it holds.
    pub key: Option<i64>,
    /// The values of its measures; with `by` none if it holds at no key.
    pub parts: Parts,
    /// Whether it holds.
    pub holds: bool,
}

impl Eval<'_> {
    /// The value of a calculation at an instant, with `by` at a value if one is given, and a later instant before which
    /// time alone cannot change whether it holds; that instant may be early.
    pub fn calculation(
        &self,
        calculated: &Calculated,
        at: Option<i64>,
        customer: &Customer,
        now: i64,
    ) -> (Stands, i64) {
        let parts = &calculated.parts;
        let mut change = parts
            .iter()
            .map(|part| self.comes_to_count(part, at, customer, now))
            .min()
            .unwrap_or(NEVER);
        if calculated.by.is_none() {
            self.spend();
            let values: Parts = parts
                .iter()
                .map(|part| {
                    let (value, until) = self.without_key(part, customer, now - part.offset);
                    change = change.min(changes(until, part));
                    value
                })
                .collect();
            let change = change.min(crossing(calculated, &values, now));
            let (key, holds) = (None, holds(calculated, &values));
            let parts = values;
            return (Stands { key, parts, holds }, change);
        }
        let keyed: SmallVec<[Option<Keys>; 4]> = parts
            .iter()
            .map(|part| part.by.and_then(|_| self.keys(part, customer, now - part.offset)))
            .collect();
        // What has no `by` is the same at each key.
        let shared: SmallVec<[Option<(Part, i64)>; 4]> = parts
            .iter()
            .map(|part| {
                part.by
                    .is_none()
                    .then(|| self.without_key(part, customer, now - part.offset))
            })
            .collect();
        let mut at_key = |key: Option<i64>| {
            self.spend();
            let values: Parts = parts
                .iter()
                .enumerate()
                .map(|(place, part)| {
                    let (value, until) =
                        shared[place].unwrap_or_else(|| self.at_key(part, keyed[place].as_ref(), key, now));
                    change = change.min(changes(until, part));
                    value
                })
                .collect();
            change = change.min(crossing(calculated, &values, now));
            let holds = holds(calculated, &values);
            (values, holds)
        };
        if at.is_some() {
            let (parts, holds) = at_key(at);
            let key = at;
            return (Stands { key, parts, holds }, change);
        }
        let mut found: Option<(i64, Parts)> = None;
        for key in self.met(&keyed) {
            let (values, holds) = at_key(Some(key));
            let smaller = found
                .as_ref()
                .is_none_or(|held| self.order(calculated.by, key, held.0).is_lt());
            if holds && m!("any key is told", smaller, true) {
                found = Some((key, values));
            }
        }
        let stands = match found {
            Some((key, parts)) => Stands {
                key: Some(key),
                parts,
                holds: true,
            },
            None => Stands {
                key: None,
                parts: smallvec![None; parts.len()],
                holds: false,
            },
        };
        (stands, change)
    }

    /// The keys of the events that some measure with `by` selects.
    fn met(&self, keyed: &[Option<Keys>]) -> Vec<i64> {
        let mut found = Vec::new();
        for keys in keyed.iter().flatten() {
            let selected = (0..keys.own.len()).filter(|place| self.of_place(keys, *place).is_some());
            found.extend(selected.map(|place| keys.own.key(place)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn without_key(&self, part: &Measured, customer: &Customer, then: i64) -> (Part, i64) {
        let mut seen = Seen::new();
        let rows = self.rows(part, customer, then, &mut seen);
        let floor = self.floor(part, customer, then);
        let asked = rows.map(|rows| Asked {
            rows,
            floor,
            now: then,
            names: self.names,
        });
        part.kernel.number(part.measure, part.scale, asked.as_ref())
    }

    fn at_key(&self, part: &Measured, keys: Option<&Keys>, key: Option<i64>, now: i64) -> (Part, i64) {
        let place = keys.zip(key).and_then(|(keys, key)| keys.own.place(key));
        let found = keys
            .zip(place)
            .and_then(|(keys, place)| self.of_place(keys, place));
        let asked = found.map(|(rows, floor)| Asked {
            rows,
            floor,
            now: now - part.offset,
            names: self.names,
        });
        part.kernel.number(part.measure, part.scale, asked.as_ref())
    }

    /// When the next event comes to count for a measure as it was some time ago.
    fn comes_to_count(&self, part: &Measured, at: Option<i64>, customer: &Customer, now: i64) -> i64 {
        if part.offset == 0 {
            return self.turns(part, customer, now);
        }
        let (then, at) = (now - part.offset, at.filter(|_| part.by.is_some()));
        let next = [Some(part.stream), part.reset]
            .into_iter()
            .flatten()
            .map(|stream| self.entering(&customer.streams[stream], stream, at, then))
            .min()
            .unwrap_or(NEVER);
        if m!("what a calculation comes to is not foreseen", next < NEVER, false) {
            next + part.offset
        } else {
            NEVER
        }
    }

    fn order(&self, by: Option<FieldKind>, left: i64, right: i64) -> Ordering {
        if by == Some(FieldKind::Text) {
            self.names.text(left).cmp(self.names.text(right))
        } else {
            left.cmp(&right)
        }
    }
}

/// Whether a calculation holds, by the values of its measures.
fn holds(calculated: &Calculated, values: &[Part]) -> bool {
    arithmetic::compare(&calculated.plan.left, &calculated.plan.right, values)
        .is_some_and(|order| calculated.plan.operator.holds(order))
}

/// The instant before which a measure keeps its value, which is told as of the instant at which it is looked at.
fn changes(until: i64, part: &Measured) -> i64 {
    if until == NEVER {
        return NEVER;
    }
    m!(
        "a calculation changes late",
        until + part.offset,
        until + part.offset + 1
    )
}

/// When a duration that grows next meets one that does not, or passes it.
fn crossing(calculated: &Calculated, values: &[Part], now: i64) -> i64 {
    let (left, right) = (&calculated.plan.left, &calculated.plan.right);
    let ahead = match calculated.grows {
        (true, false) => arithmetic::longer(right, left, values),
        (false, true) => arithmetic::longer(left, right, values),
        _ => None,
    };
    match ahead {
        Some(ahead) if ahead >= 0 => m!("durations cross late", now + ahead.max(1), now + ahead + 1),
        _ => NEVER,
    }
}
