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
use crate::sources;
use crate::times::BEFORE_ALL;
use crate::values::{self, Flipped};
use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

/// The customers whom another rule set left behind.
pub struct Sweep {
    /// Their keys, the last in order first.
    pub left: Vec<Arc<[u8]>>,
    /// The keys of those of whom nothing changed, in order: their states stay as they are.
    pub unchanged: Vec<Arc<[u8]>>,
    /// By the number of a layout that was met, and whether a source of profiles is gone: what goes on, found once for all
    /// customers.
    going: BTreeMap<(u64, bool), Going>,
}

impl Sweep {
    /// Of these customers, in any order.
    pub fn new(left: Vec<Arc<[u8]>>) -> Sweep {
        Sweep {
            left: last_first(left),
            unchanged: Vec::new(),
            going: BTreeMap::new(),
        }
    }

    /// Take over a customer: what `take_over` does.
    pub fn take_over(
        &mut self,
        key: Arc<[u8]>,
        data: &[u8],
        find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
        position: &Position,
        machine: &mut Machine,
    ) -> Result<Customer, StateError> {
        let number = codec::header(data)?.layout;
        let layout = layout_of(position, number)?;
        let old = codec::decode(key, data, &layout.shapes, &mut machine.names, find)?;
        let lost = lost_source(&old, &machine.rules);
        let going = match self.going.entry((number, lost)) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => {
                let mine = layout_of(position, position.current)?;
                let mut going = Going::of(layout, mine, &machine.rules);
                if m!("what a removed source told changes nothing", lost, false) {
                    let told = profiled(&machine.rules);
                    going.same.drop(&told);
                    going.moved.drop(&told);
                }
                free.insert(going)
            }
        };
        take_over(old, layout, position, machine, going)
    }
}

/// Keys in order, the last first. What all begin with says nothing: they are told apart by the eight bytes behind it, and
/// compared as a whole where these are the same.
fn last_first(keys: Vec<Arc<[u8]>>) -> Vec<Arc<[u8]>> {
    let first = keys.first().cloned().unwrap_or_default();
    let shared = keys.iter().fold(first.len(), |shared, key| {
        let both = first[..shared].iter().zip(key.iter());
        both.take_while(|(one, other)| one == other).count()
    });
    let begins = |key: &[u8]| {
        let mut bytes = [0; 8];
        let end = key.len().min(shared + 8);
        bytes[..end - shared].copy_from_slice(&key[shared..end]);
        u64::from_be_bytes(bytes)
    };
    let mut keyed: Vec<(u64, Arc<[u8]>)> = keys.into_iter().map(|key| (begins(&key), key)).collect();
    keyed.sort_unstable_by(|one, other| other.cmp(one));
    keyed.into_iter().map(|each| each.1).collect()
}

/// Whether a source has told something of a customer that is none of this rule set.
fn lost_source(customer: &Customer, rules: &Rules) -> bool {
    let mut told = customer.sources.iter().flat_map(|sources| sources.iter());
    told.any(|source| *source.topic != *sources::PROFILES && !is_source(rules, &source.topic))
}

/// The rules that read the profile, directly or through others.
fn profiled(rules: &Rules) -> Bits {
    let mut found = rules.of_profile.clone();
    for (place, rule) in rules.plan.rules.iter().enumerate() {
        if rule.reads.iter().any(|read| found.has(*read)) {
            found.insert(place);
        }
    }
    found
}

fn is_source(rules: &Rules, topic: &str) -> bool {
    rules.plan.sources().any(|source| source == topic)
}

/// First what goes on fires what is due before the clock, or the deployment; then what changed flips, in one evaluation.
fn take_over(
    old: Customer,
    layout: &Layout,
    position: &Position,
    machine: &mut Machine,
    going: &Going,
) -> Result<Customer, StateError> {
    let clock = position.since();
    let gone = old.episodes.clone();
    let mut customer = carried_customer(old, &machine.rules, going);
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
    flip_changed(&mut customer, gone, layout, machine, now, going);
    Ok(customer)
}

/// A layout by its number.
pub fn layout_of(position: &Position, number: u64) -> Result<&Layout, StateError> {
    position
        .layouts
        .get(&number)
        .ok_or_else(|| StateError::new(format!("layout {number} is unknown")))
}

/// What becomes of the rules of this rule set, and of what was kept for others.
pub struct Going {
    /// Those that go on as they were.
    same: Bits,
    /// Those that mean the same, and are compared with other borders.
    moved: Bits,
    /// By the places of the rules before: those that they have now, if they are still there.
    places: Vec<Option<usize>>,
    /// By the numbers of the streams.
    ways: Vec<Way>,
}

/// Where a stream comes from.
struct Way {
    kept: Option<Source>,
    /// What was filled in its place.
    filled: Option<Source>,
}

/// A stream of a layout, and where its columns are found.
struct Source {
    number: usize,
    stride: usize,
    columns: Vec<Option<usize>>,
    /// Whether its rows are as they are to be.
    same: bool,
}

