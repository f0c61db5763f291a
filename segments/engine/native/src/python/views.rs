//! What can be seen of a customer from outside, as the plain values of `segments.engine.views`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString};

use crate::codec;
use crate::customer::{Customer, Trait, digest_bytes};
use crate::evidence::evidence;
use crate::machine::Machine;
use crate::names::Names;
use crate::output::Effects;
use crate::plan::FieldKind;
use crate::rows::{Kept, NULL, Rows};
use crate::rules::{Rules, Stream};
use crate::sources;
use crate::times::{BEFORE_ALL, NEVER};
use crate::values;
use crate::watches::Arm;

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

/// The largest number of values shown at which the customer is not in a segment.
const MOST_OUTSIDE: usize = 20;

/// One rule, asked about a customer, at one of its values if it has any.
pub struct Answer {
    /// The rule's place.
    place: usize,
    /// The value.
    value: Option<String>,
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
    /// By place; of a rule that is asked for each value of its own one after the other.
    pub rules: Vec<Answer>,
    /// Holds the evidence.
    pub texts: Effects,
}

impl Answers {
    /// Ask at an instant, or at the customer's own if that is later.
    pub fn of(machine: &mut Machine, customer: &mut Customer, at: i64) -> Answers {
        let (now, mut texts) = (customer.instant.max(at), Effects::default());
        let asked: Vec<(usize, u32)> = (0..machine.rules.rules.len())
            .flat_map(|place| {
                let values = machine.values_told(customer, place, MOST_OUTSIDE);
                values.into_iter().map(move |value| (place, value))
            })
            .collect();
        let eval = machine.eval();
        let rules = asked.into_iter().map(|(place, value)| {
            let episode = customer.stays(place).find(|episode| episode.value == value);
            let stay = episode.map(|episode| (episode.sequence, episode.at));
            let evidence = evidence(&eval, place, value, customer, now, &mut texts);
            let flips_at = if customer.blank() {
                NEVER
            } else {
                eval.valid_until(place, value, customer, now)
            };
            let text = values::text(value, eval.names);
            Answer {
                place,
                value: text.map(|text| String::from_utf8_lossy(text).into_owned()),
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
        for answer in &self.rules {
            let each = PyDict::new(py);
            each.set_item("segment", &rules.plan.rules[answer.place].id)?;
            each.set_item("place", answer.place)?;
            each.set_item("value", &answer.value)?;
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

/// A word of a row.
enum Word {
    Missing,
    Text(String),
    Number(i64),
}

/// Rows of a key, or of a stream without keys.
type Group = (Option<Word>, Vec<Vec<Word>>);

/// All that is remembered of a customer, without what is no longer needed.
pub struct Remembered {
    customer: Customer,
    streams: Vec<Vec<Group>>,
}

impl Remembered {
    /// As it stands.
    pub fn of(machine: &Machine, customer: &Customer) -> Remembered {
        let (mut customer, rules, names) = (customer.clone(), &machine.rules, &machine.names);
        codec::forget(&mut customer, rules, names);
        let streams = customer.streams.iter().zip(&rules.streams);
        let streams = streams
            .map(|(kept, stream)| groups(kept, stream, names))
            .collect();
        Remembered { customer, streams }
    }

    /// As a dict: `customer` and, by name, what else is remembered; rows by the identity of their stream.
    pub fn plain<'py>(&self, py: Python<'py>, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
        let found = customer(py, &self.customer, rules)?;
        let dues = PyDict::new(py);
        for due in &self.customer.dues {
            dues.set_item(&rules.plan.rules[due.rule as usize].id, due.at)?;
        }
        found.set_item("dues", dues)?;
        found.set_item("watches", watches(py, &self.customer, rules)?)?;
        let ids = self.customer.ids.iter().zip(&self.customer.seen);
        found.set_item(
            "ids",
            ids.map(|(id, seen)| (PyBytes::new(py, &digest_bytes(*id)), *seen))
                .collect::<Vec<_>>(),
        )?;
        let (attributes, consents) = (PyDict::new(py), PyDict::new(py));
        if let Some(profile) = &self.customer.profile {
            for (name, value) in &profile.traits {
                match value {
                    Trait::Text(text) => attributes.set_item(&**name, &**text)?,
                    Trait::Number(number) => attributes.set_item(&**name, number)?,
                    Trait::Truth(truth) => attributes.set_item(&**name, truth)?,
                }
            }
            for (name, given) in &profile.consents {
                consents.set_item(&**name, given)?;
            }
        }
        found.set_item("attributes", attributes)?;
        found.set_item("consents", consents)?;
        let lists = PyDict::new(py);
        for (name, list) in self.customer.profile.iter().flat_map(|held| &held.lists) {
            lists.set_item(&**name, list.iter().map(|each| &**each).collect::<Vec<&str>>())?;
        }
        found.set_item("lists", lists)?;
        let told = PyDict::new(py);
        for source in sources::all(&self.customer) {
            told.set_item(&*source.topic, source.at)?;
        }
        found.set_item("sources", told)?;
        let streams = PyDict::new(py);
        for (stream, groups) in rules.plan.streams.iter().zip(&self.streams) {
            let rows = PyDict::new(py);
            for (key, each) in groups {
                let each = each
                    .iter()
                    .map(|row| row.iter().map(|word| word.plain(py)).collect());
                let each: Vec<Vec<Py<PyAny>>> = each.collect::<Vec<Vec<_>>>();
                rows.set_item(key.as_ref().map(|key| key.plain(py)), each)?;
            }
            streams.set_item(&stream.identity, rows)?;
        }
        found.set_item("streams", streams)?;
        Ok(found)
    }
}

/// The open watches, in the order in which they were opened; revenue in cents.
fn watches<'py>(py: Python<'py>, customer: &Customer, rules: &Rules) -> PyResult<Bound<'py, PyList>> {
    let found = PyList::empty(py);
    for watch in customer.watches.iter().flat_map(|watches| &watches.open) {
        let each = PyDict::new(py);
        each.set_item("segment", &rules.plan.rules[watch.rule as usize].id)?;
        each.set_item("value", watch.value.as_deref())?;
        each.set_item("entered_as", watch.entered_as.as_deref())?;
        each.set_item("segment_version", watch.version.as_deref())?;
        each.set_item("episode", watch.episode)?;
        each.set_item("entered_at", watch.at)?;
        each.set_item("matures_at", watch.until)?;
        each.set_item("reason", watch.reason.name())?;
        each.set_item("arm", watch.arm.map(Arm::name))?;
        each.set_item("goals", watch.goals)?;
        each.set_item("first_goal_at", (watch.first < NEVER).then_some(watch.first))?;
        each.set_item("revenue", watch.revenue)?;
        found.append(each)?;
    }
    Ok(found)
}

impl Word {
    fn of(word: i64, text: bool, names: &Names) -> Word {
        match word {
            NULL => Word::Missing,
            _ if text => Word::Text(String::from_utf8_lossy(names.text(word)).into_owned()),
            _ => Word::Number(word),
        }
    }

    fn plain(&self, py: Python<'_>) -> Py<PyAny> {
        match self {
            Word::Missing => py.None(),
            Word::Text(text) => PyString::new(py, text).into_any().unbind(),
            Word::Number(number) => PyInt::new(py, *number).into_any().unbind(),
        }
    }
}

/// Whether a column, by its place in a row, holds texts; the instant and the end of a visit are numbers.
fn is_text(stream: &Stream, place: usize) -> bool {
    let column = place.checked_sub(1).and_then(|column| stream.columns.get(column));
    column.is_some_and(|column| column.kind == FieldKind::Text)
}

fn groups(kept: &Kept, stream: &Stream, names: &Names) -> Vec<Group> {
    let row = |row: &[i64]| {
        let words = row.iter().enumerate();
        words
            .map(|(place, word)| Word::of(*word, is_text(stream, place), names))
            .collect()
    };
    let rows = |rows: &Rows| rows.0.chunks_exact(stream.stride).map(row).collect();
    match kept {
        Kept::None => Vec::new(),
        Kept::Rows(found) => vec![(None, rows(found))],
        Kept::Keyed(groups) => {
            let text = stream.key.as_ref().is_some_and(|key| key.kind == FieldKind::Text);
            let each = groups.list.iter();
            each.map(|(key, found)| (Some(Word::of(*key, text, names)), rows(found)))
                .collect()
        }
    }
}
