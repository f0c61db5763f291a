//! Texts that customers hold, each once for a partition, as numbers.
//!
//! Nobody counts references: now and then the texts that no live customer holds are dropped. What customers at rest
//! hold lies in their bytes.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Bytes of texts at which those not held are looked for first; then at twice what is held.
const FIRST_SWEEP: usize = 1 << 20;

/// What a text costs beside its letters: its place in the table and in the list, and the allocation.
const EACH: usize = 48;

/// The texts of a partition.
pub struct Names {
    table: HashTable<u32>,
    texts: Vec<Box<[u8]>>,
    free: Vec<u32>,
    bytes: usize,
    sweep_at: usize,
    hasher: RandomState,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            table: HashTable::new(),
            texts: Vec::new(),
            free: Vec::new(),
            bytes: 0,
            sweep_at: FIRST_SWEEP,
            hasher: RandomState::default(),
        }
    }
}

impl Names {
    /// The number of a text.
    #[inline]
    pub fn intern(&mut self, text: &[u8]) -> i64 {
        let hash = self.hasher.hash_one(text);
        if let Some(found) = self
            .table
            .find(hash, |number| &*self.texts[*number as usize] == text)
        {
            return *found as i64;
        }
        self.add(hash, text)
    }

    #[cold]
    fn add(&mut self, hash: u64, text: &[u8]) -> i64 {
        let number = match self.free.pop() {
            Some(number) => {
                self.texts[number as usize] = text.into();
                number
            }
            None => {
                self.texts.push(text.into());
                self.texts.len() as u32 - 1
            }
        };
        self.bytes += text.len() + EACH;
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.table
            .insert_unique(hash, number, |each| hasher.hash_one(&*texts[*each as usize]));
        number as i64
    }

    /// The number of a text that is held already.
    pub fn find(&self, text: &[u8]) -> Option<i64> {
        let hash = self.hasher.hash_one(text);
        self.table
            .find(hash, |number| &*self.texts[*number as usize] == text)
            .map(|found| *found as i64)
    }

    /// The text of a number.
    #[inline]
    pub fn text(&self, number: i64) -> &[u8] {
        &self.texts[number as usize]
    }

    /// One more than the largest number.
    pub fn room(&self) -> usize {
        self.texts.len()
    }

    /// What the texts occupy, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so much came that it is time to look for texts that nobody holds.
    pub fn wants_sweep(&self) -> bool {
        self.bytes >= self.sweep_at
    }

    /// Drop the texts that are not marked, by number.
    pub fn sweep(&mut self, marked: &[bool]) {
        for number in 0..self.texts.len() {
            if marked.get(number).copied().unwrap_or(false) || self.is_free(number) {
                continue;
            }
            let hash = self.hasher.hash_one(&*self.texts[number]);
            if let Ok(entry) = self.table.find_entry(hash, |each| *each as usize == number) {
                entry.remove();
                self.bytes -= self.texts[number].len() + EACH;
                self.texts[number] = Box::default();
                self.free.push(number as u32);
            }
        }
        self.sweep_at = (2 * self.bytes).max(FIRST_SWEEP);
    }

    fn is_free(&self, number: usize) -> bool {
        self.texts[number].is_empty() && self.find(b"") != Some(number as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text has one number, until nobody holds it; then the number serves another.
    #[test]
    fn a_text_not_held_makes_room() {
        let mut names = Names::default();
        let (ann, bob, none) = (names.intern(b"ann"), names.intern(b"bob"), names.intern(b""));
        assert_eq!(names.intern(b"ann"), ann);
        let before = names.bytes();
        let mut marked = vec![false; names.room()];
        (marked[bob as usize], marked[none as usize]) = (true, true);
        names.sweep(&marked);
        assert!(names.bytes() < before && names.find(b"ann").is_none());
        assert_eq!(names.intern(b"cat"), ann);
        assert_eq!(
            (names.text(bob), names.text(ann), names.find(b"")),
            (&b"bob"[..], &b"cat"[..], Some(none))
        );
        names.sweep(&marked);
        names.sweep(&marked);
        assert_eq!(names.intern(b"dog"), ann);
    }
}
