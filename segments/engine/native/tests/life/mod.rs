//! Lives through a case: its plan and log, from states that may be there already, against the effects that its file has.

mod log;
mod output;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use segments_engine::customers::States;
use segments_engine::identity::IDENTITIES;
use segments_engine::partition::{Partition, Settings};
use segments_engine::plan::Plan;
use segments_engine::rules::Rules;
use segments_engine::wire::record::{Format, Run};
use segments_engine::wire::refusals::refuse;
use serde_json::Value as Json;

use output::Output;

const TRANSFERS: &str = "transfers";

/// Committed states, as files hold them.
#[derive(Clone, Default)]
pub struct Store(pub Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>);

impl States for Store {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn scan(&self, look: &mut dyn FnMut(&[u8], &[u8])) {
        let states = self.0.lock().unwrap();
        states.iter().for_each(|(key, value)| look(key, value));
    }
}

/// The folders of the cases in a folder of `tests`.
pub fn folders(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../tests")
        .join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.join("plan.json").exists());
    found.sort();
    found
}

/// The lines of a file.
pub fn lines(file: &Path) -> Vec<Json> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A rule set, settings, a log, and what must come out.
pub struct Case {
    /// Its folder.
    pub name: String,
    /// The rule set.
    pub rules: Arc<Rules>,
    settings: Settings,
    /// The records, and the ends of phases.
    log: Vec<Json>,
    /// What must come out.
    pub effects: Vec<Json>,
    /// The inputs: those of the plan, and where links are followed the two of links.
    topics: Vec<(String, Format)>,
}

impl Case {
    /// Read the case in a folder.
    pub fn read(folder: &Path) -> Case {
        let plan = Plan::read(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
        let rules = Arc::new(Rules::new(plan));
        let mut log = lines(&folder.join("log.jsonl"));
        let first = log.remove(0);
        let number = |name: &str| first[name].as_u64().unwrap() as usize;
        let inputs = rules.plan.topics.iter();
        let mut topics: Vec<_> = inputs.map(|topic| (topic.name.clone(), topic.record)).collect();
        if first.get("linked").is_some() {
            topics.extend([IDENTITIES, TRANSFERS].map(|name| (name.to_owned(), Format::Link)));
        }
        let settings = Settings {
            grace: number("grace") as i64,
            customer_limit: number("limit"),
            customer_bytes: number("bytes"),
        };
        Case {
            name: folder.display().to_string(),
            rules,
            settings,
            log,
            effects: lines(&folder.join("effects.jsonl")),
            topics,
        }
    }

    /// Whether links are followed.
    fn linked(&self) -> bool {
        self.topics.len() > self.rules.plan.topics.len()
    }

    fn every_third(&self) -> Vec<Box<[u8]>> {
        let ids = self.log.iter();
        let ids = ids.filter_map(|line| line["event"]["event_id"].as_str());
        ids.step_by(3).map(|id| id.as_bytes().into()).collect()
    }
}

/// Panics where a case comes out other than its file says.
pub fn compare(case: &Case, states: Store) {
    let found = Life::new(case, AT_ONCE, states).live();
    for (found, expected) in found.iter().zip(&case.effects) {
        assert_eq!(found, expected, "{}", case.name);
    }
    assert_eq!(found.len(), case.effects.len(), "{}", case.name);
}

/// How a case is lived through.
#[derive(Clone, Copy)]
pub struct Way {
    /// Records and timers in one turn, after which it is committed.
    pub turn: usize,
    /// Whether the partition is taken over anew after each commit.
    pub restarts: bool,
    /// From how many entries on what is older stands apart.
    pub apart: usize,
    /// Whether every third event raises a bug once it is remembered.
    pub poisoned: bool,
}

/// All records of a phase in one turn.
pub const AT_ONCE: Way = Way {
    turn: 100_000,
    restarts: false,
    apart: 256,
    poisoned: false,
};

/// One partition over the log of a case.
pub struct Life<'a> {
    case: &'a Case,
    way: Way,
    store: Store,
    partition: Partition,
    output: Output,
    ends: Vec<i64>,
    /// All that was offered: topic, records, and the offset after them.
    runs: Vec<(usize, Arc<Run>, i64)>,
}

impl<'a> Life<'a> {
    /// Take the partition over from what is stored.
    pub fn new(case: &'a Case, way: Way, store: Store) -> Life<'a> {
        Life {
            case,
            way,
            partition: open(case, way, &store),
            store,
            output: Output::default(),
            ends: vec![0; case.topics.len()],
            runs: Vec::new(),
        }
    }

    /// Live through the log, phase by phase, and give what came out.
    pub fn live(mut self) -> Vec<Json> {
        let topics = &self.case.topics;
        let mut runs: Vec<Run> = topics.iter().map(|_| Run::default()).collect();
        for line in &self.case.log {
            let Some(ends) = line["ends"].as_object() else {
                let mut names = topics.iter();
                let topic = names.position(|topic| line["topic"] == *topic.0).unwrap();
                log::add(&mut runs[topic], line);
                continue;
            };
            for (topic, run) in runs.iter_mut().enumerate() {
                let mut run = std::mem::take(run);
                let (name, format) = &topics[topic];
                refuse(&mut run, *format, 0);
                let end = ends.get(name).map_or(0, |end| end.as_i64().unwrap());
                self.runs.push((topic, Arc::new(run), end));
                self.ends[topic] = end;
            }
            self.phase(line["now"].as_i64());
        }
        self.output.lines(&self.partition)
    }

    /// All that is left of a phase. The clock is told twice: all inputs are caught up the second time.
    fn phase(&mut self, now: Option<i64>) {
        for _ in 0..2 {
            while self.turn(now) {
                if self.way.restarts {
                    self.partition = open(self.case, self.way, &self.store);
                }
            }
        }
    }

    fn turn(&mut self, now: Option<i64>) -> bool {
        self.offer();
        let ends: Vec<_> = self.ends.iter().map(|end| Some(*end)).collect();
        self.partition.confirm(&ends, self.partition.stamp(), now);
        let more = self.partition.advance(self.way.turn).unwrap();
        self.commit();
        more
    }

    /// Every run from the beginning: what was taken before is passed over.
    fn offer(&mut self) {
        let mut starts = vec![0; self.ends.len()];
        for (topic, run, end) in &self.runs {
            let start = std::mem::replace(&mut starts[*topic], *end);
            assert_eq!(self.partition.offer(*topic, start, run.clone(), *end), None);
        }
    }

    fn commit(&mut self) {
        let Some(effects) = self.partition.collect() else {
            return;
        };
        self.output.add(&effects, &self.partition);
        let mut store = self.store.0.lock().unwrap();
        for state in &effects.states {
            match &state.value {
                Some(value) => drop(store.insert(state.key.to_vec(), value.to_vec())),
                None => drop(store.remove(&state.key[..])),
            }
        }
    }
}

fn open(case: &Case, way: Way, store: &Store) -> Partition {
    let mut partition = Partition::new(
        (0, 1),
        case.rules.clone(),
        case.settings,
        Box::new(store.clone()),
        None,
        case.linked().then(|| TRANSFERS.to_owned()),
        Vec::new(),
        None,
    )
    .unwrap();
    partition.apart_from(way.apart);
    if way.poisoned {
        partition.poison(case.every_third());
    }
    for topic in 0..case.topics.len() {
        if !partition.begun(topic) {
            partition.begin(topic, 0);
        }
    }
    partition
}
