//! What a partition did, as the plain Python values that `segments.engine.Effects` is made of.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::transfers::Transfer;
use crate::identity::Linked;
use crate::output::{
    Additions, Cause, DeadLetter, Effects, Entry, Flip, Membership, Noticed, Outcome, Segment,
    SegmentOutcome, Text,
};
use crate::rules::Rules;

/// The effects as a dict with the fields of `segments.engine.Effects`; a dead letter is a tuple of the number of its
/// topic, offset, Kafka timestamp, key, value, reason and error.
pub fn plain<'py>(
    py: Python<'py>,
    effects: &Effects,
    rules: &Rules,
    partition: u32,
) -> PyResult<Bound<'py, PyDict>> {
    let view = View {
        py,
        effects,
        rules,
        partition,
    };
    let found = PyDict::new(py);
    found.set_item("segment_events", view.list(&effects.flips, View::flip)?)?;
    found.set_item(
        "segment_outcomes",
        view.list(&effects.segment_outcomes, View::segment_outcome)?,
    )?;
    let dropped = effects
        .dropped
        .iter()
        .map(|(id, why)| (view.text(*id), why.name()));
    found.set_item("dropped", dropped.collect::<Vec<_>>())?;
    found.set_item("memberships", view.list(&effects.memberships, View::membership)?)?;
    found.set_item(
        "dead_letters",
        view.list(&effects.dead_letters, View::dead_letter)?,
    )?;
    found.set_item("states", view.states()?)?;
    found.set_item("offsets", view.offsets()?)?;
    found.set_item("outcomes", view.outcomes()?)?;
    found.set_item("notices", view.list(&effects.notices, View::notice)?)?;
    found.set_item("lateness", &effects.lateness)?;
    found.set_item("late", effects.late)?;
    found.set_item("gaps", effects.gaps)?;
    found.set_item("waiting", effects.waiting)?;
    found.set_item("engine_errors", effects.engine_errors)?;
    found.set_item("clock", effects.clock)?;
    found.set_item("links", view.links()?)?;
    let transfers = effects.transfers.iter().cloned().map(Transfer);
    found.set_item("transfers", PyList::new(py, transfers)?)?;
    Ok(found)
}

/// An entry of evidence.
pub fn entry<'py>(
    py: Python<'py>,
    effects: &Effects,
    rules: &Rules,
    entry: &Entry,
) -> PyResult<Bound<'py, PyDict>> {
    let leaf = &rules.leaves[entry.leaf as usize];
    let text = |text: Text| std::str::from_utf8(effects.of(text)).unwrap_or_default();
    let found = PyDict::new(py);
    found.set_item("measure", entry.measure.map_or(utf8(&leaf.measure), text))?;
    found.set_item("value", entry.value.map(text))?;
    found.set_item("bound", entry.bound.map_or(utf8(&leaf.bound), text))?;
    found.set_item("holds", entry.holds)?;
    Ok(found)
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

struct View<'a, 'py> {
    py: Python<'py>,
    effects: &'a Effects,
    rules: &'a Rules,
    partition: u32,
}

