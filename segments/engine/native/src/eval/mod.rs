//! Whether leaves and rules hold at an instant, and an instant before which time alone can't change that.

mod keys;
mod shown;

pub(crate) use keys::Keys;
pub use shown::Shown;

use crate::after::{Instants, follows};
use crate::by_key::Look;
use crate::customer::{Customer, Trait};
use crate::measures::{Asked, Value};
use crate::mutants::m;
use crate::names::Names;
use crate::plan::{Bound, Measure, Operator};
use crate::reading::{self, Read};
use crate::rows::{Kept, NULL, Series};
use crate::rules::{Ask, Measured, Node, Rules, View};
use crate::split::split;
use crate::times::{BEFORE_ALL, NEVER};
use crate::values::{self, PLAIN};
use smallvec::SmallVec;
use std::cell::Cell;

/// The largest number of looks for one record or timer, many times what the largest customer needs: more are a bug
/// that would not end.
pub const STEPS: u64 = 50_000_000;

/// Rows of a view: `[instant, value]`.
pub(crate) type Seen = SmallVec<[i64; 16]>;

/// Questions to what is remembered of a customer.
pub struct Eval<'a> {
    /// The rule set.
    pub rules: &'a Rules,
    /// The texts of the partition.
    pub names: &'a Names,
    /// For each measure the instant from which it knows events; None: all of them from the beginning.
    pub known: Option<&'a [i64]>,
    /// Looks left.
    pub steps: &'a Cell<u64>,
}

