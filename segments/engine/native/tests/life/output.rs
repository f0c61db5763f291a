//! What came out of a partition, as `effects.jsonl` has it.

use std::collections::BTreeMap;

use segments_engine::identity::Linked;
use segments_engine::output::{
    Additions, Effects, Entry, Flip, Membership, Outcome, Segment, SegmentOutcome, Stay, Text,
};
use segments_engine::partition::Partition;
use segments_engine::rules::Rules;
use serde_json::{Map, Value as Json, json};

/// All that came out so far.
#[derive(Default)]
pub struct Output {
    customers: BTreeMap<String, OfCustomer>,
    letters: Vec<Json>,
    outcomes: BTreeMap<String, u64>,
    /// Links by what became of them.
    links: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct OfCustomer {
    flips: Vec<Json>,
    memberships: Vec<Json>,
    outcomes: Vec<Json>,
}

impl Output {
    /// Add what a transaction has.
    pub fn add(&mut self, effects: &Effects, partition: &Partition) {
        assert_eq!(effects.engine_errors, 0);
        let (topics, json) = (partition.topics(), Written { effects, partition });
        for each in &effects.flips {
            self.of(effects, each.customer).flips.push(json.flip(each));
        }
        for each in &effects.memberships {
            let membership = json.membership(each);
            self.of(effects, each.customer).memberships.push(membership);
        }
        for each in &effects.segment_outcomes {
            self.of(effects, each.customer).outcomes.push(json.outcome(each));
        }
        for letter in &effects.dead_letters {
            let (topic, record) = (&topics[letter.topic], &letter.run.records[letter.index]);
            self.letters
                .push(json!([topic, record.offset, letter.refusal.reason.name()]));
        }
        for (topic, counts) in topics.iter().zip(&effects.outcomes) {
            for (outcome, count) in Outcome::ALL.iter().zip(counts).filter(|each| *each.1 > 0) {
                let name = format!("{topic} {}", outcome.name());
                *self.outcomes.entry(name).or_default() += count;
            }
        }
        for (linked, count) in Linked::ALL.iter().zip(effects.links).filter(|each| each.1 > 0) {
            *self.links.entry(linked.name()).or_default() += count;
        }
    }

    fn of(&mut self, effects: &Effects, customer: Text) -> &mut OfCustomer {
        self.customers.entry(owned(effects, customer)).or_default()
    }

    /// A line for each customer, and one for the partition, which is where it ended.
    pub fn lines(&self, partition: &Partition) -> Vec<Json> {
        let mut found: Vec<Json> = Vec::new();
        for (customer, of) in &self.customers {
            let (flips, memberships) = (&of.flips, &of.memberships);
            let mut line = json!({"customer": customer, "flips": flips, "memberships": memberships});
            if !of.outcomes.is_empty() {
                line["told"] = json!(of.outcomes);
            }
            found.push(line);
        }
        let offsets = partition.topics().iter().zip(partition.offsets());
        let offsets: Map<String, Json> = offsets
            .map(|(topic, offset)| (topic.clone(), json!(offset)))
            .collect();
        let mut whole = json!({
            "outcomes": self.outcomes,
            "offsets": offsets,
            "clock": partition.clock(),
            "members": members(partition),
            "dead_letters": self.letters,
        });
        if !self.links.is_empty() {
            whole["links"] = json!(self.links);
        }
        found.push(whole);
        found
    }
}

fn members(partition: &Partition) -> Map<String, Json> {
    let members = partition.members();
    let rules = partition.rules().plan.rules.iter().map(|rule| &*rule.id);
    let of_rules = rules.zip(members.of_rules.iter().copied());
    let all = of_rules.chain(members.of_others.iter().map(|(id, count)| (id.as_ref(), *count)));
    all.filter(|each| each.1 > 0)
        .map(|(id, count)| (id.to_string(), json!(count)))
        .collect()
}

/// A transaction's records as JSON.
struct Written<'a> {
    effects: &'a Effects,
    partition: &'a Partition,
}

