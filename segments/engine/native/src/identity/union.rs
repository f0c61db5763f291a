//! The union of two customers: what is remembered of one, put where it belongs in time into the other.

use crate::customer::{Customer, Episode, Profile};
use crate::held_back::{Enter, HeldBack};
use crate::limit;
use crate::rows::{Groups, Kept, Rows};
use crate::rules::{Rules, Stream};
use crate::sources::{self, Source};
use crate::times::BEFORE_ALL;

/// Put what is remembered of one customer into another, as of an instant: the later of both and of the link.
///
/// What occurred at or before an erasure of `mine` is left out. Gives the stays of `theirs` in rules with
/// `until`.
pub fn union(mine: &mut Customer, theirs: Customer, now: i64, rules: &Rules) -> Vec<Episode> {
    let told = sources::all(&theirs);
    let Customer {
        key: _,
        instant: _,
        latest,
        profile_at: _,
        erased_at: _,
        sequence: _,
        next: _,
        at: _,
        inside: _,
        episodes,
        dues: _,
        ids,
        seen: _,
        streams,
        holding_keys: _,
        profile: _,
        sources: _,
        held_back,
        watches: _,
        identity,
        details: _,
        crowded: _,
        entries,
        weight,
        forgets_above: _,
        forgets_at: _,
        full_from: _,
        full_until: _,
        sealed: _,
        older: _,
        stored: _,
        changed: _,
        generation: _,
    } = theirs;
    let floor = mine.erased_at;
    mine.instant = now;
    if latest > floor {
        mine.latest = mine.latest.max(latest);
    }
    sources::join(mine, told, floor);
    for digest in ids {
        mine.recognise(digest, mine.find_id(digest));
    }
    for (place, kept) in streams.into_vec().into_iter().enumerate() {
        let own = std::mem::take(&mut mine.streams[place]);
        mine.streams[place] = both(&rules.streams[place], own, kept, floor);
    }
    mine.held_back = held_back_of(mine, held_back.as_deref(), &episodes, rules);
    if let Some(other) = identity {
        let own = mine.identity.get_or_insert_default();
        for each in other.merged.iter().filter(|each| *each.id != *mine.key) {
            own.remember(&each.id, &each.link, each.at, each.had, each.refused);
        }
    }
    mine.holding_keys = Vec::new();
    mine.crowded = None;
    mine.entries = mine.entries.saturating_add(entries);
    mine.weight = mine.weight.saturating_add(weight).min(usize::MAX >> 1);
    (mine.full_from, mine.full_until) = (BEFORE_ALL, BEFORE_ALL);
    mine.sealed = BEFORE_ALL;
    let mut stays = episodes;
    stays.retain(|stay| rules.rules[stay.rule as usize].until.is_some());
    stays
}

/// Of `at_most_every` the later enter; of `for_at_least` the earlier beginning, if it began for both.
fn held_back_of(
    mine: &Customer,
    theirs: Option<&HeldBack>,
    stays: &[Episode],
    rules: &Rules,
) -> Option<Box<HeldBack>> {
    let own = mine.held_back.as_deref().cloned().unwrap_or_default();
    let other = theirs.cloned().unwrap_or_default();
    let mut found = HeldBack {
        beginnings: Vec::new(),
        enters: own.enters.clone(),
    };
    for enter in &other.enters {
        if enter.at > found.entered(enter.rule as usize, enter.value) {
            found.enter(Enter { ..*enter });
        }
    }
    let lasts = |rule: u32| rules.rules[rule as usize].for_at_least;
    // Who is inside entered when it had held for so long.
    let begun = |back: &HeldBack, stays: &[Episode]| -> Vec<(u32, u32, i64)> {
        let stays = stays.iter().filter(|stay| lasts(stay.rule) > 0);
        let stays = stays.map(|stay| (stay.rule, stay.value, stay.at - lasts(stay.rule)));
        let held = back.beginnings.iter();
        held.map(|each| (each.rule, each.value, each.at))
            .chain(stays)
            .collect()
    };
    let others = begun(&other, stays);
    for (rule, value, at) in begun(&own, &mine.episodes) {
        let both = others.iter().find(|each| (each.0, each.1) == (rule, value));
        if let Some(both) = both {
            found.set_beginning(rule as usize, value, Some(at.min(both.2)));
        }
    }
    (!found.is_empty()).then(|| Box::new(found))
}

/// The entries of both in one stream; of theirs those after an instant.
pub fn both(stream: &Stream, mine: Kept, theirs: Kept, floor: i64) -> Kept {
    match (mine, theirs) {
        (mine, Kept::None) => mine,
        (mine @ (Kept::None | Kept::Rows(_)), Kept::Rows(theirs)) => {
            let own = match mine {
                Kept::Rows(rows) => rows,
                _ => Rows::default(),
            };
            let rows = together(stream, own, theirs, floor);
            if rows.0.is_empty() {
                Kept::None
            } else {
                Kept::Rows(rows)
            }
        }
        (mine, Kept::Keyed(theirs)) => {
            let mut groups = match mine {
                Kept::Keyed(groups) => *groups,
                _ => Groups::default(),
            };
            for (key, rows) in theirs.list {
                let rows = together(stream, Rows::default(), rows, floor);
                if !rows.0.is_empty() {
                    let place = groups.enter(key);
                    let own = std::mem::take(&mut groups.list[place].1);
                    groups.list[place].1 = together(stream, own, rows, floor);
                }
            }
            if groups.list.is_empty() {
                Kept::None
            } else {
                Kept::Keyed(Box::new(groups))
            }
        }
        (mine, Kept::Rows(_)) => mine,
    }
}

