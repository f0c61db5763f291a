//! `alive(m)`, `expected(m, days=)`, `clv(m, days=)`: what a model of purchases (MBG/NBD, Gamma-Gamma) tells.
//!
//! While the purchases in the window stay the same each of them falls strictly, so a comparison turns once. The instant is
//! searched for with doubles and settled by numbers of 106 bits: the first whole millisecond at which it is another one.
//!
//! The expected number is the integral of the rate of purchases, (1 - w)^R H(w) with w = days / (alpha + T + days): H is a
//! series with positive terms alone, so nothing cancels out, at a = 1 neither.

use super::{Asked, MILLION, Value};
use crate::by_key::Look;
use crate::exact::Exact;
use crate::plan::{self, Comparison, Measure, Operator, Ratio};
use crate::rows::NULL;
use crate::times::NEVER;
use std::cmp::Ordering;

/// Milliseconds of a day.
const DAY: i128 = 86_400_000;
/// Beside this two values are equal: far above the error of 106 bits, far below the change in a millisecond.
const SAME: f64 = 1e-24;
/// Of doubles: beyond this they decide.
const SURE: f64 = 1e-9;
/// A series ends at terms so small beside their sum.
const SMALL: f64 = 1e-32;
/// From this size on a term is scaled down.
const LARGE: f64 = 1e200;
/// The logarithm of odds at which a probability counts as 0: no bound has as many digits.
const DEAD: f64 = 600.0;
/// Milliseconds round the instant found with doubles in which the right one is looked for first.
const NEAR: i64 = 16;

/// A model, and what is asked of it.
#[derive(Debug)]
pub struct Buying {
    measure: Measure,
    r: Exact,
    /// In milliseconds.
    alpha: Exact,
    a: Exact,
    b: Exact,
    /// p, q, and v in cents.
    spend: Option<[Exact; 3]>,
    /// Milliseconds ahead.
    ahead: Exact,
    day: usize,
    amount: Option<usize>,
    operator: Operator,
    bound: Exact,
    /// Whether there is a bound: a border may not be published yet.
    bounded: bool,
}

/// The purchases in the window.
struct Bought {
    first: i64,
    last: i64,
    /// Purchase days after the first.
    x: i128,
    /// Those of them that have an amount.
    spent: i128,
    /// Their totals, in cents.
    total: i128,
}

fn exact(ratio: &Ratio) -> Exact {
    Exact::of(ratio.numerator) / Exact::of(ratio.denominator)
}

impl Buying {
    /// Of a measure in the plan; the plan's reader has checked that it has a model.
    pub fn new(measure: Measure, model: &plan::Model, comparison: &Comparison) -> Buying {
        let numbers: Vec<Exact> = model.parameters.iter().map(exact).collect();
        let spend = model.spend.as_ref().map(|spend| {
            [
                exact(&spend[0]),
                exact(&spend[1]),
                exact(&spend[2]) * Exact::of(100),
            ]
        });
        Buying {
            measure,
            r: numbers[0],
            alpha: numbers[1] * Exact::of(DAY),
            a: numbers[2],
            b: numbers[3],
            spend,
            ahead: Exact::of(model.days as i128 * DAY),
            day: 1 + model.day,
            amount: model.amount.map(|column| 1 + column),
            operator: comparison.operator,
            bounded: !comparison.numbers.is_empty(),
            bound: comparison.numbers.first().map_or(Exact::ZERO, exact),
        }
    }

    fn bought(&self, asked: &Asked, start: usize) -> Bought {
        let rows = asked.rows;
        let mut found = Bought {
            first: rows.at(start),
            last: rows.at(start),
            x: 0,
            spent: 0,
            total: 0,
        };
        let (mut day, mut counted) = (rows.word(start, self.day), true);
        for row in start..rows.len() {
            let word = rows.word(row, self.day);
            if word != day {
                (day, counted) = (word, false);
                found.x += 1;
                found.last = rows.at(row);
            }
            let amount = self.amount.map_or(NULL, |column| rows.word(row, column));
            if found.x > 0 && amount != NULL {
                found.total += amount as i128;
                if !counted {
                    found.spent += 1;
                    counted = true;
                }
            }
        }
        found
    }

