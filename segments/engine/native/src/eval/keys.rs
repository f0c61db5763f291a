//! Leaves with `by`: the rows of each value, and whether a leaf holds at any of them.

use super::{Eval, Seen, came_after, cut, then};
use crate::by_key::{self, Look};
use crate::customer::Customer;
use crate::measures::Asked;
use crate::mutants::m;
use crate::rows::{Groups, Kept, NULL, Series};
use crate::rules::{Measured, View};
use crate::times::NEVER;

/// The rows of each key: as they are kept, or as a view of visits has them.
pub(crate) enum Grouped<'a> {
    Kept(&'a Groups, usize),
    Seen(Vec<(i64, Seen)>),
}

impl<'a> Grouped<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Grouped::Kept(groups, _) => groups.list.len(),
            Grouped::Seen(groups) => groups.len(),
        }
    }

    /// Where a key stands.
    pub(crate) fn place(&self, key: i64) -> Option<usize> {
        match self {
            Grouped::Kept(groups, _) => groups.place(key),
            Grouped::Seen(groups) => groups.iter().position(|group| group.0 == key),
        }
    }

    pub(crate) fn key(&self, place: usize) -> i64 {
        match self {
            Grouped::Kept(groups, _) => groups.list[place].0,
            Grouped::Seen(groups) => groups[place].0,
        }
    }

    pub(crate) fn rows(&self, place: usize) -> Series<'_> {
        match self {
            Grouped::Kept(groups, stride) => groups.list[place].1.series(*stride),
            Grouped::Seen(groups) => Series::new(&groups[place].1, 2),
        }
    }

    fn of_key(&self, key: i64) -> Option<Series<'_>> {
        match self {
            Grouped::Kept(groups, stride) => groups.get(key).map(|rows| rows.series(*stride)),
            Grouped::Seen(groups) => groups
                .iter()
                .find(|group| group.0 == key)
                .map(|group| Series::new(&group.1, 2)),
        }
    }
}

/// What a leaf with `by` looks at.
pub(crate) struct Keys<'a> {
    pub(crate) own: Grouped<'a>,
    resets: Option<Grouped<'a>>,
    pub(crate) floor: i64,
    /// The instant up to which rows are read.
    upto: i64,
    /// The same of those of `since`.
    resets_upto: i64,
    /// When another period takes the place of the one that is asked about.
    pub(crate) ends: i64,
}

