//! A new rule set takes over a partition, customer by customer, before anything else happens there.

use crate::bits::Bits;
use crate::codec::{self, StateError};
use crate::customer::{Customer, Due, Episode};
use crate::details;
use crate::filling::once;
use crate::held_back::{Enter, HeldBack};
use crate::machine::Machine;
use crate::mutants::m;
use crate::output::Reason;
use crate::position::{BORDERS, Layout, Position};
use crate::rows::{Groups, Kept, NULL, Rows};
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use crate::values::{self, Flipped};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The customers whom another rule set left behind.
pub struct Sweep {
    /// Their keys, the last in order first.
    pub left: Vec<Arc<[u8]>>,
}

impl Sweep {
    /// Of these customers, in any order.
    pub fn new(mut left: Vec<Arc<[u8]>>) -> Sweep {
        left.sort_unstable_by(|one, other| other.cmp(one));
        Sweep { left }
    }
}

/// First what goes on fires what is due before the clock, or the deployment; then what changed flips, in one evaluation.
pub fn take_over(
    key: Arc<[u8]>,
    data: &[u8],
    find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    position: &Position,
    machine: &mut Machine,
) -> Result<Customer, StateError> {
    let clock = position.since();
    let layout = layout_of(position, codec::header(data)?.layout)?;
    let mine = layout_of(position, position.current)?;
    let old = codec::decode(key, data, &layout.shapes, &mut machine.names, find)?;
    let going = Going::of(layout, mine);
    let mut customer = carried_customer(&old, layout, mine, &machine.rules, &going);
    machine.carry_watches(&mut customer, layout);
    while m!(
        "nothing fires before the change",
        customer.first_due() < clock,
        false
    ) {
        let due = customer.first_due();
        machine.fire_at(
            &mut customer,
            due,
            m!("what changes fires before it does", Some(&going.same), None),
        );
    }
    let now = m!(
        "a change comes before the clock",
        customer.instant.max(clock),
        customer.instant
    );
    flip_changed(&mut customer, &old, layout, machine, now, &going);
    Ok(customer)
}

/// A layout by its number.
pub fn layout_of(position: &Position, number: u64) -> Result<&Layout, StateError> {
    position
        .layouts
        .get(&number)
        .ok_or_else(|| StateError::new(format!("layout {number} is unknown")))
}

/// What becomes of the rules of this rule set.
pub struct Going {
    /// Those that go on as they were.
    same: Bits,
    /// Those that mean the same, and are compared with other borders.
    moved: Bits,
}

impl Going {
    /// By two layouts.
    pub fn of(layout: &Layout, mine: &Layout) -> Going {
        let mut versions: HashMap<&str, &str> = texts(layout).collect();
        versions.extend(layout.filled.iter().map(|id| (&**id, "")));
        let (mut same, mut moved) = (Bits::default(), Bits::default());
        for (place, (id, version)) in texts(mine).enumerate() {
            match versions.get(id) {
                Some(before) if *before == version => same.insert(place),
                Some(before) if meaning(before) == meaning(version) => moved.insert(place),
                _ => {}
            }
        }
        Going { same, moved }
    }

    /// Those that mean the same.
    fn alike(&self) -> Bits {
        let mut alike = self.same.clone();
        alike.add(&self.moved);
        alike
    }
}

fn texts(layout: &Layout) -> impl Iterator<Item = (&str, &str)> {
    let versions = layout.versions.iter().map(|version| &**version);
    layout.ids.iter().map(|id| &**id).zip(versions)
}

/// The version of a rule, without the borders that it is compared with.
pub fn meaning(version: &str) -> &str {
    version.split(BORDERS).next().unwrap_or_default()
}

