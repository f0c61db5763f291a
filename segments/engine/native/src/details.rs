//! Details: named measures that an enter carries as text, and that its stay keeps.

use crate::customer::Customer;
use crate::eval::{Eval, Seen, Shown};
use crate::evidence::{LONGEST_TEXT, cut_to, write_value};
use crate::measures::{Asked, Measure};
use crate::mutants::m;
use crate::output::{Additions, Effects};
use crate::plan::{FieldKind, Kind};
use crate::rules::Measured;
use crate::values::key_of;

/// Bytes of all details that a stay keeps.
const LONGEST_STAY: usize = 2_048;

/// Bytes of the mark of what was cut.
const MARK: usize = "…".len();

/// A measure that an enter carries.
#[derive(Debug)]
pub struct Detail {
    /// By which it is known.
    pub name: Box<str>,
    /// How its value, or each of its values, is written.
    pub kind: Kind,
    /// The measure; it is compared with nothing.
    pub measured: Measured,
}

impl Detail {
    fn lists(&self) -> bool {
        self.measured.measure == Measure::Values
    }
}

/// What a stay keeps of the details of its enter.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDetails {
    /// The rule's place.
    pub rule: u32,
    /// The number of the value's text, or [`crate::values::PLAIN`].
    pub value: u32,
    /// Name and text of each.
    pub texts: Vec<(Box<str>, Box<[u8]>)>,
}

impl KeptDetails {
    /// Bytes of its names and texts.
    pub fn bytes(&self) -> usize {
        self.texts
            .iter()
            .map(|(name, text)| name.len() + text.len())
            .sum()
    }
}

/// Bytes of the details of all stays of a customer.
pub fn bytes(customer: &Customer) -> usize {
    customer
        .details
        .iter()
        .flat_map(|kept| kept.iter())
        .map(KeptDetails::bytes)
        .sum()
}

impl Customer {
    /// What the stay in a segment keeps.
    fn kept_details(&self, rule: usize, value: u32) -> Option<&KeptDetails> {
        let mut kept = self.details.as_ref()?.iter();
        kept.find(|each| each.rule as usize == rule && each.value == value)
    }

    /// Keep the details of an enter.
    fn keep_details(&mut self, kept: KeptDetails) {
        self.forget_details(kept.rule as usize, kept.value);
        if !kept.texts.is_empty() {
            self.weight += kept.bytes();
            self.details.get_or_insert_default().push(kept);
        }
    }

    /// Forget the details of a stay that ended.
    pub fn forget_details(&mut self, rule: usize, value: u32) {
        if let Some(kept) = &mut self.details {
            kept.retain(|each| each.rule as usize != rule || each.value != value);
            if kept.is_empty() {
                self.details = None;
            }
        }
    }

    /// Add what a stay tells.
    pub fn tell_details(&self, rule: usize, value: u32, additions: &mut Additions, out: &mut Effects) {
        additions.details = out.details.len() as u32;
        for (name, text) in self.kept_details(rule, value).iter().flat_map(|kept| &kept.texts) {
            let pair = (out.put(name.as_bytes()), out.put(text));
            out.details.push(pair);
        }
        additions.count = out.details.len() as u32 - additions.details;
    }
}

impl Eval<'_> {
    /// Add what an enter tells, and keep it with the stay.
    pub fn carry(
        &self,
        (place, value): (usize, u32),
        customer: &mut Customer,
        now: i64,
        additions: &mut Additions,
        out: &mut Effects,
    ) {
        let rule = &self.rules.rules[place];
        if rule.details.is_empty() {
            return;
        }
        additions.details = out.details.len() as u32;
        let key = rule.for_each.and_then(|kind| key_of(kind, value, self.names));
        let (mut kept, mut room) = (Vec::new(), LONGEST_STAY);
        for detail in &rule.details {
            let start = out.text.len();
            if !self.write(detail, key, customer, now, &mut out.text) {
                continue;
            }
            if !detail.lists() {
                cut_to(&mut out.text, start, LONGEST_TEXT);
            }
            let text = out.since(start);
            let name = out.put(detail.name.as_bytes());
            out.details.push((name, text));
            let mut short = out.of(text).to_vec();
            if short.len() > room && !detail.lists() && room >= MARK {
                cut_to(&mut short, 0, room);
            }
            if m!("a stay keeps all of its details", short.len() <= room, true) {
                room = room.saturating_sub(short.len());
                kept.push((detail.name.clone(), short.into()));
            }
        }
        additions.count = out.details.len() as u32 - additions.details;
        customer.keep_details(KeptDetails {
            rule: place as u32,
            value,
            texts: kept,
        });
    }

    /// Write the value of a measure. False: it has none.
    fn write(
        &self,
        detail: &Detail,
        key: Option<i64>,
        customer: &Customer,
        now: i64,
        out: &mut Vec<u8>,
    ) -> bool {
        let measured = &detail.measured;
        let then = now - measured.offset;
        let mut seen = Seen::new();
        let found = match key.filter(|_| measured.by.is_some()) {
            Some(key) => self.rows_at(measured, key, customer, then, &mut seen),
            None => {
                let floor = self.floor(measured, customer, then);
                self.rows(measured, customer, then, &mut seen)
                    .map(|rows| (rows, floor))
            }
        };
        let asked = found.map(|(rows, floor)| Asked {
            rows,
            floor,
            now: then,
            names: self.names,
        });
        if detail.lists() {
            let kind = match detail.kind {
                Kind::Text => FieldKind::Text,
                Kind::Money => FieldKind::Money,
                Kind::Decimal => FieldKind::Decimal,
                _ => FieldKind::Number,
            };
            return asked.is_some_and(|asked| measured.kernel.list(&asked, kind, out));
        }
        let value = asked.map_or(crate::eval::of_nothing(measured.measure), |asked| {
            measured.kernel.value(measured.measure, &asked)
        });
        let shown = Shown {
            key,
            value,
            holds: true,
        };
        write_value(detail.kind, measured, &shown, self.names, out)
    }
}
