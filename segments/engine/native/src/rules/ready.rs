//! A plan, made ready to run.

use super::{After, Ask, Calculated, Heard, Leaf, Measured, Node, Rule, Rules, Stream, Takes, View};
use crate::bits::Bits;
use crate::calendar::Today;
use crate::details::Detail;
use crate::evidence::cut;
use crate::measures::Kernel;
use crate::plan::{self, Asked, Condition, Field, Measure, Plan};
use crate::times::DAY;
use hashbrown::HashMap;

/// What is not needed any more is looked for when so much of the shortest window is over since the last time.
const LAZY: i64 = 8;

impl Rules {
    /// A plan, made ready.
    pub fn new(plan: Plan) -> Rules {
        let mut holding_keys = 0;
        let leaves: Vec<Leaf> = plan
            .leaves
            .iter()
            .map(|leaf| Leaf::of(leaf, &plan, &mut holding_keys))
            .collect();
        let streams = heard_by(&plan, &leaves).into_iter().enumerate();
        let streams = streams
            .map(|(place, heard)| Stream::of(place, &plan, heard))
            .collect();
        let rules = (0..plan.rules.len())
            .map(|place| Rule {
                closed: plan.is_unpublished(place),
                ..Rule::of(&plan.rules[place], &plan, &leaves)
            })
            .collect();
        let takes = (0..plan.topics.len())
            .map(|topic| takes_of(topic, &plan))
            .collect();
        let mut flips = vec![[Vec::new(), Vec::new()]; plan.rules.len()];
        for (number, stream) in plan.streams.iter().enumerate() {
            for taken in &stream.flips {
                flips[taken.rule][usize::from(taken.enters)].push(number);
            }
        }
        let of_profile = Bits::of((0..plan.rules.len()).filter(|place| plan.rules[*place].profile));
        let for_each = Bits::of((0..plan.rules.len()).filter(|place| plan.rules[*place].for_each.is_some()));
        let forget_every = plan.shortest().min(DAY) / LAZY;
        let ids = plan.rules.iter().map(|rule| rule.id.as_str().into());
        let places = ids.zip(0..).collect();
        Rules {
            streams,
            leaves,
            rules,
            takes,
            flips,
            holding_keys,
            of_profile,
            for_each,
            forget_every,
            places,
            plan,
        }
    }
}

/// Which streams take an event of each kind of a topic that some stream names, and of any other kind.
fn takes_of(topic: usize, plan: &Plan) -> Takes {
    let mut kinds: HashMap<Box<[u8]>, Vec<usize>, foldhash::fast::RandomState> = HashMap::default();
    let mut others = Vec::new();
    for (place, stream) in plan.streams.iter().enumerate() {
        for take in stream.takes.iter().filter(|take| take.topic == topic) {
            match &take.kinds {
                None => others.push(place),
                Some(named) => {
                    for kind in named {
                        kinds.entry(kind.as_bytes().into()).or_default().push(place);
                    }
                }
            }
        }
    }
    for streams in kinds.values_mut() {
        streams.extend(&others);
        streams.sort_unstable();
        streams.dedup();
    }
    others.dedup();
    Takes { kinds, others }
}

/// For each stream the leaves that keep what they know of each key, if an event of it tells them something.
fn heard_by(plan: &Plan, leaves: &[Leaf]) -> Vec<Vec<(usize, Heard)>> {
    let mut found = vec![Vec::new(); plan.streams.len()];
    for leaf in leaves {
        let Ask::Measured(measured) = &leaf.ask else {
            continue;
        };
        let Some(number) = measured.holding_keys else {
            continue;
        };
        found[measured.stream].push((number, Heard::Own));
        if let Some(reset) = measured.reset.filter(|reset| *reset != measured.stream) {
            let same = measured.same && !plan.streams[reset].visits;
            let heard = if same {
                Heard::Same(measured.stream)
            } else {
                Heard::All
            };
            found[reset].push((number, heard));
        }
    }
    found
}