impl<'py> View<'_, 'py> {
    fn list<T, V: IntoPyObject<'py>>(
        &self,
        from: &[T],
        make: impl Fn(&Self, &T) -> PyResult<V>,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = PyList::empty(self.py);
        for each in from {
            found.append(make(self, each)?)?;
        }
        Ok(found)
    }

    fn text(&self, text: Text) -> &str {
        std::str::from_utf8(self.effects.of(text)).unwrap_or_default()
    }

    fn key(&self, text: Text) -> Bound<'py, PyBytes> {
        PyBytes::new(self.py, self.effects.of(text))
    }

    /// Id and version.
    fn segment(&self, segment: Segment) -> (&str, &str) {
        match segment {
            Segment::Rule(place) => {
                let rule = &self.rules.plan.rules[place as usize];
                (&rule.id, &rule.version)
            }
            Segment::Removed { id, version } => (self.text(id), self.text(version)),
        }
    }

    fn flip(&self, flip: &Flip) -> PyResult<Bound<'py, PyTuple>> {
        let event = PyDict::new(self.py);
        let (segment, version) = self.segment(flip.segment);
        let id: String = flip.id.iter().map(|byte| format!("{byte:02x}")).collect();
        event.set_item("event_id", id)?;
        event.set_item("customer_id", self.text(flip.customer))?;
        event.set_item("segment", segment)?;
        event.set_item("segment_version", version)?;
        event.set_item("transition", if flip.enters { "enter" } else { "exit" })?;
        event.set_item("occurred_at", flip.at)?;
        event.set_item("emitted_at", 0)?;
        event.set_item("sequence", flip.sequence)?;
        event.set_item("episode", flip.episode)?;
        event.set_item("reason", flip.reason.name())?;
        event.set_item("cause", flip.cause.map(|cause| self.cause(cause)).transpose()?)?;
        event.set_item(
            "evidence",
            self.list(self.effects.evidence_of(flip), View::entry)?,
        )?;
        event.set_item("valid_until", flip.valid_until)?;
        self.additions(&event, &flip.additions)?;
        (self.key(flip.customer), event).into_pyobject(self.py)
    }

    fn segment_outcome(&self, outcome: &SegmentOutcome) -> PyResult<Bound<'py, PyTuple>> {
        let rule = &self.rules.plan.rules[outcome.rule as usize];
        let aim = rule.aim.as_ref();
        let arms = aim.and_then(|aim| aim.arms.as_ref());
        let found = PyDict::new(self.py);
        let id: String = outcome.id.iter().map(|byte| format!("{byte:02x}")).collect();
        found.set_item("event_id", id)?;
        found.set_item("customer_id", self.text(outcome.customer))?;
        found.set_item("entered_as", self.text(outcome.entered_as))?;
        found.set_item("segment", &rule.id)?;
        let version = outcome.version.map_or(&*rule.version, |text| self.text(text));
        found.set_item("segment_version", version)?;
        found.set_item("value", outcome.value.map(|text| self.text(text)))?;
        found.set_item("episode", outcome.episode)?;
        found.set_item("kind", outcome.kind.name())?;
        found.set_item("reason", outcome.reason.name())?;
        found.set_item("arm", outcome.arm)?;
        found.set_item("experiment", arms.map(|arms| &arms.experiment))?;
        found.set_item("control", arms.map(|arms| &arms.control))?;
        let goal = aim.and_then(|aim| aim.goal.as_ref());
        found.set_item("goal", goal.map_or("", |goal| &goal.text))?;
        found.set_item("entered_at", outcome.entered_at)?;
        found.set_item("first_goal_at", outcome.first_goal_at)?;
        found.set_item("occurred_at", outcome.at)?;
        found.set_item("emitted_at", 0)?;
        found.set_item("goals", outcome.goals)?;
        found.set_item("revenue", outcome.revenue)?;
        (self.key(outcome.customer), found).into_pyobject(self.py)
    }

    /// Value, details and arm of a flip or a stay.
    fn additions(&self, found: &Bound<'py, PyDict>, additions: &Additions) -> PyResult<()> {
        let details = PyDict::new(self.py);
        for (name, text) in self.effects.details_of(additions) {
            details.set_item(self.text(*name), self.text(*text))?;
        }
        found.set_item("value", additions.value.map(|text| self.text(text)))?;
        found.set_item("details", details)?;
        found.set_item("arm", additions.arm)
    }

    fn cause(&self, cause: Cause) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(self.py);
        found.set_item("topic", self.effects.topic(cause.topic))?;
        found.set_item("partition", cause.partition.unwrap_or(self.partition))?;
        found.set_item("offset", cause.offset)?;
        found.set_item("event_id", cause.event_id.map(|text| self.text(text)))?;
        Ok(found)
    }

    fn entry(&self, each: &Entry) -> PyResult<Bound<'py, PyDict>> {
        entry(self.py, self.effects, self.rules, each)
    }

    fn membership(&self, membership: &Membership) -> PyResult<Bound<'py, PyTuple>> {
        let key = self.key(membership.customer);
        let Some(sequence) = membership.sequence else {
            return (key, self.py.None()).into_pyobject(self.py);
        };
        let found = PyDict::new(self.py);
        found.set_item("customer_id", self.text(membership.customer))?;
        found.set_item("sequence", sequence)?;
        let stays = PyList::empty(self.py);
        for stay in self.effects.stays_of(membership) {
            let rule = &self.rules.plan.rules[stay.rule as usize];
            let each = PyDict::new(self.py);
            each.set_item("segment", &rule.id)?;
            each.set_item("segment_version", &rule.version)?;
            each.set_item("entered_at", stay.entered_at)?;
            each.set_item("episode", stay.episode)?;
            each.set_item("valid_until", stay.valid_until)?;
            self.additions(&each, &stay.additions)?;
            stays.append(each)?;
        }
        found.set_item("segments", stays)?;
        (key, found).into_pyobject(self.py)
    }

    fn dead_letter(&self, letter: &DeadLetter) -> PyResult<Bound<'py, PyTuple>> {
        let record = &letter.run.records[letter.index];
        let bytes = |found: Option<&[u8]>| found.map(|bytes| PyBytes::new(self.py, bytes));
        let (key, value) = (
            bytes(letter.run.text(record.key)),
            bytes(letter.run.text(record.value)),
        );
        (
            letter.topic,
            record.offset,
            record.timestamp,
            key,
            value,
            letter.refusal.reason.name(),
            &letter.refusal.error,
            letter.run.partition,
        )
            .into_pyobject(self.py)
    }

    /// Its kind, the number of its topic, offset and key.
    fn notice(&self, noticed: &Noticed) -> PyResult<Bound<'py, PyTuple>> {
        (
            noticed.notice.name(),
            noticed.topic,
            noticed.offset,
            self.key(noticed.customer),
        )
            .into_pyobject(self.py)
    }

    fn states(&self) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(self.py);
        for state in &self.effects.states {
            let value = state.value.as_ref().map(|value| PyBytes::new(self.py, value));
            found.set_item(PyBytes::new(self.py, &state.key), value)?;
        }
        Ok(found)
    }

    fn offsets(&self) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(self.py);
        for (topic, offset) in self.effects.offsets.iter().enumerate() {
            if let Some(offset) = offset {
                found.set_item(self.effects.topic(topic), offset)?;
            }
        }
        Ok(found)
    }

    fn links(&self) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(self.py);
        for (linked, count) in Linked::ALL.iter().zip(self.effects.links) {
            if count > 0 {
                found.set_item(linked.name(), count)?;
            }
        }
        Ok(found)
    }

    fn outcomes(&self) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(self.py);
        for (topic, counts) in self.effects.outcomes.iter().enumerate() {
            for (outcome, count) in Outcome::ALL.iter().zip(counts) {
                if *count > 0 {
                    found.set_item((self.effects.topic(topic), outcome.name()), count)?;
                }
            }
        }
        Ok(found)
    }
}