impl Written<'_> {
    fn flip(&self, flip: &Flip) -> Json {
        let effects = self.effects;
        let (segment, version) = self.segment(flip.segment);
        let cause = flip.cause.map(|cause| {
            let event_id = cause.event_id.map(|id| owned(effects, id));
            let topic = &self.partition.topics()[cause.topic];
            json!({"topic": topic, "partition": 0, "offset": cause.offset, "event_id": event_id})
        });
        let evidence = effects.evidence_of(flip).iter().map(|entry| self.entry(entry));
        let mut made = json!({
            "event_id": hex(&flip.id),
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
            "evidence": evidence.collect::<Vec<_>>(),
            "valid_until": flip.valid_until,
        });
        self.beside(&flip.additions, &mut made);
        made
    }

    fn segment(&self, segment: Segment) -> (String, String) {
        match segment {
            Segment::Rule(place) => {
                let rule = &self.rules().plan.rules[place as usize];
                (rule.id.clone(), rule.version.clone())
            }
            Segment::Removed { id, version } => (owned(self.effects, id), owned(self.effects, version)),
        }
    }

    fn entry(&self, entry: &Entry) -> Json {
        let leaf = &self.rules().leaves[entry.leaf as usize];
        let text = |own: Option<Text>, of_leaf: &[u8]| match own {
            Some(text) => owned(self.effects, text),
            None => String::from_utf8(of_leaf.to_vec()).unwrap(),
        };
        json!({
            "measure": text(entry.measure, &leaf.measure),
            "value": entry.value.map(|value| owned(self.effects, value)),
            "bound": text(entry.bound, &leaf.bound),
            "holds": entry.holds,
        })
    }

    fn membership(&self, membership: &Membership) -> Json {
        let Some(sequence) = membership.sequence else {
            return Json::Null;
        };
        let stays = self.effects.stays_of(membership).iter();
        let segments: Vec<Json> = stays.map(|stay| self.stay(stay)).collect();
        let customer = owned(self.effects, membership.customer);
        json!({"customer_id": customer, "sequence": sequence, "segments": segments})
    }

    fn stay(&self, stay: &Stay) -> Json {
        let rule = &self.rules().plan.rules[stay.rule as usize];
        let mut made = json!({
            "segment": rule.id,
            "segment_version": rule.version,
            "entered_at": stay.entered_at,
            "episode": stay.episode,
            "valid_until": stay.valid_until,
        });
        self.beside(&stay.additions, &mut made);
        made
    }

    fn outcome(&self, outcome: &SegmentOutcome) -> Json {
        let text = |text| owned(self.effects, text);
        json!({
            "event_id": hex(&outcome.id),
            "entered_as": text(outcome.entered_as),
            "segment": self.rules().plan.rules[outcome.rule as usize].id,
            "value": outcome.value.map(text),
            "episode": outcome.episode,
            "kind": outcome.kind.name(),
            "reason": outcome.reason.name(),
            "arm": outcome.arm,
            "entered_at": outcome.entered_at,
            "first_goal_at": outcome.first_goal_at,
            "occurred_at": outcome.at,
            "goals": outcome.goals,
            "revenue": outcome.revenue.map(|cents| cents as i64),
        })
    }

    /// Value, details and arm, which flips and stays have in common.
    fn beside(&self, additions: &Additions, into: &mut Json) {
        let text = |text| owned(self.effects, text);
        let details = self.effects.details_of(additions).iter();
        into["value"] = json!(additions.value.map(text));
        into["details"] = details
            .map(|(name, found)| (text(*name), json!(text(*found))))
            .collect::<Map<_, _>>()
            .into();
        into["arm"] = json!(additions.arm);
    }

    fn rules(&self) -> &Rules {
        self.partition.rules()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn owned(effects: &Effects, text: Text) -> String {
    String::from_utf8(effects.of(text).to_vec()).unwrap()
}
