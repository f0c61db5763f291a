//! Lives through a case: its plan and log, from states that may be there already, against the effects that its file has.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use segments_engine::customers::States;
use segments_engine::identity::Linked;
use segments_engine::output::{Effects, Outcome, Segment, Text};
use segments_engine::partition::{Partition, Settings};
use segments_engine::plan::Plan;
use segments_engine::rules::Rules;
use segments_engine::wire::record::{
    Body, Event, Format, Item, Pair, Places, Record, Run, Span, TEXTS, Value,
};
use segments_engine::wire::refusals::{Reason, Refusal, refuse};
use serde_json::{Map, Value as Json, json};

const TOPICS: [(&str, Format); 4] = [
    ("clickstream", Format::Click),
    ("profiles", Format::Profile),
    ("transactions", Format::Transaction),
    ("identities", Format::Link),
];
const TRANSFERS: &str = "transfers";

/// Committed states, as files hold them.
struct Held(BTreeMap<Vec<u8>, Vec<u8>>);

impl States for Held {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn scan(&self, look: &mut dyn FnMut(&[u8], &[u8])) {
        self.0.iter().for_each(|(key, value)| look(key, value));
    }
}

/// The cases in a folder of `tests`.
pub fn cases(folder: &str) -> Vec<PathBuf> {
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

/// A field that is a text.
pub fn text<'j>(line: &'j Json, name: &str) -> &'j str {
    line[name].as_str().unwrap()
}

/// Bytes by their digits.
pub fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Panics where a case comes out other than its file says.
pub fn compare(case: &Path, states: BTreeMap<Vec<u8>, Vec<u8>>) {
    let plan = Plan::read(&fs::read(case.join("plan.json")).unwrap()).unwrap();
    let mut life = Life::new(
        Arc::new(Rules::new(plan)),
        states,
        &lines(&case.join("log.jsonl")),
    );
    life.live();
    let found = life.told();
    let expected = lines(&case.join("effects.jsonl"));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{}", case.display());
    }
    assert_eq!(found.len(), expected.len(), "{}", case.display());
}

/// One partition over the log of a case.
struct Life {
    partition: Partition,
    rules: Arc<Rules>,
    log: Vec<Json>,
    /// By topic: the offset after the last one offered.
    fetched: Vec<i64>,
    flips: BTreeMap<String, (Vec<Json>, Vec<Json>)>,
    /// The segment outcomes, by customer.
    watched: BTreeMap<String, Vec<Json>>,
    letters: Vec<Json>,
    outcomes: BTreeMap<String, u64>,
    /// Links by what became of them.
    links: BTreeMap<&'static str, u64>,
    /// Its topics; the fourth, and one of transfers, only where links are followed.
    topics: &'static [(&'static str, Format)],
}

impl Life {
    fn new(rules: Arc<Rules>, states: BTreeMap<Vec<u8>, Vec<u8>>, log: &[Json]) -> Life {
        let number = |name: &str| log[0][name].as_u64().unwrap() as usize;
        let (customer_limit, customer_bytes) = (number("limit"), number("bytes"));
        let settings = Settings {
            grace: number("grace") as i64,
            customer_limit,
            customer_bytes,
        };
        let linked = log[0].get("linked").is_some();
        let mut partition = Partition::new(
            (0, 1),
            rules.clone(),
            settings,
            Box::new(Held(states)),
            None,
            linked.then(|| TRANSFERS.to_owned()),
            Vec::new(),
            None,
        )
        .unwrap();
        for topic in 0..partition.offsets().len() {
            if !partition.begun(topic) {
                partition.begin(topic, 0);
            }
        }
        let fetched = partition.offsets().iter().map(|offset| offset.unwrap()).collect();
        Life {
            partition,
            rules,
            log: log[1..].to_vec(),
            fetched,
            flips: BTreeMap::new(),
            watched: BTreeMap::new(),
            letters: Vec::new(),
            outcomes: BTreeMap::new(),
            links: BTreeMap::new(),
            topics: if linked { &TOPICS } else { &TOPICS[..3] },
        }
    }

