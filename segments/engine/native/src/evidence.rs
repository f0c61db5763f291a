//! Why a segment was entered or left: every leaf of the rule with its value.

use crate::arithmetic;
use crate::customer::{Customer, Trait};
use crate::eval::{Eval, Shown};
use crate::measures::Value;
use crate::mutants::m;
use crate::names::Names;
use crate::output::{Effects, Entry};
use crate::plan::{FieldKind, Kind, Term};
use crate::rules::{Ask, Calculated, Measured};
use crate::values;
use std::io::Write;

/// Bytes of a measure, a value or a bound: what a rule or a key is made of may be far longer.
pub(crate) const LONGEST_TEXT: usize = 1_024;

/// What a sum, a count or a number of different values comes to without an event: of money that there is, no denominator
/// is 1.
const NO_EVENT: arithmetic::Measured = Some((0, 1));

/// Digits of a mean after the point.
const MEAN: i128 = 1_000_000;

/// Add an entry for each leaf condition of `when`, then of `until`, in source order. Gives the first, and how many.
///
/// `value`: at which of its values the segment is entered or left.
pub fn evidence(
    eval: &Eval,
    place: usize,
    value: u32,
    customer: &mut Customer,
    now: i64,
    out: &mut Effects,
) -> (u32, u32) {
    let first = out.evidence.len();
    let each = eval.rules.rules[place].for_each;
    let key = each.and_then(|kind| values::key_of(kind, value, eval.names));
    for leaf in &eval.rules.rules[place].leaves {
        let entry = entry(eval, *leaf, key, customer, now, out);
        out.evidence.push(entry);
    }
    (first as u32, (out.evidence.len() - first) as u32)
}

/// A leaf with its value, with `by` at a value if one is given.
pub fn entry(
    eval: &Eval,
    number: usize,
    key: Option<i64>,
    customer: &mut Customer,
    now: i64,
    out: &mut Effects,
) -> Entry {
    let leaf = &eval.rules.leaves[number];
    let start = out.text.len();
    let (measure, there, holds) = match &leaf.ask {
        Ask::Measured(measured) => {
            let shown = eval.shown(number, measured, key, customer, now);
            let measure = shown.key.map(|key| {
                out.text.extend_from_slice(&leaf.text);
                out.text.push(b'[');
                write_key(measured.by, key, eval.names, &mut out.text);
                out.text.push(b']');
                cut(&mut out.text, start);
                out.since(start)
            });
            let start = out.text.len();
            let there = write_value(leaf.kind, measured, &shown, eval.names, &mut out.text);
            (measure, there.then_some(start), shown.holds)
        }
        Ask::Calculated(calculated) => {
            return of_calculation(eval, number, (calculated, key), customer, now, out);
        }
        Ask::Inside(rule, value) => {
            let inside = eval.inside(*rule, value.as_deref(), customer);
            write_truth(inside, &mut out.text);
            (None, Some(start), inside)
        }
        Ask::Split { .. } => {
            let drawn = eval.timeless(number, customer);
            write_truth(drawn, &mut out.text);
            (None, Some(start), drawn)
        }
        Ask::List(name, value) => {
            let listed = eval.listed(name, value, customer);
            if let Some(listed) = listed {
                write_truth(listed, &mut out.text);
            }
            (None, listed.map(|_| start), listed == Some(true))
        }
        Ask::Consent(name) => {
            let given = customer.profile.as_ref().and_then(|held| held.consent(name));
            if let Some(given) = given {
                write_truth(given, &mut out.text);
            }
            (None, given.map(|_| start), given == Some(true))
        }
        Ask::Today(today) => {
            out.text
                .extend_from_slice(today.shown(&eval.rules.plan.zone, now).as_bytes());
            (None, Some(start), today.holds(&eval.rules.plan.zone, now))
        }
        Ask::Date(dated) => {
            let (value, holds, _) = eval.dated(dated, customer, now);
            if let Some(value) = value {
                write_number(value as i128, &mut out.text);
            }
            (None, value.map(|_| start), holds)
        }
        Ask::Profile { attribute, .. } => {
            let held = customer
                .profile
                .as_ref()
                .and_then(|held| held.attribute(attribute));
            if let Some(held) = held {
                write_trait(held, &mut out.text);
            }
            (None, held.map(|_| start), eval.timeless(number, customer))
        }
    };
    let value = there.map(|start| {
        cut(&mut out.text, start);
        out.since(start)
    });
    Entry {
        leaf: number as u32,
        measure,
        value,
        bound: None,
        holds,
    }
}

