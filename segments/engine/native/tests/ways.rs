//! The golden cases of `tests/golden` lived through in several ways, of which `golden.rs` has the plainest.
//!
//! At once; a record at a time, with a restart from what was committed after each; with all that is older in a record of
//! its own. None of it may show.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use segments_engine::codec;
use segments_engine::customer::Customer;
use segments_engine::customers::States;
use segments_engine::identity::Linked;
use segments_engine::names::Names;
use segments_engine::output::{Cause, Effects, Entry, Flip, Membership, Outcome, Segment};
use segments_engine::partition::{Partition, Settings};
use segments_engine::plan::Plan;
use segments_engine::position;
use segments_engine::rows::Kept;
use segments_engine::rules::Rules;
use segments_engine::wire::record::{
    Body, Event, Format, Item, Pair, Places, Record, Run, Span, TEXTS, Value as Word,
};
use segments_engine::wire::refusals::{Reason, Refusal, refuse};
use serde_json::{Value, json};

#[derive(Clone, Default)]
struct Store(Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>);

impl States for Store {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn scan(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.0
            .lock()
            .unwrap()
            .iter()
            .for_each(|(key, state)| each(key, state));
    }
}

struct Case {
    rules: Arc<Rules>,
    settings: Settings,
    lines: Vec<Value>,
    effects: Vec<Value>,
    /// The inputs: those of the plan, and where links are followed the two of links.
    topics: Vec<(String, Format)>,
}

impl Case {
    /// Whether links are followed.
    fn linked(&self) -> bool {
        self.topics.len() > self.rules.plan.topics.len()
    }
}

const TRANSFERS: &str = "transfers";

fn cases() -> Vec<(String, Case)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
    let folders = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = folders.filter(|path| path.join("plan.json").is_file()).collect();
    found.sort();
    assert!(found.len() >= 15, "the golden cases are missing");
    found
        .iter()
        .map(|path| (path.display().to_string(), case(path)))
        .collect()
}