    /// The value at an instant; of `clv` in units of the currency.
    fn at(&self, bought: &Bought, now: i64) -> Exact {
        let (x, since) = (
            Exact::of(bought.x),
            self.alpha + Exact::of((now - bought.first) as i128),
        );
        let shape = self.r + x;
        let last = self.alpha + Exact::of((bought.last - bought.first) as i128);
        let grown = shape * (since / last).ln();
        if grown.0 > DEAD {
            return Exact::ZERO;
        }
        let odds = self.a / (self.b + x) * grown.exp();
        let alive = Exact::ONE / (Exact::ONE + odds);
        if self.measure == Measure::Alive {
            return alive;
        }
        let expected = alive * self.rate(x, since);
        match (self.measure, &self.spend) {
            (Measure::Clv, Some([p, q, v])) => {
                let mean =
                    *p * (*v + Exact::of(bought.total)) / (*p * Exact::of(bought.spent) + *q - Exact::ONE);
                expected * mean / Exact::of(100)
            }
            _ => expected,
        }
    }

    /// The expected number of purchase days of one who is a customer still.
    fn rate(&self, x: Exact, since: Exact) -> Exact {
        let (shape, b) = (self.r + x, self.b + x + Exact::ONE);
        let whole = since + self.ahead;
        let (w, left) = (self.ahead / whole, since / whole);
        // c: the terms of 2F1(shape + 1, b; a + b; w); d: those of H.
        let (mut c, mut d, mut sum) = (Exact::ONE, Exact::ZERO, Exact::ZERO);
        let (mut scaled, mut k) = (0.0, 0.0);
        let peak = shape.0 * w.0 / left.0;
        loop {
            let step = Exact::double(k);
            let next = Exact::double(k + 1.0);
            d = ((step + shape) * d + shape * c) / next * w;
            c = c * (shape + next) * (b + step) / ((self.a + b + step) * next) * w;
            sum = sum + d;
            k += 1.0;
            if d.0.max(c.0) > LARGE {
                for number in [&mut c, &mut d, &mut sum] {
                    *number = *number / Exact::double(LARGE);
                }
                scaled += 1.0;
            }
            if k > peak && d.0 + c.0 <= sum.0 * SMALL * left.0 {
                break;
            }
        }
        let weight = shape * left.ln() + Exact::double(scaled) * Exact::double(LARGE).ln();
        if weight.0 < -600.0 {
            // The sum is far larger than the weight is small: both together are a usual number.
            return (weight + sum.ln()).exp();
        }
        weight.exp() * sum
    }

    /// As `at`, with doubles: near enough to look for the instant.
    fn about(&self, bought: &Bought, now: i64) -> f64 {
        let (x, since) = (bought.x as f64, self.alpha.0 + (now - bought.first) as f64);
        let shape = self.r.0 + x;
        let last = self.alpha.0 + (bought.last - bought.first) as f64;
        let odds = self.a.0 / (self.b.0 + x) * (shape * (since / last).ln()).exp();
        let alive = 1.0 / (1.0 + odds);
        if self.measure == Measure::Alive {
            return alive;
        }
        let (b, whole) = (self.b.0 + x + 1.0, since + self.ahead.0);
        let (w, left) = (self.ahead.0 / whole, since / whole);
        let (mut c, mut d, mut sum) = (1.0, 0.0, 0.0);
        let (mut scaled, mut k) = (0.0, 0.0);
        let peak = shape * w / left;
        loop {
            d = ((k + shape) * d + shape * c) / (k + 1.0) * w;
            c *= (shape + k + 1.0) * (b + k) / ((self.a.0 + b + k) * (k + 1.0)) * w;
            sum += d;
            k += 1.0;
            if d.max(c) > LARGE {
                (c, d, sum) = (c / LARGE, d / LARGE, sum / LARGE);
                scaled += 1.0;
            }
            if k > peak && d + c <= sum * 1e-17 * left {
                break;
            }
        }
        let expected = alive * (shape * left.ln() + scaled * LARGE.ln() + sum.ln()).exp();
        match (self.measure, &self.spend) {
            (Measure::Clv, Some([p, q, v])) => {
                let mean = p.0 * (v.0 + bought.total as f64) / (p.0 * bought.spent as f64 + q.0 - 1.0);
                expected * mean / 100.0
            }
            _ => expected,
        }
    }