/// A calculation as it stands, with the values of both sides.
fn of_calculation(
    eval: &Eval,
    number: usize,
    (calculated, key): (&Calculated, Option<i64>),
    customer: &Customer,
    now: i64,
    out: &mut Effects,
) -> Entry {
    let leaf = &eval.rules.leaves[number];
    let stands = eval.calculation(calculated, key, customer, now).0;
    let mut told = |write: &mut dyn FnMut(&mut Vec<u8>) -> bool| {
        let start = out.text.len();
        let there = write(&mut out.text);
        cut(&mut out.text, start);
        there.then(|| out.since(start))
    };
    let measure = stands.key.and_then(|key| {
        told(&mut |text| {
            text.extend_from_slice(&leaf.text);
            text.push(b'[');
            write_key(calculated.by, key, eval.names, text);
            text.push(b']');
            true
        })
    });
    let parts = &stands.parts;
    let value = told(&mut |text| write_side(leaf.kind, &calculated.plan.left, parts, text));
    let right = calculated.plan.right_kind;
    let bound = right.and_then(|kind| {
        told(&mut |text| {
            write_side(kind, &calculated.plan.right, parts, text);
            true
        })
    });
    Entry {
        leaf: number as u32,
        measure,
        value,
        bound,
        holds: stands.holds,
    }
}

/// A side of a calculation. False: it has no value.
fn write_side(kind: Kind, term: &Term, parts: &[arithmetic::Measured], out: &mut Vec<u8>) -> bool {
    let digits = match kind {
        Kind::Money => 2,
        Kind::Mean | Kind::Decimal => 6,
        _ => 0,
    };
    let Some(number) = arithmetic::rounded(term, parts, digits) else {
        return false;
    };
    if let Term::Part { part } = term
        && kind != Kind::Mean
        && m!("no money is told as money", parts[*part] == NO_EVENT, false)
    {
        out.push(b'0');
        return true;
    }
    match kind {
        Kind::Money => write_money(number, out),
        Kind::Mean => write_mean(number, MEAN, out),
        Kind::Decimal => write_decimal(number, out),
        _ => write_number(number, out),
    }
    true
}

/// Leave at most 1,024 bytes of what was written last: the beginning, which then ends in `…`.
pub fn cut(text: &mut Vec<u8>, start: usize) {
    cut_to(text, start, LONGEST_TEXT);
}