impl Going {
    /// By two layouts; `rules` are those of `mine`.
    pub fn of(layout: &Layout, mine: &Layout, rules: &Rules) -> Going {
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
        let places = layout.ids.iter().map(|id| rules.place(id)).collect();
        let ways = (0..mine.streams.len())
            .map(|place| Way::of(place, layout, mine, rules))
            .collect();
        Going {
            same,
            moved,
            places,
            ways,
        }
    }

    /// Where a rule is now.
    fn place(&self, before: u32) -> Option<usize> {
        self.places.get(before as usize).copied().flatten()
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
pub fn carried_customer(mut old: Customer, rules: &Rules, going: &Going) -> Customer {
    let place = |before: u32| going.place(before);
    let (kept, episodes) = (
        std::mem::take(&mut old.streams),
        std::mem::take(&mut old.episodes),
    );
    let (dues, back) = (std::mem::take(&mut old.dues), old.held_back.take());
    let mut customer = Customer {
        streams: carried(kept, going, rules).into(),
        inside: Bits::default(),
        holding_keys: Vec::new(),
        ..old
    };
    sources::keep(&mut customer, |topic| is_source(rules, topic));
    (customer.sealed, customer.at) = (BEFORE_ALL, BEFORE_ALL);
    customer.weight = usize::MAX >> 1;
    for episode in &episodes {
        if let Some(now) = place(episode.rule) {
            customer.episodes.push(Episode {
                rule: now as u32,
                ..*episode
            });
            customer.inside.insert(now);
        }
    }
    for due in &dues {
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
    customer.held_back = held_back(back.as_deref(), &customer, rules, going);
    let told = customer.details.take();
    let kept = told.iter().flat_map(|kept| kept.iter());
    let carried = kept.filter_map(|kept| {
        let rule = place(kept.rule)? as u32;
        Some(details::KeptDetails { rule, ..kept.clone() })
    });
    let carried: Vec<details::KeptDetails> = carried.collect();
    customer.details = (!carried.is_empty()).then(|| Box::new(carried));
    customer
}

/// What holds the customer back goes on by the ids of rules: enters that still count, whatever the version, and the
/// beginnings of the rules that go on.
fn held_back(
    old: Option<&HeldBack>,
    carried: &Customer,
    rules: &Rules,
    going: &Going,
) -> Option<Box<HeldBack>> {
    let (place, same) = (|before: u32| going.place(before), going.alike());
    let mut found = HeldBack::default();
    let counting = old.iter().flat_map(|back| back.counting(carried.instant));
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
    for beginning in old.iter().flat_map(|back| &back.beginnings) {
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
    mut gone: Vec<Episode>,
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
    gone.retain(|episode| going.place(episode.rule).is_none());
    gone.sort_unstable_by(|one, other| {
        values::text(one.value, &machine.names).cmp(&values::text(other.value, &machine.names))
    });
    for episode in &gone {
        let id = layout.ids.get(episode.rule as usize).map_or("", |id| id);
        told.entry(id).or_default().push(Err(*episode));
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

/// What a rule set goes on with of the streams that another layout kept.
fn carried(kept: Box<[Kept]>, going: &Going, rules: &Rules) -> Vec<Kept> {
    let mut kept = kept.into_vec();
    let mut taken = |source: &Source, place: usize| {
        let stream = &rules.streams[place];
        let found = std::mem::take(&mut kept[source.number]);
        if source.same {
            return found;
        }
        converted(
            &found,
            source.stride,
            &source.columns,
            stream.visits,
            stream.latest,
        )
    };
    let mut carry = |(place, way): (usize, &Way)| {
        let own = way.kept.as_ref().map(|source| taken(source, place));
        let filled = way.filled.as_ref().map(|source| taken(source, place));
        match (own, filled, &way.kept) {
            (Some(own), Some(filled), Some(source)) => {
                let has: Vec<bool> = source.columns.iter().map(Option::is_some).collect();
                once(&rules.streams[place], own, &has, filled)
            }
            (own, filled, _) => own.or(filled).unwrap_or_default(),
        }
    };
    going.ways.iter().enumerate().map(&mut carry).collect()
}

impl Way {
    fn of(place: usize, layout: &Layout, mine: &Layout, rules: &Rules) -> Way {
        let stream = &mine.streams[place];
        let source = |number: usize| {
            let names = &layout.streams[number].columns;
            let columns: Vec<Option<usize>> = stream
                .columns
                .iter()
                .map(|name| names.iter().position(|each| each == name))
                .collect();
            let alike = layout.streams[number].columns == stream.columns;
            Source {
                number,
                stride: layout.shapes[number].stride(),
                same: alike && layout.shapes[number].latest == rules.streams[place].latest,
                columns,
            }
        };
        let same = |each: &crate::position::Kept| each.identity == stream.identity;
        let filled = layout.filled_stream(&stream.identity);
        Way {
            kept: layout.streams.iter().position(same).map(source),
            filled: filled.filter(|_| !mine.is_filling()).map(source),
        }
    }
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