    /// How the value at an instant compares with the bound.
    fn compared(&self, bought: &Bought, now: i64) -> Ordering {
        let about = self.about(bought, now) / self.bound.0 - 1.0;
        if about > SURE {
            return Ordering::Greater;
        }
        if about < -SURE {
            return Ordering::Less;
        }
        let rest = (self.at(bought, now) - self.bound).0 / self.bound.0;
        if rest.abs() < SAME {
            Ordering::Equal
        } else if rest > 0.0 {
            Ordering::Greater
        } else {
            Ordering::Less
        }
    }

    fn holds(&self, bought: &Bought, now: i64) -> bool {
        self.operator.holds(self.compared(bought, now))
    }

    /// The first instant after `now` at which the comparison is another one, which it is at `end`.
    fn turn(&self, bought: &Bought, holds: bool, now: i64, end: i64) -> i64 {
        let (mut low, mut high) = (now, end);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.about(bought, middle) > self.bound.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        // Doubles err by a few milliseconds where the value hardly moves: widen until both sides are settled.
        let (found, mut near) = (high, NEAR);
        loop {
            low = (found - near).max(now);
            high = (found + near).min(end);
            let low_is_right = low == now || self.holds(bought, low) == holds;
            let high_is_right = high == end || self.holds(bought, high) != holds;
            if low_is_right && high_is_right {
                break;
            }
            near *= 64;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.holds(bought, middle) == holds {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// Whether the value is as asked, and until when: it falls, and a purchase leaves the window.
pub fn look(buying: &Buying, asked: &Asked, window: i64) -> Look {
    let start = asked.start();
    if start == asked.rows.len() || !buying.bounded {
        return (false, NEVER);
    }
    let (bought, leaves) = (buying.bought(asked, start), asked.expiry(start, window));
    let holds = buying.holds(&bought, asked.now);
    let falls = matches!(buying.operator, Operator::AtLeast | Operator::Above);
    if holds != falls || leaves - asked.now <= 1 || buying.holds(&bought, leaves - 1) == holds {
        return (holds, leaves);
    }
    (holds, buying.turn(&bought, holds, asked.now, leaves - 1))
}

/// The value in millionths, rounded half-even.
pub fn value(buying: &Buying, asked: &Asked) -> Value {
    let start = asked.start();
    if start == asked.rows.len() {
        return Value::Nothing;
    }
    let exact = buying.at(&buying.bought(asked, start), asked.now) * Exact::of(MILLION);
    let whole = exact.floor();
    let rest = (exact - Exact::of(whole) - Exact::double(0.5)).0;
    let tie = rest.abs() < SAME * exact.0.max(1.0);
    let up = if tie { whole % 2 != 0 } else { rest > 0.0 };
    Value::Mean(whole + i128::from(up), MILLION as i64)
}

/// The value in millionths, rounded down; None: there is no purchase.
pub fn millionths(buying: &Buying, asked: &Asked) -> Option<i128> {
    let start = asked.start();
    if start == asked.rows.len() {
        return None;
    }
    let exact = buying.at(&buying.bought(asked, start), asked.now) * Exact::of(MILLION);
    let whole = exact.floor();
    // Beside a whole number it is that one, by as much as a comparison allows for.
    let short = (Exact::of(whole + 1) - exact).0 < SAME * exact.0.max(1.0);
    Some(whole + i128::from(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use crate::rows::Series;
    use serde_json::Value as Json;

    fn vectors() -> Json {
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../tests/unit/vectors.json"
        ));
        serde_json::from_str(text).unwrap()
    }

    fn ratio(text: &str) -> Ratio {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        Ratio {
            numerator: format!("{whole}{part}").parse().unwrap(),
            denominator: 10i128.pow(part.len() as u32),
        }
    }

    fn asks(vectors: &Json, case: &Json, measure: &str, operator: &str, bound: &str) -> Buying {
        let model = &vectors["models"][case["model"].as_str().unwrap()];
        let of = |names: &[&str]| -> Vec<Ratio> {
            names
                .iter()
                .map(|name| ratio(model[*name].as_str().unwrap()))
                .collect()
        };
        let measure = match measure {
            "alive" => Measure::Alive,
            "expected" => Measure::Expected,
            _ => Measure::Clv,
        };
        let model = plan::Model {
            parameters: of(&["r", "alpha", "a", "b"]),
            spend: Some(of(&["p", "q", "v"])),
            days: case["days"].as_u64().unwrap_or(0) as u32,
            day: 0,
            amount: Some(1),
        };
        let operator = serde_json::from_value(Json::from(operator)).unwrap();
        let comparison = Comparison {
            operator,
            texts: vec![],
            numbers: vec![ratio(bound)],
        };
        Buying::new(measure, &model, &comparison)
    }

    fn bought(case: &Json) -> Bought {
        let spent = case["n"].as_i64().unwrap_or(0) as i128;
        let mean = ratio(case["z"].as_str().unwrap_or("0"));
        Bought {
            first: 0,
            last: case["t_x_ms"].as_i64().unwrap(),
            x: case["x"].as_i64().unwrap() as i128,
            spent,
            total: mean.numerator * spent * 100 / mean.denominator,
        }
    }

    /// Each value and its six digits in the evidence are those computed elsewhere.
    #[test]
    fn values_to_the_last_digit() {
        let vectors = vectors();
        for case in vectors["values"].as_array().unwrap() {
            for measure in ["alive", "expected", "clv"] {
                let buying = asks(&vectors, case, measure, ">=", "1");
                let found = buying.at(&bought(case), case["T_ms"].as_i64().unwrap());
                let told = case["evidence"][measure].as_str().unwrap();
                let rest = found - exact(&ratio(told));
                assert!(rest.0.abs() <= 0.5e-6, "{case} {measure} {found:?}");
                let full = case[measure].as_str().unwrap();
                if !full.contains('e') {
                    let full = exact(&ratio(full));
                    let rest = (found - full).0 / full.0;
                    assert!(rest.abs() < 1e-21, "{case} {measure} {found:?} {rest}");
                }
            }
        }
    }

    /// A comparison turns at the very millisecond, or never; a tie counts as equal.
    #[test]
    fn crossings_to_the_millisecond() {
        let vectors = vectors();
        let never = 400 * 365 * DAY as i64;
        for case in vectors["crossings"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let buying = asks(&vectors, case, text("measure"), text("operator"), text("bound"));
            let (bought, now) = (bought(case), case["t_x_ms"].as_i64().unwrap());
            let holds = buying.holds(&bought, now);
            assert_eq!(Some(holds), case["holds_at_purchase"].as_bool(), "{case}");
            match case["turns_at_T_ms"].as_i64() {
                Some(turns) => assert_eq!(buying.turn(&bought, holds, now, never), turns, "{case}"),
                None => assert_eq!(buying.holds(&bought, never), holds, "{case}"),
            }
        }
    }

    /// The steps of each life: purchases of one day of the zone are one, and leave the window one by one.
    #[test]
    fn values_over_lives() {
        let (vectors, names) = (vectors(), Names::default());
        for case in vectors["lives"].as_array().unwrap() {
            let mut asked = case.clone();
            asked["days"] = Json::from(365);
            let clv = case["condition"].as_str().unwrap().contains("clv");
            let buying = asks(&vectors, &asked, if clv { "clv" } else { "alive" }, "<", "0.3");
            let shift = if case["zone"] == "UTC" { 0 } else { 3_600_000 };
            let rows: Vec<i64> = case["purchases"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|purchase| {
                    let at = purchase[0].as_i64().unwrap();
                    let amount = ratio(purchase[1].as_str().unwrap());
                    let cents = amount.numerator * 100 / amount.denominator;
                    [at, (at + shift) / DAY as i64, cents as i64]
                })
                .collect();
            let window = case["within_ms"].as_i64().unwrap();
            for step in case["steps"].as_array().unwrap() {
                let now = step[0].as_i64().unwrap();
                let rows = Series::new(&rows, 3);
                let found = value(
                    &buying,
                    &Asked {
                        rows: rows.first(rows.upto(now)),
                        floor: now - window,
                        now,
                        names: &names,
                    },
                );
                let expected = step[1].as_str().map_or(Value::Nothing, |text| {
                    let ratio = ratio(text);
                    Value::Mean(ratio.numerator * MILLION / ratio.denominator, MILLION as i64)
                });
                assert_eq!(found, expected, "{case} {now}");
            }
        }
    }
}