/// The customer in the layout of this rule set: measures that go on keep their memory.
pub fn carried_customer(
    old: &Customer,
    layout: &Layout,
    mine: &Layout,
    rules: &Rules,
    going: &Going,
) -> Customer {
    let place = |before: u32| layout.ids.get(before as usize).and_then(|id| rules.place(id));
    let mut customer = Customer {
        streams: carried(&old.streams, layout, mine, rules).into(),
        episodes: Vec::new(),
        dues: Vec::new(),
        inside: Bits::default(),
        held: Vec::new(),
        ..old.clone()
    };
    (customer.sealed, customer.at) = (BEFORE_ALL, BEFORE_ALL);
    customer.weight = usize::MAX >> 1;
    for episode in &old.episodes {
        if let Some(now) = place(episode.rule) {
            customer.episodes.push(Episode {
                rule: now as u32,
                ..*episode
            });
            customer.inside.insert(now);
        }
    }
    for due in &old.dues {
        if let Some(now) =
            place(due.rule).filter(|now| m!("dues of what changed go on", going.same.has(*now), true))
        {
            customer.dues.push(Due {
                rule: now as u32,
                value: due.value,
                at: due.at,
                exact: BEFORE_ALL,
            });
        }
    }
    customer.entries += customer.episodes.len();
    customer.held_back = held_back(old, &customer, layout, rules, &going.alike());
    let kept = old.details.iter().flat_map(|kept| kept.iter());
    let carried = kept.filter_map(|kept| {
        let rule = place(kept.rule)? as u32;
        Some(details::Kept { rule, ..kept.clone() })
    });
    let carried: Vec<details::Kept> = carried.collect();
    customer.details = (!carried.is_empty()).then(|| Box::new(carried));
    customer
}

/// What holds the customer back goes on by the ids of rules: enters that still count, whatever the version, and the
/// beginnings of the rules that go on.
fn held_back(
    old: &Customer,
    carried: &Customer,
    layout: &Layout,
    rules: &Rules,
    same: &Bits,
) -> Option<Box<HeldBack>> {
    let place = |before: u32| layout.ids.get(before as usize).and_then(|id| rules.place(id));
    let mut found = HeldBack::default();
    let counting = old.held_back.iter().flat_map(|back| back.counting(old.instant));
    let enters = counting.filter_map(|enter| Some((place(enter.rule)?, enter.value, enter.at)));
    let stays = carried
        .episodes
        .iter()
        .map(|episode| (episode.rule as usize, episode.value, episode.at));
    for (rule, value, at) in enters.chain(stays) {
        let span = rules.rules[rule].at_most_every;
        if span > 0 {
            let rule = rule as u32;
            found.enter(Enter {
                rule,
                value,
                at,
                span,
            });
        }
    }
    for beginning in old.held_back.iter().flat_map(|back| &back.beginnings) {
        if let Some(rule) = place(beginning.rule)
            .filter(|rule| m!("what must last goes on in another rule", same.has(*rule), true))
        {
            found.set_beginning(rule, beginning.value, Some(beginning.at));
        }
    }
    (!found.is_empty()).then(|| Box::new(found))
}