/// The same with another length, of at least the bytes of `…`.
pub(crate) fn cut_to(text: &mut Vec<u8>, start: usize, longest: usize) {
    const MARK: &str = "…";
    if m!(
        "evidence is cut a byte late",
        text.len() - start <= longest,
        text.len() - start <= longest + 1
    ) {
        return;
    }
    let mut end = start + longest - MARK.len();
    // Not within a letter: its other bytes begin with the bits 10.
    while text[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    text.truncate(end);
    text.extend_from_slice(MARK.as_bytes());
}

pub(crate) fn write_key(by: Option<FieldKind>, key: i64, names: &Names, out: &mut Vec<u8>) {
    match by {
        Some(FieldKind::Text) => out.extend_from_slice(names.text(key)),
        Some(FieldKind::Money) => write_money(key as i128, out),
        Some(FieldKind::Decimal) => write_decimal(key as i128, out),
        _ => write_number(key as i128, out),
    }
}

/// A measure's value as the evidence shows it. False: there is none.
pub(crate) fn write_value(
    kind: Kind,
    measured: &Measured,
    shown: &Shown,
    names: &Names,
    out: &mut Vec<u8>,
) -> bool {
    match shown.value {
        Value::Nothing => {
            let sum = m!(
                "a sum of nothing has no value",
                measured.measure == crate::plan::Measure::Sum,
                false
            ) && (measured.by.is_none() || shown.key.is_some());
            if sum {
                out.push(b'0');
            }
            sum
        }
        Value::Text(text) => {
            out.extend_from_slice(names.text(text));
            true
        }
        Value::Mean(total, count) => {
            write_mean(
                total,
                count as i128 * m!("a mean of money is in cents", measured.scale, 1) as i128,
                out,
            );
            true
        }
        Value::Number(number) => {
            match kind {
                Kind::Money => write_money(number, out),
                Kind::Decimal => write_decimal(number, out),
                _ => write_number(number, out),
            }
            true
        }
    }
}

fn write_truth(truth: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
}

fn write_trait(value: &Trait, out: &mut Vec<u8>) {
    match value {
        Trait::Text(text) => out.extend_from_slice(text.as_bytes()),
        Trait::Truth(truth) => write_truth(*truth, out),
        Trait::Number(number) if number.is_nan() => out.extend_from_slice(b"nan"),
        Trait::Number(number) => {
            // Equal numbers are one text: -0 is 0.
            let _ = write!(out, "{}", number + 0.0);
        }
    }
}

fn write_number(number: i128, out: &mut Vec<u8>) {
    // Writing to a vector can't fail.
    let _ = match i64::try_from(number) {
        Ok(number) => write!(out, "{number}"),
        Err(_) => write!(out, "{number}"),
    };
}

/// Cents as an amount: 600.00.
fn write_money(cents: i128, out: &mut Vec<u8>) {
    let (sign, size) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    let _ = write!(out, "{sign}{}.{:02}", size / 100, size % 100);
}

/// Millionths as a decimal: 7.5.
fn write_decimal(millionths: i128, out: &mut Vec<u8>) {
    let (sign, size) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    let (whole, rest) = (size / MEAN as u128, size % MEAN as u128);
    let _ = write!(out, "{sign}{whole}");
    if rest > 0 {
        let digits = format!("{rest:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// Rounded half-even to six digits, by whole numbers only.
fn write_mean(total: i128, count: i128, out: &mut Vec<u8>) {
    let scaled = total * MEAN;
    let (mut quotient, rest) = (scaled.div_euclid(count), scaled.rem_euclid(count));
    if m!("a half is rounded up", 2 * rest > count, 2 * rest >= count)
        || (2 * rest == count && quotient % 2 != 0)
    {
        quotient += 1;
    }
    let (sign, size) = (if quotient < 0 { "-" } else { "" }, quotient.unsigned_abs());
    let _ = write!(out, "{sign}{}.{:06}", size / MEAN as u128, size % MEAN as u128);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Amounts have two decimals, also below one unit and below nought.
    #[test]
    fn amounts() {
        for (cents, text) in [
            (60_000, "600.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (-12_345, "-123.45"),
            (0, "0.00"),
        ] {
            assert_eq!(written(|out| write_money(cents, out)), text);
        }
    }

    /// A decimal has the digits that it needs.
    #[test]
    fn decimals() {
        for (millionths, text) in [
            (7_500_000, "7.5"),
            (-1, "-0.000001"),
            (0, "0"),
            (12_000_000, "12"),
            (-10_500_000, "-10.5"),
        ] {
            assert_eq!(written(|out| write_decimal(millionths, out)), text);
        }
    }

    /// A mean is rounded half to even at the sixth digit.
    #[test]
    fn means() {
        let cases = [
            (1, 3, "0.333333"),
            (2, 3, "0.666667"),
            (1, 2_000_000, "0.000000"),
            (3, 2_000_000, "0.000002"),
            (-1, 2, "-0.500000"),
            (-3, 2_000_000, "-0.000002"),
            (7, 1, "7.000000"),
        ];
        for (total, count, text) in cases {
            assert_eq!(written(|out| write_mean(total, count, out)), text);
        }
    }

    /// A long text is cut between letters, and says so.
    #[test]
    fn long_texts() {
        let mut text = "€".repeat(341).into_bytes();
        cut(&mut text, 0);
        assert_eq!(text.len(), 1_023);
        text.extend_from_slice(b"xx");
        cut(&mut text, 0);
        assert_eq!(String::from_utf8(text), Ok("€".repeat(340) + "…"));
    }

    /// Numbers of a profile are written without an exponent.
    #[test]
    fn numbers_of_profiles() {
        let cases = [
            (100.0, "100"),
            (0.1, "0.1"),
            (1e-7, "0.0000001"),
            (1e21, "1000000000000000000000"),
            (-0.0, "0"),
        ];
        for (number, text) in cases {
            assert_eq!(written(|out| write_trait(&Trait::Number(number), out)), text);
        }
        assert_eq!(
            written(|out| write_trait(&Trait::Number(f64::NEG_INFINITY), out)),
            "-inf"
        );
        assert_eq!(written(|out| write_trait(&Trait::Truth(false), out)), "false");
    }
}