impl Eval<'_> {
    pub(super) fn keyed(&self, measured: &Measured, customer: &mut Customer, now: i64) -> Look {
        if matches!(customer.streams[measured.stream], Kept::None) {
            return (false, NEVER);
        }
        // The keys borrow the customer's streams, so what is known of them is taken out meanwhile.
        let (mut holding, ahead) = (std::mem::take(&mut customer.holding_keys), now != customer.at);
        if holding.is_empty() {
            holding.resize_with(self.rules.holding_keys, Default::default);
        }
        let answer = match (self.keys(measured, customer, now), measured.holding_keys) {
            (None, _) => (false, NEVER),
            (Some(keys), None) => {
                by_key::over(keys.own.len(), |place| self.look_at(measured, &keys, place, now))
            }
            (Some(keys), Some(number)) => holding[number].ask(now, ahead, keys.own.len(), |place| {
                self.look_at(measured, &keys, place, now)
            }),
        };
        customer.holding_keys = holding;
        answer
    }

    pub(crate) fn keys<'b>(&self, measured: &Measured, customer: &'b Customer, now: i64) -> Option<Keys<'b>> {
        let own = self.grouped(
            measured.stream,
            measured.view.as_ref(),
            measured.column,
            self.upto(measured, now),
            customer,
        )?;
        let own = if measured.after.is_empty() {
            own
        } else {
            self.after_its_own(own, measured, customer)?
        };
        let floor = self.floor(measured, customer, now);
        let resets = match measured.reset {
            Some(reset) if measured.same => self.grouped(
                reset,
                measured.reset_view.as_ref(),
                None,
                then(measured, now),
                customer,
            ),
            _ => None,
        };
        Some(Keys {
            own,
            resets,
            floor,
            upto: self.upto(measured, now),
            resets_upto: then(measured, now),
            ends: self.ends(measured, now),
        })
    }

    fn grouped<'b>(
        &self,
        stream: usize,
        view: Option<&View>,
        column: Option<usize>,
        upto: i64,
        customer: &'b Customer,
    ) -> Option<Grouped<'b>> {
        let stride = self.rules.streams[stream].stride;
        match (&customer.streams[stream], view) {
            (Kept::Keyed(groups), _) => Some(Grouped::Kept(groups, stride)),
            (Kept::Rows(rows), Some(view)) => {
                let rows = cut(rows.series(stride), upto);
                let mut groups: Vec<(i64, Seen)> = Vec::new();
                for row in (0..rows.len())
                    .map(|row| rows.row(row))
                    .filter(|row| self.is_seen(view, row))
                {
                    let (key, value) = (
                        row[view.key.unwrap_or(0)],
                        column.map_or(NULL, |column| row[column]),
                    );
                    match groups.iter_mut().find(|group| group.0 == key) {
                        Some(group) => group.1.extend_from_slice(&[row[0], value]),
                        None => groups.push((key, Seen::from_slice(&[row[0], value]))),
                    }
                }
                (!groups.is_empty()).then_some(Grouped::Seen(groups))
            }
            _ => None,
        }
    }

    /// Of the rows of each key those that came after something.
    fn after_its_own(
        &self,
        own: Grouped,
        measured: &Measured,
        customer: &Customer,
    ) -> Option<Grouped<'static>> {
        let mut groups: Vec<(i64, Seen)> = Vec::new();
        // What every key must have come after is found once.
        let shared = measured.after.iter().all(|link| !link.same);
        let of_all = self.before(measured, customer, None).filter(|_| shared);
        let column = match &own {
            Grouped::Seen(_) => Some(1),
            Grouped::Kept(..) => measured.column,
        };
        for place in 0..own.len() {
            let (key, rows) = (own.key(place), own.rows(place));
            let of_key = if shared {
                None
            } else {
                self.before(measured, customer, Some(key))
            };
            let before = if shared { &of_all } else { &of_key };
            let rows = (0..rows.len()).map(|row| rows.row(row));
            let seen: Seen = rows
                .filter(|row| came_after(row, before))
                .flat_map(|row| [row[0], column.map_or(NULL, |column| row[column])])
                .collect();
            if !seen.is_empty() {
                groups.push((key, seen));
            }
        }
        (!groups.is_empty()).then_some(Grouped::Seen(groups))
    }

    /// The rows of a key, and its own floor; None: none of them counts.
    #[inline]
    pub(crate) fn of_place<'b>(&self, keys: &'b Keys, place: usize) -> Option<(Series<'b>, i64)> {
        let mut rows = keys.own.rows(place);
        if keys.upto < NEVER {
            rows = rows.first(rows.upto(keys.upto));
        }
        let mut floor = keys.floor;
        if let Some(resets) = &keys.resets
            && let Some(reset) = resets.of_key(keys.own.key(place))
        {
            let upto = if keys.resets_upto < NEVER {
                reset.upto(keys.resets_upto)
            } else {
                reset.len()
            };
            if upto > 0 {
                floor = m!(
                    "a reset of a key counts for none",
                    floor.max(reset.at(upto - 1)),
                    floor
                );
            }
        }
        (!rows.is_empty() && m!("a key at its floor", rows.last() > floor, rows.last() >= floor))
            .then_some((rows, floor))
    }

    pub(super) fn look_at(&self, measured: &Measured, keys: &Keys, place: usize, now: i64) -> Look {
        self.spend();
        let Some((rows, floor)) = self.of_place(keys, place) else {
            return (false, keys.next_period(place));
        };
        let (holds, change) = measured.kernel.look(&Asked {
            rows,
            floor,
            now,
            names: self.names,
        });
        let change = change.min(keys.ends);
        (
            holds,
            if holds {
                m!(
                    "a key that holds never ceases",
                    change.min(rows.last() + measured.window),
                    change
                )
            } else {
                change
            },
        )
    }
}
