//! Which keys of a `by` condition hold, kept between events: an event looks at its own key, not at all of them.
//!
//! It is derived from the streams, never written, and rebuilt when a customer is loaded. A customer with 300 products
//! costs a look at each of them for every event without it.

use crate::mutants::m;
use crate::times::{BEFORE_ALL, NEVER};

/// Whether something holds, and an instant before which that can't change by time alone.
pub type Look = (bool, i64);

#[derive(Clone, Copy, Debug)]
struct Entry {
    change: i64,
    holds: bool,
    stale: bool,
}

const UNKNOWN: Entry = Entry {
    change: NEVER,
    holds: false,
    stale: true,
};

/// The keys of one leaf that hold, and when time alone may change that, as of an instant.
#[derive(Clone, Debug)]
pub struct HoldingKeys {
    /// The instant of the latest answer; `NEVER`: nothing is known.
    at: i64,
    /// By the place of the key's group.
    entries: Vec<Entry>,
    /// Places of which something was heard since.
    stale: Vec<u32>,
    holding: usize,
    /// Until when the one of those that hold does so that does longest, if that is known.
    longest: Option<(usize, i64)>,
    /// An instant before which none of them changes; may be early.
    soonest: i64,
}

impl Default for HoldingKeys {
    fn default() -> HoldingKeys {
        HoldingKeys {
            at: NEVER,
            entries: Vec::new(),
            stale: Vec::new(),
            holding: 0,
            longest: None,
            soonest: NEVER,
        }
    }
}

impl HoldingKeys {
    /// Something was heard of a key.
    #[inline]
    pub fn hear(&mut self, place: usize) {
        if self.at == NEVER {
            return;
        }
        if place >= self.entries.len() {
            self.entries.resize(
                place + 1,
                Entry {
                    stale: false,
                    ..UNKNOWN
                },
            );
        }
        if !self.entries[place].stale {
            self.entries[place].stale = true;
            self.stale.push(place as u32);
        }
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        if self.at != NEVER {
            *self = HoldingKeys::default();
        }
    }

    /// Whether any key holds at an instant, and when that may change. Of a question `ahead`, about a later instant than
    /// that of the evaluation going on, nothing is kept. `look` tells of the key at a place, of which there are `count`.
    pub fn ask(&mut self, now: i64, ahead: bool, count: usize, mut look: impl FnMut(usize) -> Look) -> Look {
        if now < self.at {
            if ahead {
                return over(count, look);
            }
            *self = HoldingKeys {
                at: now,
                ..HoldingKeys::default()
            };
            self.entries.resize(
                count,
                Entry {
                    stale: false,
                    ..UNKNOWN
                },
            );
            for place in 0..count {
                self.learn(place, look(place));
            }
            return (self.holding > 0, self.upcoming());
        }
        let waits = m!("keys are looked at late", now >= self.soonest, now > self.soonest);
        if waits || !self.stale.is_empty() {
            if m!("keys are not foreseen", ahead, false) {
                return self.foreseen(now, look);
            }
            self.catch_up(now, waits, look);
        }
        (self.holding > 0, self.upcoming())
    }

    /// The places of the keys that hold, as of the latest answer that was not about a later instant.
    pub fn holding(&self) -> impl Iterator<Item = usize> {
        self.entries
            .iter()
            .enumerate()
            .filter(|each| each.1.holds)
            .map(|each| each.0)
    }

    /// Bytes outside of the value itself.
    pub fn heap(&self) -> usize {
        self.entries.capacity() * std::mem::size_of::<Entry>() + 4 * self.stale.capacity()
    }

    fn catch_up(&mut self, now: i64, waits: bool, mut look: impl FnMut(usize) -> Look) {
        let stale = std::mem::take(&mut self.stale);
        for place in &stale {
            self.learn(*place as usize, look(*place as usize));
        }
        if waits {
            for place in 0..self.entries.len() {
                if m!(
                    "a key changes late",
                    self.entries[place].change <= now,
                    self.entries[place].change < now
                ) {
                    self.learn(place, look(place));
                }
            }
            self.soonest = self
                .entries
                .iter()
                .map(|entry| entry.change)
                .min()
                .unwrap_or(NEVER);
        }
        self.stale = stale;
        self.stale.clear();
        self.at = now;
    }