fn case(path: &std::path::Path) -> Case {
    let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    let lines = |name: &str| {
        read(name)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let mut log: Vec<Value> = lines("log.jsonl");
    let first = log.remove(0);
    let settings = Settings {
        grace: first["grace"].as_i64().unwrap(),
        customer_limit: first["limit"].as_u64().unwrap() as usize,
        customer_bytes: first["bytes"].as_u64().unwrap() as usize,
    };
    let rules = Arc::new(Rules::new(Plan::read(read("plan.json").as_bytes()).unwrap()));
    let inputs = rules.plan.topics.iter();
    let mut topics: Vec<_> = inputs.map(|topic| (topic.name.clone(), topic.record)).collect();
    if first.get("linked").is_some() {
        topics.extend(["identities", TRANSFERS].map(|name| (name.to_owned(), Format::Link)));
    }
    Case {
        rules,
        settings,
        lines: log,
        effects: lines("effects.jsonl"),
        topics,
    }
}

fn text(run: &mut Run, value: &Value) -> Span {
    value.as_str().map_or(Span::NONE, |text| run.put(text.as_bytes()))
}

fn event(run: &mut Run, value: &Value) -> Event {
    let mut made = Event {
        id: text(run, &value["event_id"]),
        customer: text(run, &value["customer_id"]),
        kind: text(run, value.get("action").unwrap_or(&value["kind"])),
        into: text(run, &value["into"]),
        source: text(run, &value["source"]),
        amount: value["amount"].as_i64().unwrap_or(0),
        ..Event::BLANK
    };
    for (place, field) in TEXTS.iter().enumerate() {
        made.texts[place] = text(run, &value[field.name]);
    }
    let start = run.items.len() as u32;
    for item in value["items"].as_array().into_iter().flatten() {
        let (product, category) = (text(run, &item["product_id"]), text(run, &item["category"]));
        let (quantity, price) = (
            item["quantity"].as_i64().unwrap(),
            item["price"].as_i64().unwrap(),
        );
        run.items.push(Item {
            product,
            category,
            quantity,
            price,
        });
    }
    made.items = Places {
        start,
        end: run.items.len() as u32,
    };
    made.attributes = pairs(run, &value["attributes"]);
    made.consents = pairs(run, &value["consents"]);
    made.lists = lists(run, &value["lists"]);
    made
}

fn pairs(run: &mut Run, map: &Value) -> Places {
    let start = run.pairs.len() as u32;
    for (name, value) in map.as_object().into_iter().flatten() {
        let name = run.put(name.as_bytes());
        let value = match value {
            Value::Bool(flag) => Word::Flag(*flag),
            Value::Number(number) => Word::Number(number.as_f64().unwrap()),
            other => Word::Text(text(run, other)),
        };
        run.pairs.push(Pair { name, value });
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}

/// Of each list its name with a flag, then its name with each of its texts.
fn lists(run: &mut Run, map: &Value) -> Places {
    let start = run.pairs.len() as u32;
    for (name, list) in map.as_object().into_iter().flatten() {
        let name = run.put(name.as_bytes());
        let value = Word::Flag(true);
        run.pairs.push(Pair { name, value });
        for each in list.as_array().into_iter().flatten() {
            let value = Word::Text(text(run, each));
            run.pairs.push(Pair { name, value });
        }
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}

fn add(run: &mut Run, line: &Value) {
    let timestamp = line["timestamp"].as_i64().unwrap();
    let key = text(run, &line["key"]);
    let body = match (&line["refused"], &line["event"]) {
        (Value::String(refused), _) if !refused.is_empty() => {
            Body::Refused(Box::new(Refusal::new(Reason::of(refused).unwrap(), "as drawn")))
        }
        (_, Value::Null) => Body::Erasure,
        (_, value) => Body::Event(event(run, value)),
    };
    let at = if matches!(body, Body::Event(_)) {
        line["event"]["occurred_at"].as_i64().unwrap()
    } else {
        timestamp
    };
    let offset = line["offset"].as_i64().unwrap();
    let value = run.put(b"");
    run.records.push(Record {
        offset,
        timestamp,
        at,
        key,
        value,
        body,
    });
}

/// What came out, as the golden files have it.
#[derive(Default)]
struct Told {
    flips: BTreeMap<String, Vec<Value>>,
    memberships: BTreeMap<String, Vec<Value>>,
    outcomes: BTreeMap<String, u64>,
    letters: Vec<Value>,
    links: BTreeMap<&'static str, u64>,
}

impl Told {
    fn note(&mut self, effects: &Effects, case: &Case) {
        let rules = &case.rules;
        let text = |text| String::from_utf8(effects.of(text).to_vec()).unwrap();
        for flip in &effects.flips {
            self.flips
                .entry(text(flip.customer))
                .or_default()
                .push(told_flip(effects, case, flip));
        }
        for each in &effects.memberships {
            self.memberships
                .entry(text(each.customer))
                .or_default()
                .push(told_membership(effects, rules, each));
        }
        for ((topic, _), counts) in case.topics.iter().zip(&effects.outcomes) {
            for (outcome, count) in Outcome::ALL.iter().zip(counts).filter(|each| *each.1 > 0) {
                *self
                    .outcomes
                    .entry(format!("{topic} {}", outcome.name()))
                    .or_default() += count;
            }
        }
        for letter in &effects.dead_letters {
            let (topic, record) = (&case.topics[letter.topic].0, &letter.run.records[letter.index]);
            self.letters
                .push(json!([topic, record.offset, letter.refusal.reason.name()]));
        }
        for (linked, count) in Linked::ALL.iter().zip(effects.links).filter(|each| each.1 > 0) {
            *self.links.entry(linked.name()).or_default() += count;
        }
        assert_eq!(effects.engine_errors, 0);
    }

    fn lines(mut self, partition: &Partition, case: &Case) -> Vec<Value> {
        let rules = partition.rules().clone();
        let names: std::collections::BTreeSet<_> = self
            .flips
            .keys()
            .chain(self.memberships.keys())
            .cloned()
            .collect();
        let mut lines: Vec<Value> = Vec::new();
        for name in names {
            let (flips, memberships) = (self.flips.remove(&name), self.memberships.remove(&name));
            let (flips, memberships) = (flips.unwrap_or_default(), memberships.unwrap_or_default());
            lines.push(json!({"customer": name, "flips": flips, "memberships": memberships}));
        }
        let topics = case.topics.iter().zip(partition.offsets());
        let offsets: BTreeMap<_, _> = topics.map(|(topic, offset)| (&topic.0, offset)).collect();
        let members = rules.plan.rules.iter().zip(&partition.members().of_rules);
        let members: BTreeMap<_, _> = members
            .filter(|each| *each.1 > 0)
            .map(|(rule, count)| (&rule.id, *count))
            .collect();
        let mut whole = json!({
            "outcomes": self.outcomes,
            "offsets": offsets,
            "clock": partition.clock(),
            "members": members,
            "dead_letters": self.letters,
        });
        if !self.links.is_empty() {
            whole["links"] = json!(self.links);
        }
        lines.push(whole);
        lines
    }
}

fn details(effects: &Effects, told: &segments_engine::output::Told) -> Value {
    let text = |text| String::from_utf8(effects.of(text).to_vec()).unwrap();
    let details = effects.details_of(told).iter();
    Value::Object(
        details
            .map(|(name, found)| (text(*name), text(*found).into()))
            .collect(),
    )
}

fn told_flip(effects: &Effects, case: &Case, flip: &Flip) -> Value {
    let rules = &case.rules;
    let text = |text| String::from_utf8(effects.of(text).to_vec()).unwrap();
    let Segment::Rule(place) = flip.segment else {
        panic!("a rule is gone")
    };
    let rule = &rules.plan.rules[place as usize];
    let cause = |cause: Cause| {
        let topic = &case.topics[cause.topic].0;
        json!({"topic": topic, "partition": 0, "offset": cause.offset, "event_id": cause.event_id.map(text)})
    };
    let entry = |entry: &Entry| {
        let leaf = &rules.leaves[entry.leaf as usize];
        let measure = entry
            .measure
            .map_or(String::from_utf8(leaf.measure.to_vec()).unwrap(), text);
        let bound = entry
            .bound
            .map_or(String::from_utf8(leaf.bound.to_vec()).unwrap(), text);
        json!({"measure": measure, "value": entry.value.map(text), "bound": bound, "holds": entry.holds})
    };
    json!({
        "event_id": flip.id.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "customer_id": text(flip.customer),
        "segment": rule.id,
        "segment_version": rule.version,
        "transition": if flip.enters { "enter" } else { "exit" },
        "occurred_at": flip.at,
        "emitted_at": 0,
        "sequence": flip.sequence,
        "episode": flip.episode,
        "reason": flip.reason.name(),
        "cause": flip.cause.map(cause),
        "evidence": effects.evidence_of(flip).iter().map(entry).collect::<Vec<_>>(),
        "valid_until": flip.valid_until,
            "value": flip.told.value.map(|text| String::from_utf8(effects.of(text).to_vec()).unwrap()),
            "details": details(effects, &flip.told),
            "arm": flip.told.arm,
    })
}

fn told_membership(effects: &Effects, rules: &Rules, membership: &Membership) -> Value {
    let Some(sequence) = membership.sequence else {
        return Value::Null;
    };
    let stays = effects.stays_of(membership).iter().map(|stay| {
        let rule = &rules.plan.rules[stay.rule as usize];
        json!({
            "segment": rule.id,
            "segment_version": rule.version,
            "entered_at": stay.entered_at,
            "episode": stay.episode,
            "valid_until": stay.valid_until,
            "value": stay.told.value.map(|text| String::from_utf8(effects.of(text).to_vec()).unwrap()),
            "details": details(effects, &stay.told),
            "arm": stay.told.arm,
        })
    });
    let customer = String::from_utf8(effects.of(membership.customer).to_vec()).unwrap();
    json!({"customer_id": customer, "sequence": sequence, "segments": stays.collect::<Vec<_>>()})
}

/// How a case is lived through.
#[derive(Clone, Copy)]
struct Way {
    /// Records and flips by time in one turn, after which it is committed.
    turn: usize,
    /// Whether the partition is taken over anew after each commit.
    restarts: bool,
    /// From how many entries on what is older stands apart.
    apart: usize,
    /// Whether every third event raises a bug once it is remembered.
    poisoned: bool,
}

const AT_ONCE: Way = Way {
    turn: 100_000,
    restarts: false,
    apart: 256,
    poisoned: false,
};

struct Life<'a> {
    case: &'a Case,
    way: Way,
    store: Store,
    partition: Partition,
    told: Told,
    ends: Vec<i64>,
    runs: Vec<(usize, Arc<Run>, i64)>,
}

impl<'a> Life<'a> {
    fn new(case: &'a Case, way: Way) -> Life<'a> {
        let store = Store::default();
        let partition = open(case, way, &store);
        let ends = vec![0; case.topics.len()];
        Life {
            case,
            way,
            store,
            partition,
            told: Told::default(),
            ends,
            runs: Vec::new(),
        }
    }

    fn live(mut self) -> Vec<Value> {
        let topics = &self.case.topics;
        let mut runs: Vec<Run> = topics.iter().map(|_| Run::default()).collect();
        for line in &self.case.lines {
            let Some(ends) = line["ends"].as_object() else {
                let topic = self.topic(line["topic"].as_str().unwrap());
                add(&mut runs[topic], line);
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
        self.told.lines(&self.partition, self.case)
    }

    fn topic(&self, name: &str) -> usize {
        let mut topics = self.case.topics.iter();
        topics.position(|topic| topic.0 == name).unwrap()
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
            assert_eq!(
                self.partition.offer(*topic, starts[*topic], run.clone(), *end),
                None
            );
            starts[*topic] = *end;
        }
    }

    fn commit(&mut self) {
        let Some(effects) = self.partition.collect() else {
            return;
        };
        self.told.note(&effects, self.case);
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
        partition.poison(every_third(case));
    }
    for topic in 0..case.topics.len() {
        if !partition.begun(topic) {
            partition.begin(topic, 0);
        }
    }
    partition
}

fn every_third(case: &Case) -> Vec<Box<[u8]>> {
    let ids = case
        .lines
        .iter()
        .filter_map(|line| line["event"]["event_id"].as_str());
    ids.step_by(3).map(|id| id.as_bytes().into()).collect()
}

/// Every case in a way, with dead letters in any order: a record that is refused is so as soon as it is fetched.
fn all_as_expected(way: Way) {
    for (name, case) in cases() {
        let (mut found, mut expected) = (Life::new(&case, way).live(), case.effects.clone());
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter_mut().zip(&mut expected) {
            for letters in [&mut *found, &mut *expected].map(|line| &mut line["dead_letters"]) {
                if let Some(letters) = letters.as_array_mut() {
                    letters.sort_by_key(|letter| letter.to_string());
                }
            }
            // Segment outcomes are compared by tests/golden.rs.
            for (field, value) in expected
                .as_object()
                .unwrap()
                .iter()
                .filter(|each| each.0 != "told")
            {
                assert_eq!(&found[field], value, "{name}: {} {field}", expected["customer"]);
            }
        }
    }
}

/// Flips, memberships, outcomes, offsets, clock, members and dead letters are those of the golden files.
#[test]
fn as_in_the_golden_files() {
    all_as_expected(AT_ONCE);
}

/// A commit after every record shows nowhere.
#[test]
fn a_record_at_a_time() {
    all_as_expected(Way { turn: 1, ..AT_ONCE });
}

/// A restart after every record shows nowhere: what is remembered is what was written.
#[test]
fn with_restarts() {
    all_as_expected(Way {
        turn: 1,
        restarts: true,
        ..AT_ONCE
    });
}

/// What is older, in a record of its own, shows nowhere.
#[test]
fn in_two_records() {
    all_as_expected(Way {
        turn: 1,
        apart: 2,
        ..AT_ONCE
    });
    all_as_expected(Way {
        turn: 1,
        restarts: true,
        apart: 2,
        ..AT_ONCE
    });
}

/// A bug undoes one record: what else was done since the last commit stays, however much that is.
#[test]
fn with_bugs() {
    let mut bugs = 0;
    for (name, case) in cases() {
        let way = Way {
            poisoned: true,
            ..AT_ONCE
        };
        let mut found = [
            Life::new(&case, way).live(),
            Life::new(&case, Way { turn: 1, ..way }).live(),
            Life::new(
                &case,
                Way {
                    turn: 1,
                    restarts: true,
                    apart: 2,
                    ..way
                },
            )
            .live(),
        ];
        for letters in found.iter_mut().flatten().map(|line| &mut line["dead_letters"]) {
            if let Some(letters) = letters.as_array_mut() {
                letters.sort_by_key(|letter| letter.to_string());
                bugs += letters
                    .iter()
                    .filter(|letter| letter[2] == "engine_error")
                    .count();
            }
        }
        assert_eq!(found[0], found[1], "{name}");
        assert_eq!(found[0], found[2], "{name}");
    }
    assert!(bugs > 100, "only {bugs} bugs");
}

/// A state that ends too early is refused, wherever it ends.
#[test]
fn short_states() {
    for (name, case) in cases() {
        let life = Life::new(&case, AT_ONCE);
        let store = life.store.clone();
        life.live();
        let shapes = position::shapes_of(&case.rules);
        let decode = |data: &[u8]| {
            codec::decode(
                Arc::from(&b"x"[..]),
                data,
                &shapes,
                &mut Names::default(),
                &mut |_| None,
            )
            .unwrap()
        };
        let streams = |customer: &Customer| {
            customer
                .streams
                .iter()
                .filter(|kept| !matches!(kept, Kept::None))
                .count()
        };
        for (key, state) in store
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|each| codec::of_customer(each.0))
        {
            for end in 0..state.len() {
                let (key, data) = (Arc::from(&key[..]), &state[..end]);
                let found = codec::decode(key, data, &shapes, &mut Names::default(), &mut |_| None);
                // At the end of a stream nobody can tell that another one was there: that one is missing then.
                let whole = decode(&state[..]);
                assert!(
                    found.is_err() || found.is_ok_and(|found| streams(&found) < streams(&whole)),
                    "{name}"
                );
            }
        }
    }
}