    /// Phase by phase: offer all of it, then ask and advance twice, as the wall clock moves what is caught up.
    fn live(&mut self) {
        let mut waiting: Vec<Json> = Vec::new();
        for line in std::mem::take(&mut self.log) {
            if line.get("ends").is_none() {
                waiting.push(line);
                continue;
            }
            let ends: Vec<i64> = self
                .topics
                .iter()
                .map(|topic| line["ends"][topic.0].as_i64().unwrap())
                .collect();
            for (number, end) in ends.iter().enumerate() {
                self.offer(number, &waiting, *end);
            }
            waiting.clear();
            let transfers = (self.topics.len() == TOPICS.len()).then_some(0);
            let ends: Vec<Option<i64>> = ends.into_iter().chain(transfers).map(Some).collect();
            for _ in 0..2 {
                self.partition
                    .confirm(&ends, self.partition.stamp(), line["now"].as_i64());
                while self.partition.advance(5000).unwrap() {}
            }
            if let Some(effects) = self.partition.collect() {
                self.tell(&effects);
            }
        }
    }

    fn offer(&mut self, number: usize, waiting: &[Json], end: i64) {
        let (topic, format) = TOPICS[number];
        let start = std::mem::replace(&mut self.fetched[number], end);
        if start >= end {
            return;
        }
        let mut run = Run {
            start,
            end,
            ..Run::default()
        };
        for line in waiting.iter().filter(|line| line["topic"] == topic) {
            let record = record(line, &mut run);
            run.records.push(record);
        }
        refuse(&mut run, format, 0);
        assert_eq!(self.partition.offer(number, start, Arc::new(run), end), None);
    }

    fn tell(&mut self, effects: &Effects) {
        assert_eq!(effects.engine_errors, 0);
        for flip in &effects.flips {
            let told = self.flip(effects, flip);
            self.flips
                .entry(owned(effects, flip.customer))
                .or_default()
                .0
                .push(told);
        }
        for membership in &effects.memberships {
            let told = self.membership(effects, membership);
            self.flips
                .entry(owned(effects, membership.customer))
                .or_default()
                .1
                .push(told);
        }
        for outcome in &effects.segment_outcomes {
            let rule = &self.rules.plan.rules[outcome.rule as usize];
            let id: String = outcome.id.iter().map(|byte| format!("{byte:02x}")).collect();
            let told = json!({
                "event_id": id,
                "entered_as": owned(effects, outcome.entered_as),
                "segment": rule.id,
                "value": outcome.value.map(|text| owned(effects, text)),
                "episode": outcome.episode,
                "kind": outcome.kind.name(),
                "reason": outcome.reason.name(),
                "arm": outcome.arm,
                "entered_at": outcome.entered_at,
                "first_goal_at": outcome.first_goal_at,
                "occurred_at": outcome.at,
                "goals": outcome.goals,
                "revenue": outcome.revenue.map(|cents| cents as i64),
            });
            let customer = owned(effects, outcome.customer);
            self.watched.entry(customer).or_default().push(told);
        }
        for letter in &effects.dead_letters {
            let offset = letter.run.records[letter.index].offset;
            self.letters.push(json!([
                TOPICS[letter.topic].0,
                offset,
                letter.refusal.reason.name()
            ]));
        }
        for ((topic, _), counts) in TOPICS.iter().zip(&effects.outcomes) {
            for (outcome, count) in Outcome::ALL.iter().zip(counts).filter(|each| *each.1 > 0) {
                *self
                    .outcomes
                    .entry(format!("{topic} {}", outcome.name()))
                    .or_default() += count;
            }
        }
        for (linked, count) in Linked::ALL.iter().zip(effects.links).filter(|each| each.1 > 0) {
            *self.links.entry(linked.name()).or_default() += count;
        }
    }

