//! Segments with values: one rule asked at many values, or a segment whose value is a stage.
//!
//! A customer is in such a segment once for each value. A value is known by the number of its text in
//! [`Names`]; a rule is asked at the *key*, the word that the streams have in its place: of a text the same number.
//! An event looks at its own value alone: [`Met`].

use crate::customer::{Customer, Episode};
use crate::eval::{Eval, Seen, came_after, cut, of_nothing, then};
use crate::evidence::write_key;
use crate::machine::Machine;
use crate::measures::{self, Asked};
use crate::mutants::m;
use crate::names::Names;
use crate::plan::FieldKind;
use crate::rows::{Kept, NULL, Series};
use crate::rules::{Ask, Measured, Rules};
use crate::times::{BEFORE_ALL, NEVER};
use crate::{bits::Bits, by_key::Look};
use smallvec::SmallVec;

/// No value: of a segment without values.
pub const PLAIN: u32 = u32::MAX;

/// The largest number of values of one segment in which a customer is at once.
pub const MOST: usize = 100;

/// An enter or an exit that was found and is not announced yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flipped {
    /// The rule's place.
    pub rule: usize,
    /// The number of the value's text, or [`PLAIN`].
    pub value: u32,
    /// Whether the segment is entered.
    pub enters: bool,
    /// The stay that ends, if it was taken out already.
    pub left: Option<Episode>,
}

/// In the order of their announcement: by id, within a segment exits before enters, then by value.
pub fn in_order(flipped: &mut [Flipped], rules: &Rules, names: &Names) {
    flipped.sort_unstable_by(|one, other| {
        let rank = |each: &Flipped| {
            (
                rules.rules[each.rule].rank,
                m!("enters go first", each.enters, !each.enters),
            )
        };
        rank(one)
            .cmp(&rank(other))
            .then_with(|| text(one.value, names).cmp(&text(other.value, names)))
    });
}

/// The text of a value; None of [`PLAIN`], which comes before all texts.
pub fn text(value: u32, names: &Names) -> Option<&[u8]> {
    (value != PLAIN).then(|| names.text(value.into()))
}

/// The key of a value; None: a text that is no value of this kind.
pub fn key_of(kind: FieldKind, value: u32, names: &Names) -> Option<i64> {
    if kind == FieldKind::Text {
        return (value != PLAIN).then_some(value.into());
    }
    number_of(kind, std::str::from_utf8(text(value, names)?).ok()?)
}

/// The number that the text of a value stands for, as fields of this kind have it.
pub fn number_of(kind: FieldKind, text: &str) -> Option<i64> {
    let digits = match kind {
        FieldKind::Money => 2,
        FieldKind::Decimal => 6,
        _ => 0,
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > digits {
        return None;
    }
    let scaled = format!("{whole}{part:0<digits$}");
    scaled.parse().ok()
}

/// The number of the text of a key.
pub fn value_of(kind: FieldKind, key: i64, names: &mut Names) -> u32 {
    if kind == FieldKind::Text {
        return key as u32;
    }
    let mut text = Vec::new();
    write_key(Some(kind), key, names, &mut text);
    names.intern(&text) as u32
}

/// At which keys an event may flip the rules that are asked at each of theirs.
#[derive(Clone, Debug, Default)]
pub struct Met(SmallVec<[(u32, i64); 8]>);

impl Met {
    /// One key of a rule; [`NULL`]: any of them.
    #[inline]
    pub fn add(&mut self, rule: u32, key: i64) {
        if !self.0.contains(&(rule, key)) {
            self.0.push((rule, key));
        }
    }

    /// Any key of these rules.
    pub fn add_all(&mut self, touched: &Bits, rules: &Rules) {
        if !rules.for_each.is_empty() {
            for rule in touched.within(&rules.for_each).iter() {
                self.add(rule as u32, NULL);
            }
        }
    }

    /// Nothing.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn of(&self, rule: usize) -> impl Iterator<Item = i64> + '_ {
        self.0
            .iter()
            .filter(move |each| each.0 as usize == rule)
            .map(|each| each.1)
    }
}

impl Customer {
    /// Whether the customer is in a segment, at one of its values.
    #[inline]
    pub fn is_in(&self, rule: usize, value: u32) -> bool {
        if value == PLAIN {
            return self.inside.has(rule);
        }
        self.inside.has(rule) && self.stays(rule).any(|stay| stay.value == value)
    }

