//! Watches: what comes of an enter into a segment whose rule has a goal, until the window of the goal is over.
//!
//! Events of the goal are counted as they are applied; none of them is kept. In one evaluation events of goals count
//! first, then segments flip, then outcomes are told, then watches open.
//!
//! **A merge** of two customers takes the watches of both: of two with one segment and value the one with the earlier
//! enter stays, and if their arms differ its arm is [`Arm::Mixed`]; the watches of who is absorbed have `entered_as` set
//! to that customer's id. [`Watches::merge`] does this.

use crate::aims::{Arms, Goal};
use crate::customer::Customer;
use crate::machine::{Machine, Turn};
use crate::mutants::m;
use crate::output::{Kind, Reason, SegmentOutcome};
use crate::plan::{Field, FieldKind};
use crate::position::Layout;
use crate::reading::{Read, Reading};
use crate::rules::Rules;
use crate::split::split;
use crate::sweep::meaning;
use crate::times::{BEFORE_ALL, NEVER};
use crate::values::{self, Flipped};
use crate::wire::record::{Event, Run};
use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};

/// Bytes of an open watch without its texts, as the limit counts them: the numbers that are written of it.
const WATCH_BYTES: usize = 64;

/// How a customer is treated in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// As whoever acts on the segment means to.
    Treated,
    /// Left alone.
    Control,
    /// After a merge of one of each.
    Mixed,
}

impl Arm {
    /// As events have it.
    pub fn name(self) -> &'static str {
        match self {
            Arm::Treated => "treated",
            Arm::Control => "control",
            Arm::Mixed => "mixed",
        }
    }

    /// The arm of a customer.
    pub fn of(arms: &Arms, customer: &[u8]) -> Arm {
        if split(
            &arms.experiment,
            customer,
            0,
            m!("one more is held out", arms.below, arms.below + 1),
        ) {
            Arm::Control
        } else {
            Arm::Treated
        }
    }
}

/// What came of one enter so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The rule's place.
    pub rule: u32,
    /// The value that was entered, of a segment with values.
    pub value: Option<Box<str>>,
    /// The customer id of the enter; None: the customer's own.
    pub entered_as: Option<Box<str>>,
    /// The version of the rule at the enter; None: as it is now.
    pub version: Option<Box<str>>,
    /// The sequence of the enter.
    pub episode: i64,
    /// The instant of the enter.
    pub at: i64,
    /// When it matures.
    pub until: i64,
    /// Why it was entered.
    pub reason: Reason,
    /// The arm, if the rule has a control group.
    pub arm: Option<Arm>,
    /// How many events of the goal there were.
    pub goals: u64,
    /// The instant of the first of them; `NEVER`: there was none.
    pub first: i64,
    /// Their money, in cents.
    pub revenue: i128,
    /// The first event came in the evaluation going on. Never written.
    pub fresh: bool,
}

impl Watch {
    /// Count an event, if it lies in the window.
    fn count(&mut self, at: i64, revenue: i64) {
        let after = m!("an event at the enter is a goal", self.at < at, self.at <= at);
        let before = m!(
            "an event at the end of the window is a goal",
            at < self.until,
            at <= self.until
        );
        if !(after && before) {
            return;
        }
        self.fresh |= self.goals == 0;
        self.goals += 1;
        self.first = m!("the goal told is the last", self.first.min(at), at);
        self.revenue += i128::from(revenue);
    }

    /// Bytes as the limit counts them.
    pub fn bytes(&self) -> usize {
        let texts = [&self.value, &self.entered_as, &self.version];
        WATCH_BYTES + texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
    }

    /// Whether it is the watch of this segment and value.
    fn is_of(&self, rule: u32, value: Option<&str>) -> bool {
        self.rule == rule && self.value.as_deref() == value
    }
}

/// The open watches of a customer, at most one for each segment and value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watches {
    /// In the order in which they were opened.
    pub open: Vec<Watch>,
}

impl Watches {
    /// When the first of them matures.
    pub fn first_end(&self) -> i64 {
        self.open.iter().map(|watch| watch.until).min().unwrap_or(NEVER)
    }

    /// Take in the watches of a customer who is absorbed, of this id: see the head of this file. Gives those that are
    /// dropped.
    pub fn merge(&mut self, absorbed: Watches, id: &str) -> Vec<Watch> {
        let mut dropped = Vec::new();
        for mut theirs in absorbed.open {
            theirs.entered_as.get_or_insert_with(|| id.into());
            let same = |watch: &&mut Watch| watch.is_of(theirs.rule, theirs.value.as_deref());
            let Some(mine) = self.open.iter_mut().find(same) else {
                self.open.push(theirs);
                continue;
            };
            let arm = if mine.arm == theirs.arm {
                mine.arm
            } else {
                Some(Arm::Mixed)
            };
            let mut later = theirs;
            if later.at < mine.at {
                std::mem::swap(mine, &mut later);
            }
            mine.arm = arm;
            dropped.push(later);
        }
        dropped
    }
}

