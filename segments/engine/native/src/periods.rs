//! Measures of a period of the calendar: which rows count, and when the next period takes its place.

use crate::customer::Customer;
use crate::dated::Dated;
use crate::eval::{Eval, Keys};
use crate::mutants::m;
use crate::rules::Measured;
use crate::times::NEVER;

impl Eval<'_> {
    /// The instant up to which rows are read: with `ago` that which is asked about, of the period before its end.
    #[inline]
    pub(crate) fn upto(&self, measured: &Measured, now: i64) -> i64 {
        match measured.during {
            None if measured.offset == 0 => NEVER,
            None => now,
            Some(during) => during.span(&self.rules.plan.zone, now).upto,
        }
    }

    /// When the next period takes the place of the one that is asked about.
    #[inline]
    pub(crate) fn ends(&self, measured: &Measured, now: i64) -> i64 {
        match measured.during {
            None => NEVER,
            Some(during) => during.span(&self.rules.plan.zone, now).ends,
        }
    }

    /// The same, if anything counts or will count then.
    #[inline]
    pub(crate) fn turns(&self, measured: &Measured, customer: &Customer, now: i64) -> i64 {
        let Some(during) = measured.during else {
            return NEVER;
        };
        let span = during.span(&self.rules.plan.zone, now);
        let stride = self.rules.streams[measured.stream].stride;
        let counts = customer.streams[measured.stream].each().any(|rows| {
            let rows = rows.series(stride);
            !rows.is_empty() && rows.last() > span.floor
        });
        if m!("periods do not turn", counts, false) {
            span.ends
        } else {
            NEVER
        }
    }

    /// A date of the profile: its milliseconds, whether the condition holds, and when that may change.
    pub(crate) fn dated(&self, dated: &Dated, customer: &Customer, now: i64) -> (Option<i64>, bool, i64) {
        let held = customer.profile.as_ref();
        let held = held.and_then(|held| held.attribute(&dated.attribute));
        dated.look(&self.rules.plan.zone, held, now)
    }
}

impl Keys<'_> {
    /// When the next period begins, if the key, of which nothing counts now, has something that counts then.
    pub(crate) fn next_period(&self, place: usize) -> i64 {
        let rows = self.own.rows(place);
        if self.ends < NEVER && !rows.is_empty() && rows.last() > self.floor {
            m!("a key of the next period is not foreseen", self.ends, NEVER)
        } else {
            NEVER
        }
    }
}