    #[inline]
    fn learn(&mut self, place: usize, (holds, change): Look) {
        let entry = &mut self.entries[place];
        self.holding = self.holding + usize::from(holds) - usize::from(entry.holds);
        *entry = Entry {
            change,
            holds,
            stale: false,
        };
        self.soonest = self.soonest.min(change);
        match self.longest {
            Some((_, longest)) if holds && change >= longest => self.longest = Some((place, change)),
            Some((last, _))
                if m!(
                    "a key that ceased is the longest",
                    last == place,
                    false && last == place
                ) =>
            {
                self.longest = None
            }
            _ => {}
        }
    }

    /// An instant before which the whole can't change: it holds until the last key that holds has ceased to.
    fn upcoming(&mut self) -> i64 {
        if self.holding == 0 {
            return self.soonest;
        }
        if self.longest.is_none() {
            let holding = self.entries.iter().enumerate().filter(|each| each.1.holds);
            self.longest = holding
                .map(|(place, entry)| (place, entry.change))
                .max_by_key(|each| each.1);
        }
        self.longest.map_or(NEVER, |longest| longest.1)
    }

    fn foreseen(&self, now: i64, mut look: impl FnMut(usize) -> Look) -> Look {
        let known = self.entries.iter().enumerate().map(|(place, entry)| {
            if m!(
                "a key that was heard of is not foreseen",
                entry.stale || entry.change <= now,
                entry.change <= now
            ) {
                look(place)
            } else {
                (entry.holds, entry.change)
            }
        });
        together(known)
    }
}

/// As [`HoldingKeys::ask`], with nothing kept.
pub fn over(count: usize, look: impl FnMut(usize) -> Look) -> Look {
    together((0..count).map(look))
}

fn together(looks: impl Iterator<Item = Look>) -> Look {
    let (mut any, mut first, mut last) = (false, NEVER, BEFORE_ALL);
    for (holds, change) in looks {
        if holds {
            (any, last) = (
                true,
                m!("keys that hold end with the first", last.max(change), change),
            );
        } else {
            first = first.min(change);
        }
    }
    if any { (true, last) } else { (false, first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept gives the answers that looking at every key gives, in any order of events and questions.
    #[test]
    fn kept_as_looked_at_anew() {
        let mut chance = 7u64;
        let mut pick = |below: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (chance >> 33) % below
        };
        for _ in 0..300 {
            let mut ends: Vec<(i64, i64)> = vec![(0, 3), (2, 5)];
            let (mut keys, mut now) = (HoldingKeys::default(), 0);
            for _ in 0..40 {
                now += pick(3) as i64;
                let key = pick(ends.len() as u64 + 1) as usize;
                let span = (now + pick(3) as i64, now + 3 + pick(6) as i64);
                if key == ends.len() {
                    ends.push(span)
                } else {
                    ends[key] = span
                }
                keys.hear(key);
                let at = |now: i64| {
                    let ends = ends.clone();
                    move |place: usize| {
                        let (from, to) = ends[place];
                        let next = if now < from {
                            from
                        } else if now < to {
                            to
                        } else {
                            NEVER
                        };
                        (from <= now && now < to, next)
                    }
                };
                let later = now + pick(5) as i64;
                for (instant, ahead) in [(now, false), (later, true)] {
                    let asked = keys.ask(instant, ahead, ends.len(), at(instant));
                    let anew = over(ends.len(), at(instant));
                    assert_eq!(asked.0, anew.0);
                    assert!(asked.1 <= anew.1 && asked.1 > instant);
                }
                let holding: Vec<_> = keys.holding().collect();
                assert!(holding.iter().all(|place| at(now)(*place).0));
            }
        }
    }
}