/// Why an open watch was dropped before it matured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The customer was erased.
    Erasure,
    /// The rule is gone.
    RuleRemoved,
    /// The rule has another goal, revenue, control or experiment.
    GoalChanged,
}

impl Dropped {
    /// As metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Dropped::Erasure => "erasure",
            Dropped::RuleRemoved => "rule_removed",
            Dropped::GoalChanged => "goal_changed",
        }
    }
}

impl Machine {
    /// The arm of a customer in the experiment of a rule.
    pub fn arm(&self, place: usize, customer: &[u8]) -> Option<Arm> {
        let arms = self.rules.plan.rules[place].aim.as_ref()?.arms.as_ref()?;
        Some(Arm::of(arms, customer))
    }

    fn goal(&self, rule: u32) -> Option<&Goal> {
        self.rules.plan.rules[rule as usize].aim.as_ref()?.goal.as_ref()
    }

    /// Count an event for the watches that wait for it.
    pub fn see_event(&self, customer: &mut Customer, turn: Turn, event: &Event) {
        let Some(watches) = &mut customer.watches else {
            return;
        };
        let run = turn.run;
        let kind = event.kind.of(&run.data).unwrap_or_default();
        let money = m!(
            "revenue counts in any currency",
            turn.in_currency(event, &self.rules.plan),
            true
        );
        let mut reading = Reading::of(turn, event, money, &self.rules.plan.zone);
        for watch in &mut watches.open {
            let Some(goal) = self.goal(watch.rule) else {
                continue;
            };
            if !goal.takes(turn.topic, kind) {
                continue;
            }
            if goal.lines {
                for item in run.items(event) {
                    reading.item = Some(item);
                    see(watch, goal, &reading);
                }
                reading.item = None;
            } else {
                see(watch, goal, &reading);
            }
        }
    }

    /// Count a flip for the watches that wait for it.
    pub fn see_flip(&self, customer: &mut Customer, flip: &Flipped, now: i64) {
        let Some(watches) = &mut customer.watches else {
            return;
        };
        let reading = Reading {
            run: &Run::default(),
            event: &Event::BLANK,
            item: None,
            value: values::text(flip.value, &self.names),
            at: now,
            money: false,
            zone: &self.rules.plan.zone,
        };
        for watch in &mut watches.open {
            let hears = |goal: &&Goal| goal.hears(flip.rule, flip.enters);
            if let Some(goal) = self.goal(watch.rule).filter(hears) {
                see(watch, goal, &reading);
            }
        }
    }

    /// Tell which watches saw the first event of their goal in this evaluation, and which ones mature at its instant.
    pub fn settle(&mut self, customer: &mut Customer, now: i64) {
        let Some(mut watches) = customer.watches.take() else {
            return;
        };
        let over = |watch: &Watch| m!("a watch matures late", watch.until <= now, watch.until < now);
        if watches.open.iter().any(|watch| watch.fresh || over(watch)) {
            let rules = self.rules.clone();
            let rank = |watch: &Watch| rules.rules[watch.rule as usize].rank;
            // A watch that a merge brought may have matured before this instant.
            let fresh = watches.open.iter().filter(|watch| watch.fresh);
            let due = watches.open.iter().filter(|watch| over(watch));
            let mut told: Vec<(i64, Kind, &Watch)> = fresh
                .map(|watch| (now, Kind::Converted, watch))
                .chain(due.map(|watch| (watch.until, Kind::Matured, watch)))
                .collect();
            told.sort_by(|one, other| {
                let place = (one.0, rank(one.2), &one.2.value, one.1);
                place.cmp(&(other.0, rank(other.2), &other.2.value, other.1))
            });
            for (at, kind, watch) in told {
                self.tell_outcome(customer, watch, kind, at);
                if kind == Kind::Matured {
                    self.watching(watch.rule, -1);
                    customer.instant = m!("what matures moves no instant", now, customer.instant);
                }
            }
            for watch in &mut watches.open {
                watch.fresh = false;
            }
            m!(
                "a watch matures twice",
                watches.open.retain(|watch| !over(watch)),
                ()
            );
        }
        if !watches.open.is_empty() {
            customer.watches = Some(watches);
        }
    }

