//! One partition, as `segments.engine.Partition` drives it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyLookupError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::effects::plain;
use super::records::run_of;
use super::states::{Failure, Stored, raised};
use super::transfers;
use super::views::{self, Answers, Remembered};
use super::wire::{Records, Schemas};
use crate::codec::StateError;
use crate::customer::Customer;
use crate::machine::Machine;
use crate::partition::{Partition as Core, Settings};
use crate::plan::{Plan, PlanError};
use crate::position::Deployment;
use crate::rules::Rules as Ready;
use crate::wire::record::{Body, Format, Record, Run, Span};
use crate::wire::refusals::{Reason, Refusal};
use crate::worth::Worths;

/// Offsets by topic, a clock, a key, and whether all is done.
type FillingProgress = (BTreeMap<String, i64>, i64, Cow<'static, [u8]>, bool);

/// A rule set, made ready once for all partitions of a process.
#[pyclass(frozen)]
pub struct Rules(pub Arc<Ready>);

#[pymethods]
impl Rules {
    /// From the bytes of a plan, and the values of its borders; raises ValueError if they are none of this format.
    #[new]
    #[pyo3(signature = (plan, borders = Vec::new()))]
    fn new(plan: &[u8], borders: Vec<Option<String>>) -> PyResult<Rules> {
        let refused = |error: PlanError| PyValueError::new_err(error.to_string());
        let mut plan = Plan::read(plan).map_err(refused)?;
        plan.publish(&borders).map_err(refused)?;
        Ok(Rules(Arc::new(Ready::new(plan))))
    }
}

/// The state machine of one partition. Topics go by their numbers in the plan.
#[pyclass(frozen)]
pub struct Partition {
    core: Mutex<Core>,
    failure: Failure,
    /// By topic and offset: what is to be refused, and whether a profile's consents, too.
    told: Mutex<HashMap<(usize, i64), (Refusal, bool)>>,
    pub(super) rules: Arc<Ready>,
    pub(super) formats: Vec<Format>,
    /// The names of the inputs, by number.
    pub(super) topics: Vec<String>,
    number: u32,
}

impl Partition {
    /// The machine. Whoever waits for it does so without the GIL, which its states may need meanwhile.
    ///
    /// What went wrong in a store of Python's is raised once the machine is done: what it made of that must be dropped.
    pub(super) fn with<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut Core) -> T + Send,
    ) -> PyResult<T> {
        let found = py.detach(|| act(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner)));
        raised(&self.failure)?;
        Ok(found)
    }

    /// Refuse those records of a run that were named beforehand; of a profile, unless outright, as if over a limit.
    fn refuse_told(&self, topic: usize, run: &mut Run) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_empty() {
            return;
        }
        let of_profile = self.formats[topic] == Format::Profile;
        for record in &mut run.records {
            let Some((refusal, outright)) = told.remove(&(topic, record.offset)) else {
                continue;
            };
            match &mut record.body {
                Body::Refused(_) => {}
                Body::Event(event) if of_profile && !outright => event.over = Some(Box::new(refusal)),
                body => *body = Body::Refused(Box::new(refusal)),
            }
        }
    }

    pub(super) fn offer_run(&self, py: Python<'_>, topic: usize, mut run: Run) -> PyResult<Option<i64>> {
        self.refuse_told(topic, &mut run);
        let (start, end, run) = (run.start, run.end, Arc::new(run));
        let found = self.with(py, |core| {
            core.begun(topic).then(|| core.offer(topic, start, run, end))
        })?;
        let name = &self.topics[topic];
        found.ok_or_else(|| PyLookupError::new_err(format!("{name}: begin() was not called.")))
    }
}