    /// The stays in a segment.
    pub fn stays(&self, rule: usize) -> impl Iterator<Item = &Episode> {
        self.episodes
            .iter()
            .filter(move |episode| episode.rule as usize == rule)
    }

    /// The values that something is remembered of beside events.
    pub fn values(&self) -> impl Iterator<Item = u32> {
        let (stays, dues) = (self.episodes.iter(), self.dues.iter());
        let enters = self.held_back.iter().flat_map(|back| &back.enters);
        let begun = self.held_back.iter().flat_map(|back| &back.beginnings);
        let found = stays.map(|stay| stay.value).chain(dues.map(|due| due.value));
        let found = found.chain(enters.map(|enter| enter.value));
        let found = found.chain(begun.map(|begun| begun.value));
        found.filter(|value| *value != PLAIN)
    }

    /// Enter a segment at a value; the `sequence` is set later.
    fn enter_at(&mut self, rule: usize, value: u32, at: i64) {
        self.episodes.push(Episode {
            rule: rule as u32,
            value,
            sequence: 0,
            at,
            arm: None,
        });
        self.inside.insert(rule);
        self.entries += 1;
        self.weight += crate::limit::ENTRY_BYTES;
    }

    /// Leave a segment at a value.
    fn leave_at(&mut self, rule: usize, value: u32) -> Option<Episode> {
        let mut stays = self.episodes.iter();
        let place = stays.position(|stay| stay.rule as usize == rule && stay.value == value)?;
        let left = self.episodes.remove(place);
        if self.stays(rule).next().is_none() {
            self.inside.remove(rule);
        }
        (self.full_from, self.full_until) = (BEFORE_ALL, BEFORE_ALL);
        Some(left)
    }
}