    /// Watch what comes of an enter, unless a watch of the same segment and value is open.
    pub fn watch(
        &mut self,
        customer: &mut Customer,
        flip: &Flipped,
        (episode, at): (i64, i64),
        reason: Reason,
        arm: Option<Arm>,
    ) {
        let rule = flip.rule as u32;
        let Some(window) = self.goal(rule).map(|goal| goal.window) else {
            return;
        };
        let value = values::text(flip.value, &self.names).and_then(|text| str::from_utf8(text).ok());
        let watches = customer.watches.get_or_insert_default();
        let open = watches.open.iter().any(|watch| watch.is_of(rule, value));
        if m!("every enter opens a watch", open, false) {
            return;
        }
        let watch = Watch {
            rule,
            value: value.map(Into::into),
            entered_as: None,
            version: None,
            episode,
            at,
            until: at.saturating_add(window),
            reason,
            arm,
            goals: 0,
            first: NEVER,
            revenue: 0,
            fresh: false,
        };
        customer.entries += 1;
        customer.weight += watch.bytes();
        (customer.full_from, customer.full_until) = (BEFORE_ALL, BEFORE_ALL);
        customer.next = customer.next.min(watch.until);
        watches.open.push(watch);
        self.watching(rule, 1);
    }

    /// Drop all open watches of a customer.
    pub fn drop_watches(&mut self, customer: &mut Customer, why: Dropped) {
        for watch in customer
            .watches
            .take()
            .into_iter()
            .flat_map(|watches| watches.open)
        {
            let id = self.rules.plan.rules[watch.rule as usize].id.clone();
            self.drop_one(&id, why);
        }
    }

    /// Take in the watches of a customer who is absorbed: they are counted as open here from now on.
    pub fn merge_watches(&mut self, customer: &mut Customer, theirs: &Customer) {
        let Some(absorbed) = theirs.watches.as_deref().cloned() else {
            return;
        };
        self.count_watches(theirs, 1);
        let id = theirs.name().to_owned();
        for dropped in customer.watches.get_or_insert_default().merge(absorbed, &id) {
            self.watching(dropped.rule, -1);
        }
    }

    /// Count the open watches of a customer in, or out.
    pub fn count_watches(&mut self, customer: &Customer, each: i64) {
        for watch in customer.watches.iter().flat_map(|watches| &watches.open) {
            self.watching(watch.rule, each);
        }
    }

    /// Note of one that was open and is dropped.
    pub fn drop_one(&mut self, id: &str, why: Dropped) {
        self.members.watch(id, -1);
        let segment = self.out.put(id.as_bytes());
        self.out.dropped.push((segment, why));
    }

    /// What another rule set watched goes on where the rule has the same goal, revenue, control and experiment.
    pub fn carry_watches(&mut self, customer: &mut Customer, layout: &Layout) {
        let rules = self.rules.clone();
        for (id, why) in carry(customer, layout, &rules) {
            self.drop_one(&id, why);
        }
    }

    fn watching(&mut self, rule: u32, more: i64) {
        let rules = self.rules.clone();
        self.members.watch(&rules.plan.rules[rule as usize].id, more);
    }

    fn tell_outcome(&mut self, customer: &Customer, watch: &Watch, kind: Kind, now: i64) {
        let rules = self.rules.clone();
        let rule = &rules.plan.rules[watch.rule as usize];
        let Some((aim, goal)) = rule.aim.as_ref().and_then(|aim| Some((aim, aim.goal.as_ref()?))) else {
            return;
        };
        let entered_as = watch.entered_as.as_deref().map_or(&*customer.key, str::as_bytes);
        let value = watch.value.as_deref().unwrap_or_default();
        let out = &mut self.out;
        let told = SegmentOutcome {
            id: outcome_id(&customer.key, entered_as, &rule.id, value, watch, kind),
            customer: out.put(&customer.key),
            entered_as: out.put(entered_as),
            rule: watch.rule,
            version: watch
                .version
                .as_deref()
                .map(|version| out.put(version.as_bytes())),
            value: watch.value.as_deref().map(|value| out.put(value.as_bytes())),
            episode: watch.episode,
            kind,
            reason: watch.reason,
            arm: aim.arms.as_ref().and(watch.arm).map(Arm::name),
            entered_at: watch.at,
            first_goal_at: (watch.first < NEVER).then_some(watch.first),
            at: now,
            goals: watch.goals,
            revenue: goal.revenue.as_ref().map(|_| watch.revenue),
        };
        out.segment_outcomes.push(told);
    }
}