impl Stream {
    fn of(place: usize, plan: &Plan, heard: Vec<(usize, Heard)>) -> Stream {
        let stream = &plan.streams[place];
        Stream {
            filter: stream.filter.clone(),
            key: stream.key.clone(),
            present: stream.present.clone(),
            columns: stream.columns.iter().map(|column| column.field.clone()).collect(),
            keep: stream.keep,
            needed: stream.keep + if stream.visits { plan.session.gap } else { 0 },
            latest: stream.latest,
            visits: stream.visits,
            gap: plan.session.gap,
            stride: 1 + stream.columns.len() + usize::from(stream.visits),
            lines: stream.lines,
            readers: Bits::of(stream.readers.iter().copied()),
            for_each: stream
                .readers
                .iter()
                .filter(|place| plan.rules[**place].for_each.is_some())
                .map(|place| *place as u32)
                .collect(),
            heard,
        }
    }
}

impl View {
    fn of(view: &plan::View, stream: &plan::Stream) -> View {
        let place = |field: &Option<Field>| Some(1 + stream.column(field.as_ref()?)?);
        View {
            filter: view.filter.clone(),
            columns: stream.columns.iter().map(|column| column.field.clone()).collect(),
            key: place(&view.key),
            present: place(&view.present),
        }
    }
}

impl Leaf {
    fn of(leaf: &plan::Leaf, plan: &Plan, holding_keys: &mut usize) -> Leaf {
        let (kind, ask) = match &leaf.asked {
            Asked::Measured(measured) => (
                measured.kind,
                Ask::Measured(Box::new(Measured::of(measured, plan, holding_keys))),
            ),
            Asked::Calculated(calculated) => (
                calculated.left_kind,
                Ask::Calculated(Box::new(Calculated::of(calculated, plan))),
            ),
            Asked::Profile {
                attribute,
                operator,
                bounds,
            } => (
                plan::Kind::Text,
                Ask::Profile {
                    attribute: attribute.clone(),
                    operator: *operator,
                    bounds: bounds.clone(),
                },
            ),
            Asked::List { list, value } => (plan::Kind::Boolean, Ask::List(list.clone(), value.clone())),
            Asked::Date(dated) => (plan::Kind::Duration, Ask::Date(dated.clone())),
            Asked::Today { part, comparison } => (
                plan::Kind::Text,
                Ask::Today(Box::new(Today::new(*part, comparison.clone()))),
            ),
            Asked::Consent { consent } => (plan::Kind::Boolean, Ask::Consent(consent.clone())),
            Asked::Split { name, start, end } => {
                let (name, start, end) = (name.clone(), *start, *end);
                (plan::Kind::Boolean, Ask::Split { name, start, end })
            }
            Asked::Inside { rule, value } => (
                plan::Kind::Boolean,
                Ask::Inside(*rule, value.as_ref().map(|value| value.as_bytes().into())),
            ),
        };
        let text: Box<[u8]> = leaf.measure.as_bytes().into();
        Leaf {
            measure: shown(&leaf.measure),
            bound: shown(&leaf.bound),
            text,
            kind,
            ask,
        }
    }

    fn timeless(&self) -> bool {
        !matches!(
            self.ask,
            Ask::Measured(_) | Ask::Calculated(_) | Ask::Date(_) | Ask::Today(_)
        )
    }
}

fn shown(text: &str) -> Box<[u8]> {
    let mut shown = text.as_bytes().to_vec();
    cut(&mut shown, 0);
    shown.into()
}

impl Measured {
    /// One of which nothing is kept by key.
    fn unheld(measured: &plan::Measured, plan: &Plan) -> Measured {
        Measured {
            holding_keys: None,
            ..Measured::of(measured, plan, &mut 0)
        }
    }

