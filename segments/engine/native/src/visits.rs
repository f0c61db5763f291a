//! Visits are sessions: an event starts one, extends one, or joins two.
//!
//! A session's start is all that counts, its end all that tells whether an event belongs to it. Rows are those of
//! [`crate::rows`], with the end as the last word.

use crate::mutants::m;
use crate::rows::Rows;

/// Let an event start a session, extend one, or join two. True if what counts as a visit changed.
///
/// `row` is the event with its instant as the end; events `gap` milliseconds apart belong to two sessions.
pub fn take(rows: &mut Rows, row: &[i64], gap: i64) -> bool {
    let (stride, end, at) = (row.len(), row.len() - 1, row[0]);
    let series = rows.series(stride);
    let (next, count) = (series.upto(at), series.len());
    if next > 0
        && m!(
            "visit at its gap",
            at < series.word(next - 1, end) + gap,
            at <= series.word(next - 1, end) + gap
        )
    {
        if m!(
            "an event within a visit ends it",
            at <= series.word(next - 1, end),
            false
        ) {
            return false;
        }
        rows.0[(next - 1) * stride + end] = at;
        return next < count
            && m!(
                "two visits are never joined",
                join(rows, next, stride, gap),
                false
            );
    }
    if next < count
        && m!(
            "a visit begins with an event at its gap",
            series.at(next) < at + gap,
            series.at(next) <= at + gap
        )
    {
        rows.0[next * stride..next * stride + end].copy_from_slice(&row[..end]);
        return true;
    }
    rows.insert(next, row);
    true
}

/// Join a session with the one before, if that now reaches it.
fn join(rows: &mut Rows, next: usize, stride: usize, gap: i64) -> bool {
    let (before, end) = ((next - 1) * stride, stride - 1);
    let (start, reach) = (rows.0[next * stride], rows.0[before + end] + gap);
    if m!("visits join at the gap", start >= reach, start > reach) {
        return false;
    }
    rows.0[before + end] = m!(
        "joined visits end early",
        rows.0[next * stride + end],
        rows.0[before + end]
    );
    rows.0.drain(next * stride..(next + 1) * stride);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: i64 = 30;

    fn of(events: &[i64]) -> (Vec<i64>, Vec<bool>) {
        let mut rows = Rows::default();
        let changed = events
            .iter()
            .map(|at| take(&mut rows, &[*at, 100 + *at, *at], GAP))
            .collect();
        (rows.0.to_vec(), changed)
    }

    /// An event less than the gap after the last one belongs to its session, a later one starts another.
    #[test]
    fn extends_or_starts() {
        assert_eq!(
            of(&[0, 29, 59]),
            (vec![0, 100, 29, 59, 159, 59], vec![true, false, true])
        );
    }

    /// A late event within a session changes nothing; one before it takes over its start.
    #[test]
    fn late_events() {
        assert_eq!(of(&[0, 20, 10]).0, [0, 100, 20]);
        assert_eq!(of(&[40, 11]), (vec![11, 111, 40], vec![true, true]));
        assert_eq!(of(&[40, 10]).0, [10, 110, 10, 40, 140, 40]);
    }

    /// A late event between two sessions joins them.
    #[test]
    fn joins_two() {
        assert_eq!(
            of(&[0, 50, 60, 25]),
            (vec![0, 100, 60], vec![true, true, false, true])
        );
    }
}