/// Have the watches of a customer go on under other rules than those of a layout. Gives those that are dropped.
pub fn carry(customer: &mut Customer, layout: &Layout, rules: &Rules) -> Vec<(String, Dropped)> {
    let (mut kept, mut dropped) = (Watches::default(), Vec::new());
    for mut watch in customer
        .watches
        .take()
        .into_iter()
        .flat_map(|watches| watches.open)
    {
        let before = watch.rule as usize;
        let id = layout.ids.get(before).map_or("", |id| id);
        let Some(now) = rules.place(id) else {
            dropped.push((id.to_owned(), Dropped::RuleRemoved));
            continue;
        };
        let rule = &rules.plan.rules[now];
        let aim = rule.aim.as_ref().map_or("", |aim| &aim.identity);
        let same = layout.aims.get(before).is_some_and(|held| held == aim);
        if !m!("a watch goes on with another goal", same, rule.aim.is_some()) {
            dropped.push((id.to_owned(), Dropped::GoalChanged));
            continue;
        }
        let version = layout.versions.get(before).map_or("", |version| meaning(version));
        if watch.version.is_none() && version != rule.version {
            watch.version = Some(version.into());
        }
        watch.rule = now as u32;
        kept.open.push(watch);
    }
    customer.watches = (!kept.open.is_empty()).then(|| Box::new(kept));
    dropped
}

/// Count an event, or a line of one, if it passes.
fn see(watch: &mut Watch, goal: &Goal, reading: &Reading) {
    let passes = goal.filter.as_ref().is_none_or(|filter| reading.passes(filter));
    let same = goal.key.as_ref().is_none_or(|key| has_value(watch, key, reading));
    if !m!("a goal is not filtered", passes, true) || !m!("a goal is of any value", same, true) {
        return;
    }
    let money = |field| match reading.read(field) {
        Read::Number(cents) if field.kind == FieldKind::Money => cents,
        _ => 0,
    };
    watch.count(reading.at, goal.revenue.as_ref().map_or(0, money));
}

/// Whether a field of an event has the value that was entered.
fn has_value(watch: &Watch, key: &Field, reading: &Reading) -> bool {
    let Some(value) = watch.value.as_deref() else {
        return false;
    };
    match reading.read(key) {
        Read::Missing => false,
        Read::Text(text) => *text == *value.as_bytes(),
        Read::Number(number) => values::number_of(key.kind, value) == Some(number),
    }
}

/// The same outcome has the same id in every run.
fn outcome_id(
    customer: &[u8],
    entered_as: &[u8],
    segment: &str,
    value: &str,
    watch: &Watch,
    kind: Kind,
) -> [u8; 16] {
    let (episode, at) = (watch.episode.to_string(), watch.at.to_string());
    let mut hash = Blake2b::<U16>::new();
    for part in [
        customer,
        entered_as,
        segment.as_bytes(),
        value.as_bytes(),
        episode.as_bytes(),
        at.as_bytes(),
    ] {
        hash.update(part);
        hash.update(b"\0");
    }
    hash.update(kind.name().as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(rule: u32, at: i64, arm: Arm) -> Watch {
        Watch {
            rule,
            value: None,
            entered_as: None,
            version: None,
            episode: 1,
            at,
            until: at + 100,
            reason: Reason::Event,
            arm: Some(arm),
            goals: 0,
            first: NEVER,
            revenue: 0,
            fresh: false,
        }
    }

    /// The two ends of the window do not count; a late event can be the first one.
    #[test]
    fn counts_within_the_window() {
        let mut seen = watch(0, 10, Arm::Treated);
        for (at, cents) in [(10, 1), (50, 20), (11, 300), (109, 4_000), (110, 50_000)] {
            seen.count(at, cents);
        }
        assert_eq!(
            (seen.goals, seen.first, seen.revenue, seen.fresh),
            (3, 11, 4_320, true)
        );
    }

    /// In a merge the earlier enter stays, arms that differ are mixed, and who entered is remembered.
    #[test]
    fn merges() {
        let mut mine = Watches {
            open: vec![watch(1, 10, Arm::Treated), watch(2, 10, Arm::Treated)],
        };
        let theirs = Watches {
            open: vec![watch(2, 5, Arm::Control), watch(3, 7, Arm::Control)],
        };
        let dropped = mine.merge(theirs, "ann");
        let told = |each: &Watch| (each.rule, each.at, each.arm, each.entered_as.clone());
        let found: Vec<_> = mine.open.iter().map(told).collect();
        let ann = || Some(Box::from("ann"));
        assert_eq!(
            found,
            [
                (1, 10, Some(Arm::Treated), None),
                (2, 5, Some(Arm::Mixed), ann()),
                (3, 7, Some(Arm::Control), ann())
            ]
        );
        assert_eq!((dropped.len(), dropped[0].at, mine.first_end()), (1, 10, 105));
    }
}
