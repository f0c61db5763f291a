//! Sets of rules, as bits by their place in the rule set.

use smallvec::SmallVec;

/// A set of small numbers. Up to 128 rules it lies in the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(SmallVec<[u64; 2]>);

impl Bits {
    /// The set of these numbers.
    pub fn of(numbers: impl IntoIterator<Item = usize>) -> Bits {
        let mut bits = Bits::default();
        numbers.into_iter().for_each(|number| bits.insert(number));
        bits
    }

    /// The set of all numbers below a count.
    pub fn below(count: usize) -> Bits {
        Bits::of(0..count)
    }

    /// Whether a number is in the set.
    #[inline]
    pub fn has(&self, number: usize) -> bool {
        self.0
            .get(number / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Put a number into the set.
    #[inline]
    pub fn insert(&mut self, number: usize) {
        if self.0.len() <= number / 64 {
            self.0.resize(number / 64 + 1, 0);
        }
        self.0[number / 64] |= 1 << (number % 64);
    }

    /// Take a number out of the set.
    #[inline]
    pub fn remove(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    /// Put a number in that is not in the set, or take it out if it is.
    #[inline]
    pub fn flip(&mut self, number: usize) {
        if self.has(number) {
            self.remove(number)
        } else {
            self.insert(number)
        }
    }

    /// Add the numbers of another set.
    #[inline]
    pub fn add(&mut self, other: &Bits) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(word, more)| *word |= more);
    }

    /// Leave only the numbers that are in another set too.
    pub fn keep(&mut self, other: &Bits) {
        for (place, word) in self.0.iter_mut().enumerate() {
            *word &= other.0.get(place).copied().unwrap_or(0);
        }
    }

    /// The numbers that are in another set too.
    pub fn within(&self, other: &Bits) -> Bits {
        let mut found = self.clone();
        found.keep(other);
        found
    }

    /// Take the numbers of another set out.
    pub fn drop(&mut self, other: &Bits) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(word, less)| *word &= !less);
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The least number, which is taken out.
    #[inline]
    pub fn pop(&mut self) -> Option<usize> {
        for (place, word) in self.0.iter_mut().enumerate() {
            if *word != 0 {
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(64 * place + bit);
            }
        }
        None
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let mut left = self.clone();
        std::iter::from_fn(move || left.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers beyond the first words are held and given back in order.
    #[test]
    fn holds_numbers_in_order() {
        let mut bits = Bits::of([3, 200, 64]);
        bits.flip(3);
        bits.flip(5);
        assert!(bits.has(200) && !bits.has(3) && !bits.has(1000));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [5, 64, 200]);
    }

    /// Sets of unlike length are added, intersected and taken from each other.
    #[test]
    fn combines() {
        let mut bits = Bits::of([1, 70]);
        bits.add(&Bits::of([130]));
        bits.keep(&Bits::of([1, 130, 131]));
        assert_eq!(bits, Bits::of([1, 130]));
        bits.drop(&Bits::of([1]));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [130]);
        assert!(!bits.is_empty());
    }
}