fn wrong(error: StateError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

#[pymethods]
impl Partition {
    /// A partition over its committed states: an object with `get` and `items`, or a `States` of this module.
    ///
    /// `limits`: the entries and the bytes that one customer may occupy. `deployment`: id, offset and instant of the
    /// record that has the rule set, and the measures that it makes new; with one, deployments are an input, too. Raises ValueError if the states were
    /// written for another number of partitions, or can't be read.
    #[new]
    #[pyo3(signature = (rules, number, count, grace, limits, states, deployment, transfers, ran, filling = None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "a door: one for each thing that a partition stands on"
    )]
    fn new(
        py: Python<'_>,
        rules: &Rules,
        number: u32,
        count: u32,
        grace: i64,
        limits: (usize, usize),
        states: Py<PyAny>,
        deployment: Option<(String, i64, i64, Vec<String>)>,
        transfers: Option<String>,
        ran: Vec<String>,
        filling: Option<(String, i64)>,
    ) -> PyResult<Partition> {
        let (customer_limit, customer_bytes) = limits;
        let settings = Settings {
            grace,
            customer_limit,
            customer_bytes,
        };
        let failure = Failure::default();
        let (ready, stored) = (rules.0.clone(), Stored::new(py, states, failure.clone()));
        let deployment = deployment.map(|(id, offset, at, forgets)| Deployment {
            id,
            offset,
            at,
            forgets,
        });
        let core = py.detach(|| {
            Core::new(
                (number, count),
                ready,
                settings,
                Box::new(stored),
                deployment,
                transfers,
                ran,
                filling,
            )
        });
        raised(&failure)?;
        let core = core.map_err(wrong)?;
        let topics = core.topics().to_vec();
        let core = Mutex::new(core);
        let mut formats: Vec<Format> = rules.0.plan.topics.iter().map(|topic| topic.record).collect();
        // Deployments and transfers are decoded in their own ways: none of them is asked for its format.
        formats.resize(topics.len(), Format::Link);
        Ok(Partition {
            core,
            topics,
            failure,
            told: Mutex::default(),
            rules: rules.0.clone(),
            formats,
            number,
        })
    }

    #[getter]
    fn clock(&self, py: Python<'_>) -> PyResult<i64> {
        self.with(py, |core| core.clock())
    }

    #[getter]
    fn offsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let offsets = self.with(py, |core| core.offsets().to_vec())?;
        let found = PyDict::new(py);
        for (topic, offset) in offsets.into_iter().enumerate() {
            if let Some(offset) = offset {
                found.set_item(&self.topics[topic], offset)?;
            }
        }
        Ok(found)
    }

    /// Offset and instant of the deployment that goes next, once nothing before it is left to do.
    #[getter]
    fn successor(&self, py: Python<'_>) -> PyResult<Option<(i64, i64)>> {
        self.with(py, |core| core.successor())
    }

    /// Keep measures that no rule of this set reads until an instant: see `over`.
    fn keep_until(&self, py: Python<'_>, until: i64) -> PyResult<()> {
        self.with(py, |core| core.keep_until(until))
    }

    /// Whether that instant has come: the partition stops, and its owner must make a new one.
    #[getter]
    fn over(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |core| core.over())
    }

    #[getter]
    fn stamp(&self, py: Python<'_>) -> PyResult<i64> {
        self.with(py, |core| core.stamp())
    }

    #[getter]
    fn waiting(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |core| core.waiting())
    }

    #[getter]
    fn next_due(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        self.with(py, |core| core.next_due())
    }

    #[getter]
    fn full(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |core| core.full())
    }

    #[getter]
    fn gathered(&self, py: Python<'_>) -> PyResult<(usize, usize)> {
        self.with(py, |core| core.gathered())
    }

    #[getter]
    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let members = self.with(py, |core| core.members().clone())?;
        let found = PyDict::new(py);
        for (rule, count) in self.rules.plan.rules.iter().zip(members.of_rules) {
            found.set_item(&rule.id, count)?;
        }
        for (id, count) in members.of_others {
            found.set_item(&*id, count)?;
        }
        Ok(found)
    }

    /// Open watches by segment.
    #[getter]
    fn watches(&self, py: Python<'_>) -> PyResult<std::collections::BTreeMap<String, i64>> {
        self.with(py, |core| core.members().of_watches.clone())
    }

    #[getter]
    fn pending(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |core| core.pending())
    }

    #[getter]
    fn behind(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |core| core.behind())
    }

    /// Write up to so many states of earlier rule sets in the layout of this one. True: there are more.
    fn catch_up(&self, py: Python<'_>, most: usize) -> PyResult<bool> {
        self.with(py, |core| core.catch_up(most))?.map_err(wrong)
    }

    #[getter]
    fn sweeping(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |core| core.sweeping())
    }

    #[getter]
    fn known_since(&self, py: Python<'_>) -> PyResult<HashMap<String, i64>> {
        self.with(py, |core| {
            core.known_since()
                .into_iter()
                .map(|(name, at)| (name.to_owned(), at))
                .collect()
        })
    }

    fn begin(&self, py: Python<'_>, topic: usize, offset: i64) -> PyResult<()> {
        self.with(py, |core| core.begin(topic, offset))
    }

    /// Refuse a record that is still to come; of a profile, unless `outright`, as if it were over a limit.
    fn refuse(&self, topic: usize, offset: i64, reason: &str, error: &str, outright: bool) -> PyResult<()> {
        let known =
            Reason::of(reason).ok_or_else(|| PyValueError::new_err(format!("{reason} is no reason")))?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((topic, offset), (Refusal::new(known, error), outright));
        Ok(())
    }

    /// Take in records made in Python; raises LookupError if `begin` was not called.
    fn offer(
        &self,
        py: Python<'_>,
        topic: usize,
        start: i64,
        records: &Bound<'_, PyList>,
        end: i64,
    ) -> PyResult<Option<i64>> {
        let run = run_of(records, self.formats[topic], start, end)?;
        self.offer_run(py, topic, run)
    }

    /// Take in deployments of the chain, as offset, Kafka timestamp, instant, whether they bring borders alone, and whether
    /// they wait for what is filled: a run of offsets [start, end).
    ///
    /// All others between them are passed over. Gives what `offer` does.
    fn offer_deployments(
        &self,
        py: Python<'_>,
        start: i64,
        deployments: Vec<(i64, i64, i64, bool, bool)>,
        end: i64,
    ) -> PyResult<Option<i64>> {
        let of_borders: Vec<i64> = deployments
            .iter()
            .filter(|each| each.3)
            .map(|each| each.0)
            .collect();
        let awaiting = deployments.iter().filter(|each| each.4);
        let awaiting: Vec<i64> = awaiting.map(|each| each.0).collect();
        let record = |(offset, timestamp, at, _, _)| Record {
            offset,
            timestamp,
            at,
            key: Span::NONE,
            value: Span::NONE,
            body: Body::Erasure,
        };
        let records = deployments.into_iter().map(record).collect();
        let run = Run {
            start,
            end,
            records,
            ..Run::default()
        };
        let topic = self.rules.plan.topics.len();
        self.with(py, |core| {
            of_borders
                .into_iter()
                .for_each(|offset| core.bring_borders(offset));
            awaiting.into_iter().for_each(|offset| core.await_filling(offset));
            core.offer(topic, start, Arc::new(run), end)
        })
    }

    /// Take in transfers that were made in this process: a run from an offset on. Gives what `offer` does.
    fn offer_transfers(
        &self,
        py: Python<'_>,
        start: i64,
        transfers: &Bound<'_, PyList>,
    ) -> PyResult<Option<i64>> {
        let run = transfers::run_of(transfers, start)?;
        self.offer_run(py, self.topics.len() - 1, run)
    }

    /// What is remembered of links of a customer; None: nothing is.
    fn identity<'py>(&self, py: Python<'py>, key: &[u8]) -> PyResult<Option<Bound<'py, PyDict>>> {
        let look = |_: &mut Machine, customer: &mut Customer| customer.identity.clone();
        let found = self.with(py, |core| core.ask(key, look))?.map_err(wrong)?;
        found
            .flatten()
            .map(|identity| transfers::plain(py, &identity))
            .transpose()
    }

    /// The instant of the head of the inputs that goes next; None: nothing waits.
    fn head(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        self.with(py, |core| core.head())
    }

    /// Take in fetched records, which are decoded by what the schemas know by now; raises as `offer` does.
    fn offer_fetched(
        &self,
        py: Python<'_>,
        topic: usize,
        records: &Records,
        schemas: &Schemas,
    ) -> PyResult<Option<i64>> {
        let (known, fetched, format) = (schemas.now(), records.fetched.clone(), self.formats[topic]);
        let run = py.detach(|| known.decode(fetched, format));
        self.offer_run(py, topic, run)
    }

    fn confirm(&self, py: Python<'_>, ends: Vec<Option<i64>>, stamp: i64, now: Option<i64>) -> PyResult<()> {
        self.with(py, |core| core.confirm(&ends, stamp, now))
    }

    fn buffered(&self, py: Python<'_>, topic: usize) -> PyResult<usize> {
        self.with(py, |core| core.buffered(topic))
    }

    fn advance(&self, py: Python<'_>, records: usize) -> PyResult<bool> {
        self.with(py, |core| core.advance(records))?.map_err(wrong)
    }

    /// What is filled from the past: how far each topic was applied when it began, the clock of then, the key of the last
    /// customer who was filled, and whether all were. None: nothing is.
    #[getter]
    fn filling(&self, py: Python<'_>) -> PyResult<Option<FillingProgress>> {
        let found = self.with(py, |core| core.filling().cloned())?;
        Ok(found.map(|each| (each.offsets, each.clock, each.reached.into(), each.done)))
    }

    /// Put what the past has of these customers, whose keys are in order, into their streams.
    fn fill(
        &self,
        py: Python<'_>,
        past: &Rules,
        states: HashMap<Vec<u8>, Vec<u8>>,
        keys: Vec<Vec<u8>>,
    ) -> PyResult<()> {
        self.with(py, |core| core.fill(&past.0, &states, &keys))?
            .map_err(wrong)
    }

    /// Say that all customers are filled, with the instants from which on the history was complete by topic.
    fn filled(&self, py: Python<'_>, complete: Vec<i64>) -> PyResult<()> {
        self.with(py, |core| core.filled(&complete))
    }

    /// Time the evaluations of rules from now on, or do not.
    fn time_rules(&self, py: Python<'_>, timed: bool) -> PyResult<()> {
        self.with(py, |core| core.time_rules(timed))
    }

    /// By the rules' places: seconds spent in evaluations that were timed since the last time, and how many these are.
    fn costs(&self, py: Python<'_>) -> PyResult<Vec<(f64, u64)>> {
        let costs = self.with(py, |core| core.costs())?;
        Ok(costs
            .iter()
            .map(|cost| (cost.spent.as_secs_f64(), cost.evaluations))
            .collect())
    }

    /// Have events of these ids raise a bug once they are remembered: for tests of what comes of one.
    fn poison(&self, py: Python<'_>, ids: Vec<String>) -> PyResult<()> {
        self.with(py, |core| {
            core.poison(ids.into_iter().map(|id| id.into_bytes().into()).collect())
        })
    }

    /// Write older entries into a second record from this many entries on: for tests of that.
    fn apart_from(&self, py: Python<'_>, entries: usize) -> PyResult<()> {
        self.with(py, |core| core.apart_from(entries))
    }

    fn until(&self, py: Python<'_>, instant: i64) -> PyResult<()> {
        self.with(py, |core| core.until(instant))?.map_err(wrong)
    }

    /// Everything since the last time, as plain values; None if nothing changed.
    fn collect_effects<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let effects = self.with(py, Core::collect)?;
        effects
            .map(|effects| plain(py, &effects, &self.rules, self.number))
            .transpose()
    }

    fn customer<'py>(&self, py: Python<'py>, key: &[u8]) -> PyResult<Option<Bound<'py, PyDict>>> {
        let found = self
            .with(py, |core| core.ask(key, |_, customer| customer.clone()))?
            .map_err(wrong)?;
        found
            .map(|customer| views::customer(py, &customer, &self.rules))
            .transpose()
    }

    /// All that is remembered of a customer: what `customer` tells, dues, ids, profile, and the rows of each stream.
    fn remembered<'py>(&self, py: Python<'py>, key: &[u8]) -> PyResult<Option<Bound<'py, PyDict>>> {
        let look = |machine: &mut Machine, customer: &mut Customer| Remembered::of(machine, customer);
        let found = self.with(py, |core| core.ask(key, look))?.map_err(wrong)?;
        found.map(|found| found.plain(py, &self.rules)).transpose()
    }

    /// For each measure, by its number, the values of these customers in millionths, and the keys of those for whom
    /// something is due first.
    fn worths(
        &self,
        py: Python<'_>,
        keys: Vec<Vec<u8>>,
        measures: Vec<usize>,
        consent: Option<String>,
    ) -> PyResult<Worths> {
        self.with(py, |core| core.worths(keys, &measures, consent.as_deref()))?
            .map_err(wrong)
    }

    fn why<'py>(&self, py: Python<'py>, key: &[u8], at: i64) -> PyResult<Bound<'py, PyDict>> {
        let answers = self.with(py, |core| {
            let at = at.max(core.clock());
            let question =
                |machine: &mut Machine, customer: &mut Customer| Answers::of(machine, customer, at);
            match core.ask(key, question) {
                Ok(None) => Ok(core.ask_of_nobody(key, question)),
                Ok(Some(answers)) => Ok(answers),
                Err(error) => Err(error),
            }
        })?;
        answers.map_err(wrong)?.plain(py, &self.rules)
    }
}