impl Eval<'_> {
    /// Count a look. Panics if there were too many: that undoes the record.
    pub fn spend(&self) {
        match self.steps.get().checked_sub(1) {
            Some(left) => self.steps.set(left),
            None => panic!("more than {STEPS} looks: this would not end"),
        }
    }

    /// Whether a rule wants the customer in its segment, at one of its values, and when to look again.
    ///
    /// `begun`: since when it would let the customer in, as of the evaluation before and then of this one.
    pub fn rule(
        &self,
        place: usize,
        value: u32,
        customer: &mut Customer,
        now: i64,
        begun: &mut Option<i64>,
    ) -> Look {
        self.spend();
        let rule = &self.rules.rules[place];
        if m!("a border that is not published is met", rule.closed, false) {
            *begun = None;
            return (false, NEVER);
        }
        if !rule.stages.is_empty() {
            return self.in_stage(place, value, customer, now);
        }
        let key = match rule.for_each {
            None => None,
            Some(kind) => match values::key_of(kind, value, self.names) {
                None => return (false, NEVER),
                key => key,
            },
        };
        let inside = customer.is_in(place, value);
        if rule.for_at_least + rule.at_most_every > 0 && !inside {
            let (enters, at) = self.node(&rule.enter, key, customer, now);
            if !enters {
                *begun = None;
                return (false, at);
            }
            let lasts = *begun.get_or_insert(now) + rule.for_at_least;
            let again = customer.entered(place, value).saturating_add(rule.at_most_every);
            let ready = m!(
                "what holds back first decides",
                lasts.max(again),
                lasts.min(again)
            );
            if m!("a span is over late", now < ready, now <= ready) {
                return (false, m!("a span is not watched", at.min(ready), ready));
            }
        }
        let Some(until) = &rule.until else {
            return self.node(&rule.enter, key, customer, now);
        };
        if m!("until is asked outside only", inside, !inside) {
            let (leaves, at) = self.node(until, key, customer, now);
            if leaves {
                m!(
                    "an exit by until looks late",
                    (false, self.node(&rule.enter, key, customer, now).1),
                    (false, NEVER)
                )
            } else {
                (true, at)
            }
        } else {
            let (enters, at) = self.node(&rule.enter, key, customer, now);
            if enters {
                m!(
                    "an enter looks late",
                    (true, self.node(until, key, customer, now).1),
                    (true, NEVER)
                )
            } else {
                (false, at)
            }
        }
    }

    /// *And* turns false with the first part that does, and true not before the last one has; *or* the other way.
    pub(crate) fn node(&self, node: &Node, key: Option<i64>, customer: &mut Customer, now: i64) -> Look {
        match node {
            Node::Leaf(leaf) => self.leaf(*leaf, key, customer, now),
            Node::Not(inner) => {
                let (holds, at) = self.node(inner, key, customer, now);
                m!("not is nothing", (!holds, at), (holds, at))
            }
            Node::Combined {
                ends,
                timeless,
                timed,
            } => {
                for part in timeless {
                    if m!(
                        "timeless parts do not decide",
                        self.node(part, key, customer, now).0 == *ends,
                        false
                    ) {
                        return (*ends, NEVER);
                    }
                }
                let (mut first, mut last) = (NEVER, BEFORE_ALL);
                for part in timed {
                    let (holds, at) = self.node(part, key, customer, now);
                    if holds != *ends {
                        first = m!("the last part decides", first.min(at), first.min(at + 1));
                    } else if at >= NEVER {
                        return (*ends, NEVER);
                    } else {
                        last = m!(
                            "the first end decides",
                            last.max(at),
                            if last == BEFORE_ALL { at } else { last }
                        );
                    }
                }
                if last == BEFORE_ALL {
                    (!ends, first)
                } else {
                    m!("a part that stays does not decide", (*ends, last), (*ends, first))
                }
            }
        }
    }

    /// Whether a leaf holds, with `by` at a value if one is given, and when to look again.
    pub fn leaf(&self, number: usize, key: Option<i64>, customer: &mut Customer, now: i64) -> Look {
        let measured = match &self.rules.leaves[number].ask {
            Ask::Measured(measured) => measured,
            Ask::Calculated(calculated) => {
                let (stands, change) = self.calculation(calculated, key, customer, now);
                return (stands.holds, change);
            }
            Ask::Today(today) => return today.look(&self.rules.plan.zone, now),
            Ask::Date(dated) => {
                let (_, holds, change) = self.dated(dated, customer, now);
                return (holds, change);
            }
            _ => return (self.timeless(number, customer), NEVER),
        };
        let key = key.filter(|_| measured.by.is_some());
        if measured.offset == 0 {
            return self.measured(measured, key, customer, now);
        }
        let then = m!("ago looks at now", now - measured.offset, now);
        let (holds, mut change) = self.measured(measured, key, customer, then);
        for stream in [Some(measured.stream), measured.reset].into_iter().flatten() {
            change = m!(
                "what comes to count is not foreseen",
                change.min(self.entering(&customer.streams[stream], stream, key, then)),
                change
            );
        }
        (
            holds,
            if change < NEVER {
                m!("ago changes early", change + measured.offset, change)
            } else {
                NEVER
            },
        )
    }

    /// Whether a list of the profile has a value; None: there is no such list.
    pub fn listed(&self, name: &str, value: &str, customer: &Customer) -> Option<bool> {
        customer.profile.as_ref()?.lists(name, value)
    }

    /// Whether a leaf holds that time alone never changes.
    pub fn timeless(&self, number: usize, customer: &Customer) -> bool {
        match &self.rules.leaves[number].ask {
            Ask::Measured(_) | Ask::Calculated(_) | Ask::Date(_) | Ask::Today(_) => false,
            Ask::Inside(rule, value) => self.inside(*rule, value.as_deref(), customer),
            Ask::Split { name, start, end } => split(name, &customer.key, *start, *end),
            Ask::Consent(name) => customer
                .profile
                .as_ref()
                .and_then(|held| held.consent(name))
                .unwrap_or(false),
            Ask::List(name, value) => m!(
                "no list of a profile has anything",
                self.listed(name, value, customer) == Some(true),
                false
            ),
            Ask::Profile {
                attribute,
                operator,
                bounds,
            } => {
                let held = customer
                    .profile
                    .as_ref()
                    .and_then(|held| held.attribute(attribute));
                held.is_some_and(|value| {
                    bounds
                        .iter()
                        .any(|bound| attribute_holds(value, *operator, bound))
                })
            }
        }
    }

    /// The instant of the first event of a stream after this one, of this value if the stream has any.
    pub(crate) fn entering(&self, kept: &Kept, stream: usize, key: Option<i64>, now: i64) -> i64 {
        let stride = self.rules.streams[stream].stride;
        let first = |rows: Series| {
            let place = rows.upto(now);
            if place < rows.len() { rows.at(place) } else { NEVER }
        };
        if let (Kept::Keyed(groups), Some(key)) = (kept, key) {
            return groups.get(key).map_or(NEVER, |rows| first(rows.series(stride)));
        }
        kept.each()
            .map(|rows| first(rows.series(stride)))
            .min()
            .unwrap_or(NEVER)
    }

    fn measured(&self, measured: &Measured, key: Option<i64>, customer: &mut Customer, now: i64) -> Look {
        if let Some(key) = key {
            let (holds, change) = self.measured_at(measured, key, customer, now);
            return (holds, change.min(self.turns(measured, customer, now)));
        }
        if measured.by.is_some() {
            return self.keyed(measured, customer, now);
        }
        let turns = self.turns(measured, customer, now);
        let mut seen = Seen::new();
        match self.rows(measured, customer, now, &mut seen) {
            None => (
                m!("of nothing nothing holds", measured.kernel.nothing, false),
                turns,
            ),
            Some(rows) => {
                let floor = self.floor(measured, customer, now);
                let (holds, change) = measured.kernel.look(&Asked {
                    rows,
                    floor,
                    now,
                    names: self.names,
                });
                (holds, change.min(turns))
            }
        }
    }

    /// The rows that a leaf without `by` reads; None: nothing is there.
    pub(crate) fn rows<'b>(
        &self,
        measured: &Measured,
        customer: &'b Customer,
        now: i64,
        seen: &'b mut Seen,
    ) -> Option<Series<'b>> {
        let Kept::Rows(rows) = &customer.streams[measured.stream] else {
            return None;
        };
        let rows = rows.series(self.rules.streams[measured.stream].stride);
        let rows = cut(rows, self.upto(measured, now));
        let before = self.before(measured, customer, None);
        let rows = if measured.view.is_none() && before.is_none() {
            rows
        } else {
            for row in (0..rows.len())
                .map(|row| rows.row(row))
                .filter(|row| measured.view.as_ref().is_none_or(|view| self.is_seen(view, row)))
                .filter(|row| came_after(row, &before))
            {
                seen.extend_from_slice(&[row[0], measured.column.map_or(NULL, |column| row[column])]);
            }
            Series::new(seen, 2)
        };
        (!rows.is_empty()).then_some(rows)
    }

    /// Whether a visit passes the filter of a view, and has what it must have.
    pub fn is_seen(&self, view: &View, row: &[i64]) -> bool {
        let has = |place: &Option<usize>| place.is_none_or(|place| row[place] != NULL);
        let read = |field: &_| match view.columns.iter().position(|column| column == field) {
            Some(column) => reading::of_word(field, row[1 + column], self.names),
            None => Read::Missing,
        };
        m!("a view shows what has no key", has(&view.key), true)
            && m!("a view shows what lacks the field", has(&view.present), true)
            && view
                .filter
                .as_ref()
                .is_none_or(|test| reading::passes(test, &read))
    }

    /// Only what is later than this counts.
    #[inline]
    pub(crate) fn floor(&self, measured: &Measured, customer: &Customer, now: i64) -> i64 {
        let mut floor = match measured.during {
            None => now - measured.window,
            Some(during) => during.span(&self.rules.plan.zone, now).floor,
        };
        if let Some(known) = self.known {
            floor = floor.max(m!(
                "known an instant late",
                known[measured.known] - 1,
                known[measured.known]
            ));
        }
        match measured.reset {
            Some(reset) if !measured.same => floor.max(m!(
                "since counts its own instant",
                self.latest(measured, customer, reset, now),
                self.latest(measured, customer, reset, now) - 1
            )),
            _ => floor,
        }
    }

    /// The latest event of `since`.
    #[inline]
    fn latest(&self, measured: &Measured, customer: &Customer, reset: usize, now: i64) -> i64 {
        let Kept::Rows(rows) = &customer.streams[reset] else {
            return BEFORE_ALL;
        };
        let rows = cut(rows.series(self.rules.streams[reset].stride), then(measured, now));
        match &measured.reset_view {
            None if rows.is_empty() => BEFORE_ALL,
            None => rows.last(),
            Some(view) => {
                let found = (0..rows.len())
                    .rev()
                    .map(|row| rows.row(row))
                    .find(|row| self.is_seen(view, row));
                found.map_or(BEFORE_ALL, |row| row[0])
            }
        }
    }

    /// The instant before which time alone does not flip a segment, as of the customer's latest evaluation.
    pub fn valid_until(&self, place: usize, value: u32, customer: &mut Customer, now: i64) -> i64 {
        let own = self.flips_at(place, value, customer, now);
        let reads = &self.rules.rules[place].reads;
        reads.iter().fold(own, |instant, read| {
            m!(
                "valid_until of its own alone",
                instant.min(self.any_flips_at(*read, customer, now)),
                instant
            )
        })
    }

    /// When time alone flips a segment; of one that is not due, never: nothing need be searched.
    pub(crate) fn flips_at(&self, place: usize, value: u32, customer: &mut Customer, now: i64) -> i64 {
        let staged = !self.rules.rules[place].stages.is_empty();
        let own = if staged { PLAIN } else { value };
        let mut dues = customer.dues.iter();
        let Some(due) = dues.position(|due| due.rule as usize == place && due.value == own) else {
            return NEVER;
        };
        // Of stages one due stands for all: what is known of one of them says nothing of another.
        if customer.dues[due].exact > now && !staged {
            return customer.dues[due].exact;
        }
        let (inside, mut at) = (customer.is_in(place, value), now);
        let mut begun = customer.beginning(place, value);
        while at < NEVER {
            let (holds, after) = self.rule(place, value, customer, at, &mut begun);
            if m!("valid_until is now", holds != inside, true) {
                break;
            }
            at = after;
        }
        customer.dues[due].exact = at.min(NEVER);
        at.min(NEVER)
    }
}

