//! The engine alone over logs in files: CPU time for each event, by stage.
//!
//! ```text
//! cargo run --release --example alone -- PLAN ID=FORMAT=SCHEMA,... LOG ...
//! ```
//!
//! PLAN is what `RuleSet.data.to_bytes()` gives. A LOG is one partition: for each record the number of its topic (a
//! byte), offset, Kafka timestamp (eight bytes each), key and value (four bytes of length before each), big-endian. A
//! record batch is not read: fetching and checksums are not the engine's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use segments_engine::customers::States;
use segments_engine::output::{Effects, Segment};
use segments_engine::partition::{Partition, Settings};
use segments_engine::plan::Plan;
use segments_engine::rules::Rules;
use segments_engine::wire::fetched::{Fetched, RawRecord};
use segments_engine::wire::outputs::{Cause, Encoder, Evidence, Flip, Letter, Membership};
use segments_engine::wire::record::{Format, Run, Span};
use segments_engine::wire::schemas::Schemas;

/// Records between two commits of a partition.
const COMMIT: usize = 5_000;

/// Records that are offered at once.
const OFFERED: usize = 1_250;

type SharedStates = Arc<Mutex<HashMap<Box<[u8]>, Box<[u8]>>>>;

struct Memory(SharedStates);

impl States for Memory {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().ok()?.get(key).map(|state| state.to_vec())
    }

    fn scan(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        if let Ok(held) = self.0.lock() {
            held.iter().for_each(|(key, state)| each(key, state));
        }
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(
        stat.split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
    )
}

fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0)
        * 4096.0
}

fn runs_of(data: &[u8], topics: usize) -> Vec<Vec<Fetched>> {
    let mut runs: Vec<Vec<Fetched>> = vec![vec![Fetched::default()]; topics];
    let mut at = 0;
    let mut take = |count: usize| {
        at += count;
        &data[at - count..at]
    };
    let mut left = data.len();
    while left > 0 {
        let topic = take(1)[0] as usize;
        let long = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
        let (offset, timestamp) = (long(take(8)), long(take(8)));
        let topic_runs = &mut runs[topic];
        if topic_runs.last().is_some_and(|run| run.records.len() == OFFERED) {
            topic_runs.push(Fetched {
                start: offset,
                ..Fetched::default()
            });
        }
        let Some(run) = topic_runs.last_mut() else {
            return runs;
        };
        let mut text = || {
            let length = u32::from_be_bytes(take(4).try_into().unwrap_or_default()) as usize;
            let bytes = take(length);
            run.data.extend_from_slice(bytes);
            Span::new(run.data.len() - length, length)
        };
        let (key, value) = (text(), text());
        left -= 25 + key.len() + value.len();
        run.records.push(RawRecord {
            offset,
            timestamp,
            key,
            value,
            fault: None,
        });
        run.end = offset + 1;
    }
    runs
}

