//! `after`: of the events of a measure those that came later than another event, by less than a span.
//!
//! Only the latest of the events before decides, so both are gone through once. Nothing is kept of it: a late event may
//! come before others that are there already.

use crate::customer::Customer;
use crate::eval::Eval;
use crate::mutants::m;
use crate::rows::{Kept, Series};
use crate::rules::{After, Measured};
use crate::times::BEFORE_ALL;
use smallvec::SmallVec;

/// Instants, ascending.
pub type Instants = SmallVec<[i64; 16]>;

/// Whether an event came after one of these.
#[inline]
pub fn follows(at: i64, before: &[i64], span: i64) -> bool {
    let earlier =
        before.partition_point(|each| m!("an event comes after its own instant", *each < at, *each <= at));
    earlier > 0
        && m!(
            "an event at the end of a span comes after",
            before[earlier - 1] > at - span,
            before[earlier - 1] >= at - span
        )
}

impl Eval<'_> {
    /// The instants of the events that those of a measure must have come after; None: it asks for none.
    ///
    /// `key`: the value of `by` that is asked about.
    pub fn before(
        &self,
        measured: &Measured,
        customer: &Customer,
        key: Option<i64>,
    ) -> Option<(Instants, i64)> {
        let (first, rest) = measured.after.split_first()?;
        let since = self.known.map_or(BEFORE_ALL, |known| {
            m!(
                "what came before is always known",
                known[measured.known],
                BEFORE_ALL
            )
        });
        Some((self.instants(first, rest, customer, key, since), first.span))
    }

    fn instants(
        &self,
        link: &After,
        rest: &[After],
        customer: &Customer,
        key: Option<i64>,
        since: i64,
    ) -> Instants {
        let stride = self.rules.streams[link.stream].stride;
        let asked = key.filter(|_| link.same);
        let rows: Series = match (&customer.streams[link.stream], asked) {
            (Kept::Rows(rows), _) => rows.series(stride),
            (Kept::Keyed(groups), Some(key)) => match groups.get(key) {
                Some(rows) => rows.series(stride),
                None => return Instants::new(),
            },
            _ => return Instants::new(),
        };
        let seen = |row: &&[i64]| match &link.view {
            None => true,
            Some(view) => {
                let same = asked.zip(view.key).is_none_or(|(key, place)| {
                    m!("a visit of another value came before", row[place] == key, true)
                });
                same && self.is_seen(view, row)
            }
        };
        let rows = (0..rows.len()).map(|row| rows.row(row));
        let mut found: Instants = rows
            .filter(|row| row[0] >= since)
            .filter(seen)
            .map(|row| row[0])
            .collect();
        if let Some((next, rest)) = rest.split_first() {
            let before = self.instants(next, rest, customer, key, since);
            found.retain(|at| m!("a chain has two links", follows(*at, &before, next.span), true));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later than one of them, by less than the span.
    #[test]
    fn between_an_event_and_its_span() {
        let before = [10, 40];
        let found: Vec<i64> = (0..70).filter(|at| follows(*at, &before, 10)).collect();
        assert_eq!(found, (11..20).chain(41..50).collect::<Vec<_>>());
        assert!(!follows(5, &[], 10));
    }
}
