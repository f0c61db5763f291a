//! What is due when, without scanning customers: one live entry for each customer who has anything due.
//!
//! Lazy: an entry may be early, never late. When it comes up too early it is put back at the instant that the
//! customer's state tells; when something becomes due sooner, a new entry replaces it, and the old one is dropped as it
//! comes up, or as soon as most entries are old ones. Of one instant, customers come up in the order of their ids.

use crate::mutants::m;
use std::cmp::Ordering;

/// The timers of a partition: a heap of instants and the slots of customers, the earliest on top.
#[derive(Default)]
pub struct Timers {
    heap: Vec<(i64, u32)>,
}

/// Who comes up before whom: by slot the customer id.
pub trait Ids {
    /// The customer id of a slot.
    fn id(&self, slot: u32) -> &[u8];
}

impl Timers {
    /// Add an entry.
    pub fn push(&mut self, due: i64, slot: u32, ids: &impl Ids) {
        self.heap.push((due, slot));
        let mut place = self.heap.len() - 1;
        while place > 0 {
            let above = (place - 1) / 2;
            if before(self.heap[place], self.heap[above], ids) != Ordering::Less {
                break;
            }
            self.heap.swap(place, above);
            place = above;
        }
    }

    /// How many entries there are, replaced ones included.
    pub fn entries(&self) -> usize {
        self.heap.len()
    }

    /// Drop the entries that do not hold any more, and all but one of equal ones.
    pub fn retain(&mut self, holds: impl Fn(i64, u32) -> bool, ids: &impl Ids) {
        self.heap.retain(|&(due, slot)| holds(due, slot));
        // What is sorted is a heap.
        self.heap
            .sort_unstable_by(|left, right| before(*left, *right, ids));
        self.heap.dedup();
        self.heap.shrink_to(self.heap.len() * 2);
    }

    /// The earliest entry.
    pub fn peek(&self) -> Option<(i64, u32)> {
        self.heap.first().copied()
    }

    /// Take the earliest entry out.
    pub fn pop(&mut self, ids: &impl Ids) -> Option<(i64, u32)> {
        if self.heap.is_empty() {
            return None;
        }
        let top = self.heap.swap_remove(0);
        let (mut place, count) = (0, self.heap.len());
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= count {
                break;
            }
            let right_first =
                right < count && before(self.heap[right], self.heap[left], ids) == Ordering::Less;
            let first = if right_first { right } else { left };
            if before(self.heap[first], self.heap[place], ids) != Ordering::Less {
                break;
            }
            self.heap.swap(place, first);
            place = first;
        }
        if self.heap.len() * 4 < self.heap.capacity() {
            self.heap.shrink_to(self.heap.len() * 2);
        }
        Some(top)
    }
}

fn before(left: (i64, u32), right: (i64, u32), ids: &impl Ids) -> Ordering {
    let by_id = || ids.id(left.1).cmp(ids.id(right.1));
    left.0.cmp(&right.0).then_with(|| {
        m!(
            "who is due at one instant comes in any order",
            by_id(),
            Ordering::Equal
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(Vec<String>);

    impl Ids for Named {
        fn id(&self, slot: u32) -> &[u8] {
            self.0[slot as usize].as_bytes()
        }
    }

    /// Entries come up by instant, then by id, in whatever order they were put in.
    #[test]
    fn comes_up_in_order() {
        let ids = Named((0..500).map(|slot| format!("c{:03}", slot * 7 % 500)).collect());
        let mut timers = Timers::default();
        let mut expected = Vec::new();
        for slot in 0..500u32 {
            let due = (slot as i64 * 13) % 17;
            timers.push(due, slot, &ids);
            expected.push((due, ids.0[slot as usize].clone()));
        }
        expected.sort();
        assert_eq!(timers.peek().map(|top| top.0), Some(0));
        let found: Vec<_> = std::iter::from_fn(|| timers.pop(&ids))
            .map(|(due, slot)| (due, ids.0[slot as usize].clone()))
            .collect();
        assert_eq!(found, expected);
    }

    /// Entries that were replaced are dropped, the others come up in their order.
    #[test]
    fn keeps_what_holds() {
        let ids = Named((0..300).map(|slot| format!("c{slot:03}")).collect());
        let mut timers = Timers::default();
        for slot in 0..300u32 {
            for turn in [90, 60, 30, 30] {
                timers.push(turn * 1000 + (slot as i64 * 37) % 101, slot, &ids);
            }
        }
        timers.retain(|due, _| due < 31_000, &ids);
        assert_eq!(timers.entries(), 300);
        let mut expected: Vec<_> = (0..300u32)
            .map(|slot| (30_000 + (slot as i64 * 37) % 101, slot))
            .collect();
        expected.sort_unstable();
        let found: Vec<_> = std::iter::from_fn(|| timers.pop(&ids)).collect();
        assert_eq!(found, expected);
    }
}
