//! What can be seen of a customer from outside, as the plain values of `segments.engine.views`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::customer::Customer;
use crate::evidence::evidence;
use crate::machine::Machine;
use crate::output::Effects;
use crate::rules::Rules;
use crate::times::{BEFORE_ALL, NEVER};

/// A customer, as `CustomerView`.
pub fn customer<'py>(py: Python<'py>, customer: &Customer, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    found.set_item("instant", customer.instant)?;
    found.set_item("latest", there(customer.latest))?;
    found.set_item("profile_at", there(customer.profile_at))?;
    found.set_item("erased_at", there(customer.erased_at))?;
    found.set_item("sequence", customer.sequence)?;
    found.set_item("entries", customer.entries)?;
    let episodes = PyDict::new(py);
    for episode in &customer.episodes {
        episodes.set_item(
            &rules.plan.rules[episode.rule as usize].id,
            (episode.sequence, episode.at),
        )?;
    }
    found.set_item("episodes", episodes)?;
    Ok(found)
}

/// One rule, asked about a customer.
pub struct Answer {
    /// The `sequence` and the instant of the enter; None: the customer is not in the segment.
    pub stay: Option<(i64, i64)>,
    /// The first of its entries, and how many there are.
    pub evidence: (u32, u32),
    /// When time alone flips it.
    pub flips_at: i64,
}

/// All rules, asked about a customer at one instant.
pub struct Answers {
    /// Whether anything is remembered.
    pub known: bool,
    /// The instant.
    pub now: i64,
    /// The `sequence` of the latest flip.
    pub sequence: i64,
    /// By place.
    pub rules: Vec<Answer>,
    /// Holds the evidence.
    pub texts: Effects,
}

impl Answers {
    /// Ask at an instant, or at the customer's own if that is later.
    pub fn of(machine: &Machine, customer: &mut Customer, at: i64) -> Answers {
        let (eval, now, mut texts) = (machine.eval(), customer.instant.max(at), Effects::default());
        let rules = (0..eval.rules.rules.len()).map(|place| {
            let episode = customer
                .episodes
                .iter()
                .find(|episode| episode.rule as usize == place);
            let stay = episode.map(|episode| (episode.sequence, episode.at));
            let evidence = evidence(&eval, place, customer, now, &mut texts);
            let flips_at = if customer.blank() {
                NEVER
            } else {
                eval.valid_until(place, customer, now)
            };
            Answer {
                stay,
                evidence,
                flips_at,
            }
        });
        let rules = rules.collect();
        Answers {
            known: !customer.blank(),
            now,
            sequence: customer.sequence,
            rules,
            texts,
        }
    }

    /// As `WhyView`.
    pub fn plain<'py>(&self, py: Python<'py>, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        found.set_item("known", self.known)?;
        found.set_item("now", self.now)?;
        found.set_item("sequence", self.sequence)?;
        let told = PyList::empty(py);
        for (rule, answer) in rules.plan.rules.iter().zip(&self.rules) {
            let each = PyDict::new(py);
            each.set_item("segment", &rule.id)?;
            each.set_item("inside", answer.stay.is_some())?;
            each.set_item("entered_at", answer.stay.map(|stay| stay.1))?;
            each.set_item("episode", answer.stay.map(|stay| stay.0))?;
            each.set_item("evidence", self.evidence(py, rules, answer.evidence)?)?;
            each.set_item(
                "flips_at",
                (self.known && answer.flips_at < NEVER).then_some(answer.flips_at),
            )?;
            told.append(each)?;
        }
        found.set_item("rules", told)?;
        Ok(found)
    }

    fn evidence<'py>(
        &self,
        py: Python<'py>,
        rules: &Rules,
        (first, count): (u32, u32),
    ) -> PyResult<Bound<'py, PyList>> {
        let found = PyList::empty(py);
        for entry in &self.texts.evidence[first as usize..(first + count) as usize] {
            found.append(super::effects::entry(py, &self.texts, rules, entry)?)?;
        }
        Ok(found)
    }
}

fn there(instant: i64) -> Option<i64> {
    (instant != BEFORE_ALL).then_some(instant)
}