fn emit(encoder: &mut Encoder, effects: &Effects, rules: &Rules) -> usize {
    let id_of = |segment: Segment| match segment {
        Segment::Rule(place) => {
            let rule = &rules.plan.rules[place as usize];
            (rule.id.as_bytes(), rule.version.as_bytes())
        }
        Segment::Removed { id, version } => (effects.of(id), effects.of(version)),
    };
    for flip in &effects.flips {
        let id: String = flip.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let (segment, version) = id_of(flip.segment);
        let made = Flip {
            event_id: id.as_bytes(),
            customer: effects.of(flip.customer),
            segment,
            version,
            transition: if flip.enters { b"enter" } else { b"exit" },
            occurred_at: flip.at,
            sequence: flip.sequence,
            episode: flip.episode,
            reason: flip.reason.name().as_bytes(),
            cause: flip.cause.map(|cause| Cause {
                topic: rules.plan.topics[cause.topic].name.as_bytes(),
                partition: 0,
                offset: cause.offset,
                event_id: cause.event_id.map(|text| effects.of(text)),
            }),
            valid_until: flip.valid_until,
            value: flip.additions.value.map(|text| effects.of(text)),
            arm: flip.additions.arm.map(str::as_bytes),
        };
        let evidence = effects.evidence_of(flip).iter().map(|entry| Evidence {
            measure: entry
                .measure
                .map_or(&rules.leaves[entry.leaf as usize].measure, |text| {
                    effects.of(text)
                }),
            value: entry.value.map(|text| effects.of(text)),
            bound: entry
                .bound
                .map_or(&rules.leaves[entry.leaf as usize].bound, |text| effects.of(text)),
            holds: entry.holds,
        });
        let details = effects.details_of(&flip.additions).iter();
        let details = details.map(|(name, text)| (effects.of(*name), effects.of(*text)));
        encoder.segment_event(0, &made, evidence, details);
    }
    for membership in &effects.memberships {
        let customer = effects.of(membership.customer);
        let Some(sequence) = membership.sequence else {
            encoder.no_memberships(0, customer);
            continue;
        };
        let stays = effects.stays_of(membership).iter().map(|stay| {
            let made = Membership {
                segment: rules.plan.rules[stay.rule as usize].id.as_bytes(),
                version: rules.plan.rules[stay.rule as usize].version.as_bytes(),
                entered_at: stay.entered_at,
                episode: stay.episode,
                valid_until: stay.valid_until,
                value: stay.additions.value.map(|text| effects.of(text)),
                arm: stay.additions.arm.map(str::as_bytes),
            };
            let details = effects.details_of(&stay.additions).iter();
            (
                made,
                details.map(|(name, text)| (effects.of(*name), effects.of(*text))),
            )
        });
        encoder.memberships(0, customer, sequence, stays);
    }
    for letter in &effects.dead_letters {
        let record = &letter.run.records[letter.index];
        encoder.dead_letter(
            0,
            &Letter {
                topic: &rules.plan.topics[letter.topic].name,
                partition: None,
                offset: record.offset,
                key: letter.run.text(record.key),
                value: letter.run.text(record.value),
                refusal: &letter.refusal,
            },
        );
    }
    for state in &effects.states {
        encoder.state(0, &state.key, state.value.as_deref());
    }
    let outputs = encoder.collect();
    let batches = [
        outputs.segment_events,
        outputs.memberships,
        outputs.dead_letters,
        outputs.changelog,
    ];
    batches.iter().flatten().map(|batch| batch.bytes().len()).sum()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plan, schemas, logs @ ..] = &arguments[..] else {
        return eprintln!("PLAN SCHEMAS LOG ...");
    };
    let plan = Plan::read(&std::fs::read(plan).expect("the plan")).expect("the plan");
    let rules = Arc::new(Rules::new(plan));
    let mut known = Schemas::default();
    for each in schemas.split(',') {
        let parts: Vec<&str> = each.split('=').collect();
        let json = std::fs::read_to_string(parts[2]).expect("a schema");
        let format = Format::of(parts[1]).expect("a format");
        known
            .accept(format, parts[0].parse().expect("an id"), &json)
            .expect("a schema");
    }
    let formats: Vec<Format> = rules.plan.topics.iter().map(|topic| topic.record).collect();
    let settings = Settings {
        grace: 2_000,
        customer_limit: 1_000_000_000,
        customer_bytes: 1 << 40,
    };
    let mut spent = [Duration::ZERO; 5];
    let (mut events, mut flips, mut states, mut state_bytes, mut bytes) = (0, 0, 0, 0, 0);
    let before = resident();
    let mut kept = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        let data = std::fs::read(log).expect("a log");
        let mut runs: Vec<_> = runs_of(&data, formats.len())
            .into_iter()
            .map(|runs| runs.into_iter().peekable())
            .collect();
        drop(data);
        let stored = SharedStates::default();
        let count = logs.len() as u32;
        let mut partition = Partition::new(
            (number as u32, count),
            rules.clone(),
            settings,
            Box::new(Memory(stored.clone())),
            None,
            None,
            Vec::new(),
            None,
        )
        .expect("states");
        let mut encoder = Encoder::new("segments", number as i32, (4, 5, 7));
        (0..formats.len()).for_each(|topic| partition.begin(topic, 0));
        let ends: Vec<Option<i64>> = {
            let all = runs_of(&std::fs::read(log).expect("a log"), formats.len());
            all.iter().map(|runs| runs.last().map(|run| run.end)).collect()
        };
        let (mut gathered, mut live) = (0, true);
        while live {
            live = false;
            let mut began = cpu();
            for (topic, format) in formats.iter().enumerate() {
                if partition.buffered(topic) >= OFFERED || runs[topic].peek().is_none() {
                    continue;
                }
                let Some(fetched) = runs[topic].next() else {
                    continue;
                };
                if fetched.records.is_empty() {
                    continue;
                }
                (events, gathered, live) = (
                    events + fetched.records.len(),
                    gathered + fetched.records.len(),
                    true,
                );
                let run: Run = known.decode(fetched, *format);
                let (start, end) = (run.start, run.end);
                partition.offer(topic, start, Arc::new(run), end);
            }
            spent[0] += cpu() - began;
            began = cpu();
            partition.confirm(&ends, partition.stamp(), None);
            while partition.advance(1_000).expect("states") {}
            spent[1] += cpu() - began;
            if gathered >= COMMIT || !live {
                gathered = 0;
                began = cpu();
                let Some(effects) = partition.collect() else {
                    continue;
                };
                spent[2] += cpu() - began;
                began = cpu();
                bytes += emit(&mut encoder, &effects, &rules);
                spent[3] += cpu() - began;
                began = cpu();
                flips += effects.flips.len();
                states += effects.states.len();
                let mut held = stored.lock().expect("states");
                for state in &effects.states {
                    match &state.value {
                        Some(value) => {
                            state_bytes += value.len();
                            held.insert(state.key[..].into(), value[..].into());
                        }
                        None => drop(held.remove(&state.key[..])),
                    }
                }
                spent[4] += cpu() - began;
            }
        }
        kept.push((partition, stored));
    }
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / events as f64;
    let names = ["decode", "decide", "states", "encode", "store"];
    let stages: Vec<String> = names
        .iter()
        .zip(&spent)
        .map(|(name, spent)| format!("{name} {:.2}", each(*spent)))
        .collect();
    println!("{events} events, {flips} flips, {states} states of {state_bytes} bytes, {bytes} bytes out");
    println!(
        "us an event: {:.2}; {}",
        each(spent.iter().sum()),
        stages.join(", ")
    );
    let (mut customers, mut at_rest, mut live) = (0, 0, (0, 0, 0));
    for (partition, stored) in &kept {
        let held = stored.lock().expect("states");
        customers += held.len() - 1;
        at_rest += held.values().map(|state| state.len()).sum::<usize>();
        let now = partition.live();
        live = (live.0 + now.0, live.1 + now.1, live.2 + now.2);
    }
    let share = |bytes: f64| bytes / customers as f64;
    println!(
        "{customers} customers: {:.0} bytes each at rest, {:.0} with everything; decoded {} of {:.0} bytes each, texts {} bytes",
        share(at_rest as f64),
        share(resident() - before),
        live.0,
        live.1 as f64 / live.0.max(1) as f64,
        live.2,
    );
}