    fn segment(&self, effects: &Effects, segment: Segment) -> (String, String) {
        match segment {
            Segment::Rule(place) => {
                let rule = &self.rules.plan.rules[place as usize];
                (rule.id.clone(), rule.version.clone())
            }
            Segment::Removed { id, version } => (owned(effects, id), owned(effects, version)),
        }
    }

    fn flip(&self, effects: &Effects, flip: &segments_engine::output::Flip) -> Json {
        let (segment, version) = self.segment(effects, flip.segment);
        let id: String = flip.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let cause = flip.cause.map(|cause| {
            let event_id = cause.event_id.map(|id| owned(effects, id));
            json!({"topic": TOPICS[cause.topic].0, "partition": 0, "offset": cause.offset, "event_id": event_id})
        });
        let evidence: Vec<Json> = effects
            .evidence_of(flip)
            .iter()
            .map(|entry| self.entry(effects, entry))
            .collect();
        json!({
            "event_id": id,
            "customer_id": owned(effects, flip.customer),
            "segment": segment,
            "segment_version": version,
            "transition": if flip.enters { "enter" } else { "exit" },
            "occurred_at": flip.at,
            "emitted_at": 0,
            "sequence": flip.sequence,
            "episode": flip.episode,
            "reason": flip.reason.name(),
            "cause": cause,
            "evidence": evidence,
            "valid_until": flip.valid_until,
            "value": flip.told.value.map(|text| String::from_utf8(effects.of(text).to_vec()).unwrap()),
            "details": details(effects, &flip.told),
            "arm": flip.told.arm,
        })
    }

    fn entry(&self, effects: &Effects, entry: &segments_engine::output::Entry) -> Json {
        let leaf = &self.rules.leaves[entry.leaf as usize];
        let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let measure = entry
            .measure
            .map_or_else(|| utf8(&leaf.measure), |text| owned(effects, text));
        let value = entry.value.map(|text| owned(effects, text));
        let bound = entry
            .bound
            .map_or_else(|| utf8(&leaf.bound), |text| owned(effects, text));
        json!({"measure": measure, "value": value, "bound": bound, "holds": entry.holds})
    }