/// Rows of both in the order of their instants; those of one instant as if theirs had come later.
pub fn together(stream: &Stream, mine: Rows, theirs: Rows, floor: i64) -> Rows {
    let stride = stream.stride;
    let theirs = later(stream, theirs, floor);
    if mine.0.is_empty() {
        return theirs;
    }
    if theirs.0.is_empty() {
        return mine;
    }
    if stream.latest {
        return if theirs.0[0] >= mine.0[0] { theirs } else { mine };
    }
    let (mut left, mut right) = (
        mine.0.chunks_exact(stride).peekable(),
        theirs.0.chunks_exact(stride).peekable(),
    );
    let mut found = Rows::default();
    loop {
        let row = match (left.peek(), right.peek()) {
            (Some(one), Some(two)) if one[0] <= two[0] => left.next(),
            (_, Some(_)) => right.next(),
            (_, None) => left.next(),
        };
        let Some(row) = row else { break };
        let end = found.0.len();
        if stream.visits && end > 0 && row[0] < found.0[end - 1] + stream.gap {
            found.0[end - 1] = found.0[end - 1].max(row[stride - 1]);
        } else {
            found.0.extend_from_slice(row);
        }
    }
    found
}

/// The rows after an instant. Of a visit that went on after it no more is known than its end.
fn later(stream: &Stream, mut rows: Rows, floor: i64) -> Rows {
    let stride = stream.stride;
    if !stream.visits {
        let gone = rows.series(stride).upto(floor);
        rows.forget(gone, stride);
        return rows;
    }
    let gone = rows.series(stride).upto_in(stride - 1, floor);
    rows.forget(gone, stride);
    if let Some(first) = rows.0.first().copied()
        && first <= floor
    {
        rows.0[0] = rows.0[stride - 1];
    }
    rows
}

/// The profiles of a state that is refused, as those take effect that take a consent away: their consents alone. True:
/// one did.
pub fn take_consents(mine: &mut Customer, theirs: &Customer) -> bool {
    let mut taken = false;
    for source in sources::all(theirs) {
        let Source {
            topic,
            at,
            digest,
            profile,
        } = source;
        let later = at > sources::told_at(mine, &topic).max(mine.erased_at);
        if later && sources::takes_consent(mine, &topic, &profile) {
            let held = sources::told(mine, &topic).cloned().unwrap_or_default();
            let alone = Profile {
                consents: profile.consents,
                ..held
            };
            mine.weight += limit::profile_bytes(Some(&alone));
            sources::tell(mine, &topic, alone, at, digest);
            taken = true;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Bits;

    fn stream(stride: usize, visits: bool, latest: bool) -> Stream {
        Stream {
            filter: None,
            key: None,
            present: None,
            columns: Vec::new(),
            keep: 1_000,
            needed: 1_000,
            latest,
            visits,
            gap: 30,
            stride,
            lines: false,
            readers: Bits::default(),
            heard: Vec::new(),
            for_each: Default::default(),
        }
    }

    fn of(stream: &Stream, mine: &[i64], theirs: &[i64], floor: i64) -> Vec<i64> {
        together(stream, Rows(mine.into()), Rows(theirs.into()), floor)
            .0
            .to_vec()
    }

    /// Entries stand in the order of time, each once; those of one instant as if the others had come later.
    #[test]
    fn entries_in_order() {
        let plain = stream(2, false, false);
        assert_eq!(
            of(&plain, &[1, 10, 5, 50], &[3, 30, 5, 51, 9, 90], BEFORE_ALL),
            [1, 10, 3, 30, 5, 50, 5, 51, 9, 90]
        );
        assert_eq!(of(&plain, &[], &[3, 30, 5, 51], 3), [5, 51]);
    }

    /// Of streams that keep the latest event only, it is the later of both.
    #[test]
    fn the_latest_of_both() {
        let latest = stream(2, false, true);
        assert_eq!(of(&latest, &[5, 50], &[3, 30], BEFORE_ALL), [5, 50]);
        assert_eq!(of(&latest, &[5, 50], &[5, 51], BEFORE_ALL), [5, 51]);
    }

    /// Visits less than the gap apart are one, from the earlier start to the later end.
    #[test]
    fn visits_are_joined() {
        let visits = stream(2, true, false);
        assert_eq!(
            of(&visits, &[0, 10, 100, 110], &[39, 50], BEFORE_ALL),
            [0, 50, 100, 110]
        );
        assert_eq!(
            of(&visits, &[0, 10, 100, 110], &[40, 50], BEFORE_ALL),
            [0, 10, 40, 50, 100, 110]
        );
        assert_eq!(
            of(&visits, &[60, 90], &[0, 10, 50, 61], BEFORE_ALL),
            [0, 10, 50, 90]
        );
        assert_eq!(of(&visits, &[], &[0, 10, 100, 110], 105), [110, 110]);
    }
}