/// What had happened by an instant.
#[inline]
pub(crate) fn cut(rows: Series<'_>, upto: i64) -> Series<'_> {
    if upto < NEVER {
        rows.first(rows.upto(upto))
    } else {
        rows
    }
}

/// With `ago`, the instant that is asked about.
#[inline]
pub(crate) fn then(measured: &Measured, now: i64) -> i64 {
    if measured.offset == 0 { NEVER } else { now }
}

/// Whether an event came after what it must have come after.
#[inline]
pub(crate) fn came_after(row: &[i64], before: &Option<(Instants, i64)>) -> bool {
    before
        .as_ref()
        .is_none_or(|(before, span)| m!("after is nothing", follows(row[0], before, *span), true))
}

pub(crate) fn of_nothing(measure: Measure) -> Value {
    match measure {
        Measure::Count | Measure::Distinct => Value::Number(0),
        _ => Value::Nothing,
    }
}

/// An attribute of the profile against a bound: text with text, number with number, boolean with boolean.
fn attribute_holds(value: &Trait, operator: Operator, bound: &Bound) -> bool {
    match (value, bound) {
        (Trait::Text(text), Bound::Text { value }) => operator.holds(m!(
            "texts of a profile compare the other way",
            text.as_bytes().cmp(value.as_bytes()),
            value.as_bytes().cmp(text.as_bytes())
        )),
        (Trait::Truth(truth), Bound::Boolean { value }) => operator.holds(m!(
            "booleans compare the other way",
            truth.cmp(value),
            value.cmp(truth)
        )),
        (Trait::Number(number), Bound::Number { value, rest }) => {
            match Bound::compared_with(*number, *value, *rest) {
                Some(ordering) => operator.holds(ordering),
                None => operator == Operator::Unequal,
            }
        }
        _ => false,
    }
}
