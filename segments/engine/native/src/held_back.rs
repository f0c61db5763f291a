//! What holds a customer back from entering a segment, of `for_at_least` and `at_most_every`.

use crate::mutants::m;
use crate::times::BEFORE_ALL;

/// Since when a rule would let the customer in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beginning {
    /// The rule's place.
    pub rule: u32,
    /// The number of the value's text, or [`crate::values::PLAIN`].
    pub value: u32,
    /// The instant of the evaluation that found it so.
    pub at: i64,
}

/// The latest enter of a segment that is not to be entered again too soon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enter {
    /// The rule's place.
    pub rule: u32,
    /// The number of the value's text, or [`crate::values::PLAIN`].
    pub value: u32,
    /// Its instant.
    pub at: i64,
    /// Milliseconds for which it counts: of the rule as it was then.
    pub span: i64,
}

impl Enter {
    /// From this instant on it holds nobody back.
    pub fn until(&self) -> i64 {
        self.at.saturating_add(self.span)
    }
}

/// What holds one customer back. Most have nothing of the kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldBack {
    /// At most one for each rule and value.
    pub beginnings: Vec<Beginning>,
    /// At most one for each rule and value.
    pub enters: Vec<Enter>,
}

impl HeldBack {
    /// Since when a rule would let the customer in; None: it would not, as it was last evaluated.
    pub fn beginning(&self, rule: usize, value: u32) -> Option<i64> {
        let mut all = self.beginnings.iter();
        let found = all.find(|each| each.rule as usize == rule && each.value == value);
        found.map(|each| each.at)
    }

    /// Say since when a rule would let the customer in.
    pub fn set_beginning(&mut self, rule: usize, value: u32, at: Option<i64>) {
        let mut all = self.beginnings.iter();
        let place = all.position(|each| each.rule as usize == rule && each.value == value);
        match (place, at) {
            (Some(place), Some(at)) => self.beginnings[place].at = at,
            (None, Some(at)) => self.beginnings.push(Beginning {
                rule: rule as u32,
                value,
                at,
            }),
            (Some(place), None) => {
                m!(
                    "a broken span goes on",
                    {
                        self.beginnings.swap_remove(place);
                    },
                    ()
                );
            }
            (None, None) => {}
        }
    }

    /// The latest enter of a segment; `BEFORE_ALL`: none is remembered.
    pub fn entered(&self, rule: usize, value: u32) -> i64 {
        let mut all = self.enters.iter();
        let found = all.find(|each| each.rule as usize == rule && each.value == value);
        found.map_or(BEFORE_ALL, |each| each.at)
    }

    /// Remember an enter instead of the one before. Gives whether it is one more.
    pub fn enter(&mut self, enter: Enter) -> bool {
        let mut all = self.enters.iter_mut();
        match all.find(|each| (each.rule, each.value) == (enter.rule, enter.value)) {
            Some(held) => {
                *held = enter;
                false
            }
            None => {
                self.enters.push(enter);
                true
            }
        }
    }

    /// The enters that still count at an instant.
    pub fn counting(&self, now: i64) -> impl Iterator<Item = &Enter> {
        self.enters.iter().filter(move |each| {
            m!(
                "an enter counts too long",
                each.until() > now,
                each.until() >= now
            )
        })
    }

    /// Forget the enters that no longer count at an instant.
    pub fn forget(&mut self, now: i64) {
        self.enters.retain(|each| each.until() > now);
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.beginnings.is_empty() && self.enters.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::PLAIN;

    /// A beginning is one for each rule, and goes as the rule would let nobody in.
    #[test]
    fn one_beginning_for_each_rule() {
        let mut back = HeldBack::default();
        back.set_beginning(3, PLAIN, Some(5));
        back.set_beginning(4, PLAIN, Some(6));
        back.set_beginning(3, PLAIN, Some(7));
        assert_eq!(
            (back.beginning(3, PLAIN), back.beginning(4, PLAIN)),
            (Some(7), Some(6))
        );
        back.set_beginning(3, PLAIN, None);
        assert_eq!((back.beginning(3, PLAIN), back.beginning(5, PLAIN)), (None, None));
    }

    /// Of a segment the latest enter is remembered, until its span is over.
    #[test]
    fn one_enter_for_each_rule() {
        let mut back = HeldBack::default();
        let enter = |rule, at| Enter {
            rule,
            value: PLAIN,
            at,
            span: 10,
        };
        assert!(back.enter(enter(1, 0)) && !back.enter(enter(1, 5)) && back.enter(enter(2, 7)));
        assert_eq!((back.entered(1, PLAIN), back.entered(9, PLAIN)), (5, BEFORE_ALL));
        assert_eq!(back.counting(14).count(), 2);
        back.forget(15);
        assert_eq!(back.enters, [enter(2, 7)]);
    }
}