fn flip_changed(
    customer: &mut Customer,
    old: &Customer,
    layout: &Layout,
    machine: &mut Machine,
    now: i64,
    going: &Going,
) {
    let rules = machine.rules.clone();
    let mut others = Bits::below(rules.rules.len());
    others.drop(&going.same);
    let mut silent = others.clone();
    silent.drop(&going.moved);
    // Who reads a rule that changed has changed, too; who reads one whose border moved has not.
    let only = going.moved.is_empty().then_some(&others);
    let mut flipped = machine.leave_strange(customer);
    let redirected = customer
        .identity
        .as_ref()
        .is_some_and(|each| each.redirect.is_some());
    if !customer.blank() && !redirected {
        machine.met.add_all(&others, &rules);
        flipped.extend(machine.flip(
            customer,
            others.clone(),
            now,
            only,
            m!("a change of rules is an event", Some(&silent), None),
        ));
    }
    // By id; of a rule that is gone with its stays.
    let mut told: BTreeMap<&str, Vec<Result<Flipped, Episode>>> = BTreeMap::new();
    values::in_order(&mut flipped, &rules, &machine.names);
    for flip in &flipped {
        let id = &rules.plan.rules[flip.rule].id;
        told.entry(id).or_default().push(Ok(*flip));
    }
    let mut gone = old.episodes.clone();
    gone.sort_unstable_by(|one, other| {
        values::text(one.value, &machine.names).cmp(&values::text(other.value, &machine.names))
    });
    for episode in &gone {
        let id = layout.ids.get(episode.rule as usize).map_or("", |id| id);
        if rules.place(id).is_none() {
            told.entry(id).or_default().push(Err(*episode));
        }
    }
    if told.is_empty() {
        return;
    }
    for (id, change) in told
        .into_iter()
        .flat_map(|(id, each)| each.into_iter().map(move |each| (id, each)))
    {
        match change {
            Ok(flip) => {
                let known = m!(
                    "an added rule has changed",
                    layout.ids.iter().any(|each| each == id),
                    true
                ) && !m!(
                    "filled rules go on",
                    layout.filled.iter().any(|each| each == id),
                    false
                );
                let reason = if !silent.has(flip.rule) {
                    Reason::Borders
                } else if known {
                    Reason::RuleChanged
                } else {
                    Reason::RuleAdded
                };
                machine.announce(customer, &flip, now, reason, None);
            }
            Err(stay) => {
                let version = layout
                    .versions
                    .get(stay.rule as usize)
                    .map_or("", |version| meaning(version));
                machine.emit_removed(customer, id, version, now, stay);
                machine.told_arm(stay.arm);
            }
        }
    }
    m!("a change moves no instant", customer.instant = now, ());
    machine.membership(customer, now);
}

/// What a rule set, whose layout is `mine`, goes on with of the streams that another layout kept.
pub fn carried(kept: &[Kept], layout: &Layout, mine: &Layout, rules: &Rules) -> Vec<Kept> {
    let taken = |place: usize, theirs: usize| {
        let stream = &mine.streams[place];
        let names = &layout.streams[theirs].columns;
        let columns: Vec<Option<usize>> = stream
            .columns
            .iter()
            .map(|name| names.iter().position(|each| each == name))
            .collect();
        let kept = converted(
            &kept[theirs],
            layout.shapes[theirs].stride(),
            &columns,
            rules.streams[place].visits,
            rules.streams[place].latest,
        );
        (kept, columns.iter().map(Option::is_some).collect::<Vec<_>>())
    };
    let carry = |place: usize| {
        let stream = &mine.streams[place];
        let same = |each: &crate::position::Kept| each.identity == stream.identity;
        let plain = layout.streams.iter().position(same);
        let filled = layout
            .filled_stream(&stream.identity)
            .filter(|_| !mine.is_filling());
        match (plain, filled) {
            (None, None) => Kept::None,
            (Some(theirs), None) | (None, Some(theirs)) => taken(place, theirs).0,
            (Some(theirs), Some(filled)) => {
                let (own, has) = taken(place, theirs);
                once(&rules.streams[place], own, &has, taken(place, filled).0)
            }
        }
    };
    (0..mine.streams.len()).map(carry).collect()
}

/// A stream with the columns that this rule set reads; what was not kept is missing.
fn converted(kept: &Kept, stride: usize, columns: &[Option<usize>], visits: bool, latest: bool) -> Kept {
    let rows = |rows: &Rows| {
        let count = rows.0.len() / stride;
        let first = if latest {
            m!("all that was kept is the latest", count.saturating_sub(1), 0)
        } else {
            0
        };
        let mut words = Vec::with_capacity((count - first) * (2 + columns.len()));
        for row in rows.0.chunks_exact(stride).skip(first) {
            words.push(row[0]);
            words.extend(columns.iter().map(|column| {
                column.map_or(NULL, |column| {
                    m!("columns are not carried", row[1 + column], NULL)
                })
            }));
            if visits {
                words.push(row[stride - 1]);
            }
        }
        Rows(words.into())
    };
    match kept {
        Kept::None => Kept::None,
        Kept::Rows(held) => Kept::Rows(rows(held)),
        Kept::Keyed(groups) => Groups::of(groups.list.iter().map(|(key, held)| (*key, rows(held))).collect()),
    }
}