    fn membership(&self, effects: &Effects, membership: &segments_engine::output::Membership) -> Json {
        let Some(sequence) = membership.sequence else {
            return Json::Null;
        };
        let stays = effects.stays_of(membership).iter().map(|stay| {
            let rule = &self.rules.plan.rules[stay.rule as usize];
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
        let segments: Vec<Json> = stays.collect();
        json!({"customer_id": owned(effects, membership.customer), "sequence": sequence, "segments": segments})
    }

    /// As `effects.jsonl` has it.
    fn told(&self) -> Vec<Json> {
        let mut found: Vec<Json> = Vec::new();
        for (customer, (flips, memberships)) in &self.flips {
            let mut line = json!({"customer": customer, "flips": flips, "memberships": memberships});
            if let Some(told) = self.watched.get(customer) {
                line["told"] = json!(told);
            }
            found.push(line);
        }
        let names = self.topics.iter().map(|topic| topic.0).chain([TRANSFERS]);
        let offsets: Map<String, Json> = names
            .zip(self.partition.offsets())
            .map(|(topic, offset)| (topic.into(), json!(offset)))
            .collect();
        let members = self.partition.members();
        let of_rules = self
            .rules
            .plan
            .rules
            .iter()
            .map(|rule| &*rule.id)
            .zip(members.of_rules.iter().copied());
        let all = of_rules.chain(members.of_others.iter().map(|(id, count)| (id.as_ref(), *count)));
        let members: Map<String, Json> = all
            .filter(|each| each.1 > 0)
            .map(|(id, count)| (id.to_string(), json!(count)))
            .collect();
        let mut partition = json!({
            "outcomes": self.outcomes,
            "offsets": offsets,
            "clock": self.partition.clock(),
            "members": members,
            "dead_letters": self.letters,
        });
        if !self.links.is_empty() {
            partition["links"] = json!(self.links);
        }
        found.push(partition);
        found
    }
}

fn owned(effects: &Effects, text: Text) -> String {
    String::from_utf8(effects.of(text).to_vec()).unwrap()
}

fn record(line: &Json, run: &mut Run) -> Record {
    let (timestamp, refused) = (line["timestamp"].as_i64().unwrap(), text(line, "refused"));
    let mut made = Record {
        offset: line["offset"].as_i64().unwrap(),
        timestamp,
        at: timestamp,
        key: run.put(text(line, "key").as_bytes()),
        value: run.put(b""),
        body: Body::Erasure,
    };
    if !refused.is_empty() {
        made.body = Body::Refused(Box::new(Refusal::new(Reason::of(refused).unwrap(), "as drawn")));
    } else if let Json::Object(event) = &line["event"] {
        made.at = event["occurred_at"].as_i64().unwrap();
        made.body = Body::Event(event_of(event, run));
    }
    made
}

fn event_of(event: &Map<String, Json>, run: &mut Run) -> Event {
    let mut text = |name: &str| put(event.get(name), run);
    let mut made = Event {
        id: text("event_id"),
        customer: text("customer_id"),
        kind: text(if event.contains_key("action") {
            "action"
        } else {
            "kind"
        }),
        into: text("into"),
        source: text("source"),
        ..Event::BLANK
    };
    for (place, field) in TEXTS.iter().enumerate() {
        made.texts[place] = text(field.name);
    }
    made.amount = event.get("amount").map_or(0, |amount| amount.as_i64().unwrap());
    let start = run.items.len() as u32;
    for item in event.get("items").and_then(Json::as_array).into_iter().flatten() {
        let (product, category) = (put(item.get("product_id"), run), put(item.get("category"), run));
        let number = |name: &str| item[name].as_i64().unwrap();
        run.items.push(Item {
            product,
            category,
            quantity: number("quantity"),
            price: number("price"),
        });
    }
    made.items = Places {
        start,
        end: run.items.len() as u32,
    };
    made.attributes = pairs(event.get("attributes"), run);
    made.consents = pairs(event.get("consents"), run);
    made.lists = lists(event.get("lists"), run);
    made
}

fn put(value: Option<&Json>, run: &mut Run) -> Span {
    value
        .and_then(Json::as_str)
        .map_or(Span::NONE, |text| run.put(text.as_bytes()))
}

fn pairs(map: Option<&Json>, run: &mut Run) -> Places {
    let start = run.pairs.len() as u32;
    for (name, value) in map.and_then(Json::as_object).into_iter().flatten() {
        let value = match value {
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => Value::Number(number.as_f64().unwrap()),
            other => Value::Text(put(Some(other), run)),
        };
        let name = run.put(name.as_bytes());
        run.pairs.push(Pair { name, value });
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}

/// Of each list its name with a flag, then its name with each of its texts.
fn lists(map: Option<&Json>, run: &mut Run) -> Places {
    let start = run.pairs.len() as u32;
    for (name, list) in map.and_then(Json::as_object).into_iter().flatten() {
        let name = run.put(name.as_bytes());
        let value = Value::Flag(true);
        run.pairs.push(Pair { name, value });
        for each in list.as_array().into_iter().flatten() {
            let value = Value::Text(put(Some(each), run));
            run.pairs.push(Pair { name, value });
        }
    }
    Places {
        start,
        end: run.pairs.len() as u32,
    }
}

fn details(effects: &Effects, told: &segments_engine::output::Told) -> Json {
    let text = |text| String::from_utf8(effects.of(text).to_vec()).unwrap();
    let details = effects.details_of(told).iter();
    Json::Object(
        details
            .map(|(name, found)| (text(*name), text(*found).into()))
            .collect(),
    )
}