impl Eval<'_> {
    /// Whether the customer is in a segment, at this value or, without one, at any.
    pub fn inside(&self, rule: usize, value: Option<&[u8]>, customer: &Customer) -> bool {
        customer.inside.has(rule)
            && value.is_none_or(|value| {
                let at = |stay: &Episode| text(stay.value, self.names) == Some(value);
                m!(
                    "one value is as good as another",
                    customer.stays(rule).any(at),
                    true
                )
            })
    }

    /// The number of the first stage that holds, and when to look again.
    pub fn stage(&self, place: usize, customer: &mut Customer, now: i64) -> (Option<usize>, i64) {
        let mut change = NEVER;
        if self.rules.rules[place].closed {
            return (None, NEVER);
        }
        for (stage, (_, when)) in self.rules.rules[place].stages.iter().enumerate() {
            let (holds, at) = self.node(when, None, customer, now);
            change = m!("a stage is not left for an earlier one", change.min(at), at);
            if holds {
                return (Some(stage), change);
            }
        }
        (None, change)
    }

    /// Whether the customer belongs in the stage of this name, or in any, and when to look again.
    pub fn in_stage(&self, place: usize, value: u32, customer: &mut Customer, now: i64) -> Look {
        let (stage, change) = self.stage(place, customer, now);
        let name = stage.map(|stage| &*self.rules.rules[place].stages[stage].0);
        (
            name.is_some() && (value == PLAIN || name == text(value, self.names)),
            change,
        )
    }

    /// When time alone flips a segment, at any of its values.
    pub fn any_flips_at(&self, place: usize, customer: &mut Customer, now: i64) -> i64 {
        let rule = &self.rules.rules[place];
        if rule.for_each.is_none() {
            let stay = customer.stays(place).next().map_or(PLAIN, |stay| stay.value);
            return self.flips_at(place, stay, customer, now);
        }
        let dues = customer.dues.iter().filter(|due| due.rule as usize == place);
        let values: SmallVec<[u32; 16]> = dues.map(|due| due.value).collect();
        let each = values
            .into_iter()
            .map(|value| self.flips_at(place, value, customer, now));
        each.min().unwrap_or(NEVER)
    }

    /// Whether a leaf with `by` holds at one key, asked as if `where` stood in its place, and when to look again.
    pub fn measured_at(&self, measured: &Measured, key: i64, customer: &Customer, now: i64) -> Look {
        self.spend();
        let mut seen = Seen::new();
        match self.rows_at(measured, key, customer, now, &mut seen) {
            None => (measured.kernel.nothing, NEVER),
            Some((rows, floor)) => measured.kernel.look(&Asked {
                rows,
                floor,
                now,
                names: self.names,
            }),
        }
    }

    /// What a measure with `by` comes to at one key.
    pub fn value_at(&self, measured: &Measured, key: i64, customer: &Customer, now: i64) -> measures::Value {
        let mut seen = Seen::new();
        match self.rows_at(measured, key, customer, now, &mut seen) {
            None => of_nothing(measured.measure),
            Some((rows, floor)) => {
                let asked = Asked {
                    rows,
                    floor,
                    now,
                    names: self.names,
                };
                measured.kernel.value(measured.measure, &asked)
            }
        }
    }

    /// The rows that a measure with `by` reads at one key, and its floor; None: nothing is there.
    pub(crate) fn rows_at<'b>(
        &self,
        measured: &Measured,
        key: i64,
        customer: &'b Customer,
        now: i64,
        seen: &'b mut Seen,
    ) -> Option<(Series<'b>, i64)> {
        let rows = self.kept_at(measured.stream, key, self.upto(measured, now), customer)?;
        let before = self.before(measured, customer, Some(key));
        let rows = if measured.view.is_none() && before.is_none() {
            rows
        } else {
            let view = measured.view.as_ref();
            let of_key = |row: &[i64]| {
                view.is_none_or(|view| {
                    self.is_seen(view, row) && view.key.is_none_or(|place| row[place] == key)
                })
            };
            for row in (0..rows.len()).map(|row| rows.row(row)) {
                if of_key(row) && came_after(row, &before) {
                    seen.extend_from_slice(&[row[0], measured.column.map_or(NULL, |column| row[column])]);
                }
            }
            Series::new(seen, 2)
        };
        let mut floor = self.floor(measured, customer, now);
        if let Some(reset) = measured.reset.filter(|_| measured.same)
            && let Some(resets) = self.kept_at(reset, key, then(measured, now), customer)
        {
            let latest = match &measured.reset_view {
                None if resets.is_empty() => None,
                None => Some(resets.last()),
                Some(view) => {
                    let rows = (0..resets.len()).rev().map(|row| resets.row(row));
                    let of_key = |row: &&[i64]| {
                        self.is_seen(view, row) && view.key.is_none_or(|place| row[place] == key)
                    };
                    rows.into_iter().find(of_key).map(|row| row[0])
                }
            };
            floor = floor.max(latest.unwrap_or(BEFORE_ALL));
        }
        (!rows.is_empty()).then_some((rows, floor))
    }

    /// The rows of a key, or all of a stream that has none.
    fn kept_at<'b>(&self, stream: usize, key: i64, upto: i64, customer: &'b Customer) -> Option<Series<'b>> {
        let stride = self.rules.streams[stream].stride;
        let rows = match &customer.streams[stream] {
            Kept::None => return None,
            Kept::Rows(rows) => rows.series(stride),
            Kept::Keyed(groups) => groups.get(key)?.series(stride),
        };
        Some(cut(rows, upto))
    }

    /// The keys of the events that a rule with values may be asked at.
    pub fn keys_of(&self, place: usize, customer: &Customer) -> Vec<i64> {
        let mut found = Vec::new();
        for leaf in &self.rules.rules[place].leaves {
            for part in measured_in(&self.rules.leaves[*leaf].ask) {
                if part.by.is_none() {
                    continue;
                }
                match (&customer.streams[part.stream], &part.view) {
                    (Kept::Keyed(groups), _) => found.extend(groups.list.iter().map(|group| group.0)),
                    (Kept::Rows(rows), Some(view)) => {
                        let rows = rows.0.chunks_exact(self.rules.streams[part.stream].stride);
                        let keys = rows.filter_map(|row| view.key.map(|place| row[place]));
                        found.extend(keys.filter(|key| *key != NULL));
                    }
                    _ => {}
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The measures of a leaf.
fn measured_in(ask: &Ask) -> &[Measured] {
    match ask {
        Ask::Measured(measured) => std::slice::from_ref(measured),
        Ask::Calculated(calculated) => &calculated.parts,
        _ => &[],
    }
}

/// What an evaluation found of one rule at its values.
#[derive(Default)]
struct Found {
    exits: SmallVec<[u32; 4]>,
    enters: SmallVec<[(u32, Option<i64>); 4]>,
}

impl Machine {
    /// Find at which values a rule flips: of those that were met, and of those that are due.
    pub fn flip_values(
        &mut self,
        customer: &mut Customer,
        place: usize,
        now: i64,
        flipped: &mut SmallVec<[Flipped; 8]>,
    ) {
        let Some(kind) = self.rules.rules[place].for_each else {
            return;
        };
        let mut values: SmallVec<[u32; 8]> = SmallVec::new();
        let whole = self.met.of(place).any(|key| key == NULL);
        if whole {
            values = self.every_value(customer, place, kind);
        } else {
            let met: SmallVec<[i64; 8]> = self.met.of(place).collect();
            values.extend(met.into_iter().map(|key| value_of(kind, key, &mut self.names)));
            let due = customer.dues.iter();
            let due = due.filter(|due| due.rule as usize == place && due.at <= now);
            values.extend(due.map(|due| due.value));
            values.sort_unstable();
            values.dedup();
        }
        let mut found = Found::default();
        self.ask_values(customer, place, now, &values, &mut found);
        let count = customer.stays(place).count();
        if count >= MOST && !found.exits.is_empty() && !whole {
            // Others may have waited for a place.
            let mut rest = self.every_value(customer, place, kind);
            rest.retain(|value| !values.contains(value));
            self.ask_values(customer, place, now, &rest, &mut found);
        }
        for value in found.exits {
            let left = customer.leave_at(place, value);
            flipped.push(Flipped {
                rule: place,
                value,
                enters: false,
                left,
            });
        }
        let room = m!(
            "there is always room",
            MOST.saturating_sub(customer.stays(place).count()),
            usize::MAX
        );
        let names = &self.names;
        found
            .enters
            .sort_unstable_by(|one, other| text(one.0, names).cmp(&text(other.0, names)));
        for (number, (value, begun)) in found.enters.into_iter().enumerate() {
            if number >= room {
                self.out.waiting += 1;
                customer.set_beginning(place, value, begun);
                continue;
            }
            customer.enter_at(place, value, now);
            flipped.push(Flipped {
                rule: place,
                value,
                enters: true,
                left: None,
            });
        }
    }

    fn ask_values(
        &mut self,
        customer: &mut Customer,
        place: usize,
        now: i64,
        values: &[u32],
        found: &mut Found,
    ) {
        for value in values {
            let eval = self.eval();
            let mut begun = customer.beginning(place, *value);
            let (holds, due) = eval.rule(place, *value, customer, now, &mut begun);
            let lasts = eval.rules.rules[place].for_at_least > 0;
            if lasts {
                customer.set_beginning(place, *value, begun.filter(|_| !holds));
            }
            match (customer.is_in(place, *value), holds) {
                (true, false) => found.exits.push(*value),
                (false, true) => found.enters.push((*value, begun.filter(|_| lasts))),
                _ => {}
            }
            customer.set_due(place, *value, due);
        }
    }

    /// The values of the events that a rule may be asked at, and those at which the customer is or may be in it.
    fn every_value(&mut self, customer: &Customer, place: usize, kind: FieldKind) -> SmallVec<[u32; 8]> {
        let keys = self.eval().keys_of(place, customer);
        let mut found: SmallVec<[u32; 8]> = keys
            .into_iter()
            .map(|key| value_of(kind, key, &mut self.names))
            .collect();
        found.extend(customer.stays(place).map(|stay| stay.value));
        let dues = customer.dues.iter().filter(|due| due.rule as usize == place);
        found.extend(dues.map(|due| due.value));
        let begun = customer.held_back.iter().flat_map(|back| &back.beginnings);
        found.extend(
            begun
                .filter(|each| each.rule as usize == place)
                .map(|each| each.value),
        );
        found.sort_unstable();
        found.dedup();
        found
    }

    /// At which values it is told of a rule whether the customer is in its segment: those of the stays, and a few others
    /// that it may be asked at; [`PLAIN`] alone if there is none.
    pub fn values_told(&mut self, customer: &Customer, place: usize, most: usize) -> Vec<u32> {
        let mut found: Vec<u32> = customer.stays(place).map(|stay| stay.value).collect();
        if let Some(kind) = self.rules.rules[place].for_each {
            let mut others = self.every_value(customer, place, kind);
            others.retain(|value| !found.contains(value));
            others.sort_unstable_by(|one, other| text(*one, &self.names).cmp(&text(*other, &self.names)));
            found.extend(others.into_iter().take(most));
        }
        found.sort_unstable_by(|one, other| text(*one, &self.names).cmp(&text(*other, &self.names)));
        if found.is_empty() {
            found.push(PLAIN);
        }
        found
    }

    /// Leave what the rules as they are now can't be entered at: a rule may have got values, or have none any more.
    pub fn leave_strange(&mut self, customer: &mut Customer) -> SmallVec<[Flipped; 8]> {
        let mut found = SmallVec::new();
        for stay in customer.episodes.clone() {
            let rule = &self.rules.rules[stay.rule as usize];
            let valued = rule.for_each.is_some() || !rule.stages.is_empty();
            if valued == (stay.value != PLAIN) {
                continue;
            }
            let (rule, value) = (stay.rule as usize, stay.value);
            let left = customer.leave_at(rule, value);
            found.push(Flipped {
                rule,
                value,
                enters: false,
                left,
            });
        }
        found
    }

    /// Find whether the customer goes from one stage to another.
    pub fn flip_stages(
        &mut self,
        customer: &mut Customer,
        place: usize,
        now: i64,
        flipped: &mut SmallVec<[Flipped; 8]>,
    ) {
        let (stage, due) = self.eval().stage(place, customer, now);
        let rules = self.rules.clone();
        let wanted = stage.map(|stage| self.names.intern(&rules.rules[place].stages[stage].0) as u32);
        let held: SmallVec<[u32; 2]> = customer.stays(place).map(|stay| stay.value).collect();
        for value in held.iter().filter(|value| wanted != Some(**value)) {
            let left = customer.leave_at(place, *value);
            flipped.push(Flipped {
                rule: place,
                value: *value,
                enters: false,
                left,
            });
        }
        if let Some(value) = wanted.filter(|value| !held.contains(value)) {
            customer.enter_at(place, value, now);
            flipped.push(Flipped {
                rule: place,
                value,
                enters: true,
                left: None,
            });
        }
        customer.set_due(place, PLAIN, due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text is the value of one key, and gives that key back; what is no value of the kind has no key.
    #[test]
    fn keys_and_their_texts() {
        let mut names = Names::default();
        let cases = [
            (FieldKind::Number, 17, "17"),
            (FieldKind::Money, 4_999, "49.99"),
            (FieldKind::Decimal, 7_500_000, "7.5"),
            (FieldKind::Decimal, -1, "-0.000001"),
        ];
        for (kind, key, text_of) in cases {
            let value = value_of(kind, key, &mut names);
            assert_eq!(text(value, &names), Some(text_of.as_bytes()));
            assert_eq!(key_of(kind, value, &names), Some(key));
        }
        let shoes = names.intern(b"shoes");
        let value = value_of(FieldKind::Text, shoes, &mut names);
        assert_eq!(key_of(FieldKind::Text, value, &names), Some(shoes));
        assert_eq!(key_of(FieldKind::Money, value, &names), None);
        assert_eq!(key_of(FieldKind::Text, PLAIN, &names), None);
    }

    /// Whoever leaves and enters at one value after another is in the segment until the last is left.
    #[test]
    fn a_stay_for_each_value() {
        let mut ann = Customer::new(std::sync::Arc::from(&b"ann"[..]), 0);
        ann.enter_at(2, 7, 10);
        ann.enter_at(2, 8, 20);
        assert!(ann.is_in(2, PLAIN) && ann.is_in(2, 7) && !ann.is_in(2, 9) && !ann.is_in(1, 7));
        assert_eq!(ann.leave_at(2, 7).map(|stay| stay.at), Some(10));
        assert!(ann.is_in(2, PLAIN) && !ann.is_in(2, 7));
        ann.leave_at(2, 8);
        assert!(!ann.is_in(2, PLAIN));
    }
}