    fn of(measured: &plan::Measured, plan: &Plan, holding_keys: &mut usize) -> Measured {
        let stream = &plan.streams[measured.stream];
        let column = measured.column.map(|column| 1 + column);
        // In a view, and among what came after something, the measured field always comes first.
        let seen = if measured.view.is_some() || !measured.after.is_empty() {
            1
        } else {
            column.unwrap_or(0)
        };
        let kept =
            measured.by.is_some() && !stream.visits && measured.offset == 0 && measured.after.is_empty();
        let holding_keys = kept.then(|| {
            *holding_keys += 1;
            *holding_keys - 1
        });
        let reset_view = measured.reset.zip(measured.reset_view.as_ref());
        Measured {
            measure: measured.measure,
            kernel: Kernel::new(measured, seen),
            known: measured.known,
            stream: measured.stream,
            view: measured.view.as_ref().map(|view| View::of(view, stream)),
            column,
            by: measured.by.as_ref().map(|field| field.kind),
            holding_keys,
            reset: measured.reset,
            reset_view: reset_view.map(|(reset, view)| View::of(view, &plan.streams[reset])),
            same: measured.same,
            after: measured
                .after
                .iter()
                .map(|after| After::of(after, plan))
                .collect(),
            window: measured.window,
            during: measured.during,
            offset: measured.offset,
            scale: measured.scale,
        }
    }
}

impl After {
    fn of(after: &plan::After, plan: &Plan) -> After {
        let view = after.view.as_ref();
        After {
            stream: after.stream,
            view: view.map(|view| View::of(view, &plan.streams[after.stream])),
            span: after.span,
            same: after.same,
        }
    }
}

impl Calculated {
    fn of(calculated: &plan::Calculated, plan: &Plan) -> Calculated {
        let parts: Vec<Measured> = calculated
            .parts
            .iter()
            // What a key comes to depends on other streams, so nothing is kept of it.
            .map(|part| Measured::unheld(part, plan))
            .collect();
        let grows = |side: &plan::Term| match side {
            plan::Term::Part { part } => matches!(parts[*part].measure, Measure::Idle | Measure::Age),
            _ => false,
        };
        Calculated {
            by: parts.iter().find_map(|part| part.by),
            grows: (grows(&calculated.left), grows(&calculated.right)),
            plan: calculated.clone(),
            parts,
        }
    }
}

impl Rule {
    fn of(rule: &plan::Rule, plan: &Plan, leaves: &[Leaf]) -> Rule {
        let enter = match &rule.until {
            None => Node::of(&rule.when, leaves),
            Some(until) => Node::combined(
                false,
                vec![
                    Node::of(&rule.when, leaves),
                    Node::Not(Box::new(Node::of(until, leaves))),
                ],
                leaves,
            ),
        };
        Rule {
            enter,
            until: rule.until.as_ref().map(|until| Node::of(until, leaves)),
            for_each: rule.for_each,
            stages: rule
                .stages
                .iter()
                .map(|stage| (stage.name.as_bytes().into(), Node::of(&stage.when, leaves)))
                .collect(),
            for_at_least: rule.for_at_least,
            at_most_every: rule.at_most_every,
            leaves: rule.leaves.clone(),
            reads: rule.reads.clone(),
            readers: Bits::of(rule.readers.iter().copied()),
            rank: rule.rank,
            consents: rule.consents.clone(),
            closed: false,
            details: rule
                .details
                .iter()
                .map(|detail| Detail {
                    name: detail.name.as_str().into(),
                    kind: detail.asked.kind,
                    measured: Measured::unheld(&detail.asked, plan),
                })
                .collect(),
        }
    }
}

impl Node {
    fn of(condition: &Condition, leaves: &[Leaf]) -> Node {
        let each = |parts: &[Condition]| {
            parts
                .iter()
                .map(|part| Node::of(part, leaves))
                .collect::<Vec<_>>()
        };
        match condition {
            Condition::Leaf { leaf } => Node::Leaf(*leaf),
            Condition::Not { condition } => Node::Not(Box::new(Node::of(condition, leaves))),
            Condition::All { conditions } => Node::combined(false, each(conditions), leaves),
            Condition::Any { conditions } => Node::combined(true, each(conditions), leaves),
        }
    }

    fn combined(ends: bool, parts: Vec<Node>, leaves: &[Leaf]) -> Node {
        let (timeless, timed) = parts.into_iter().partition(|part| part.timeless(leaves));
        Node::Combined {
            ends,
            timeless,
            timed,
        }
    }

    fn timeless(&self, leaves: &[Leaf]) -> bool {
        match self {
            Node::Leaf(leaf) => leaves[*leaf].timeless(),
            Node::Not(inner) => inner.timeless(leaves),
            Node::Combined { .. } => false,
        }
    }
}
