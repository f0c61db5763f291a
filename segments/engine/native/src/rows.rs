//! How events are kept: rows of words, sorted by their instants.
//!
//! A row is an instant, then the columns of its stream; of a stream of visits the end of the session comes last. A word
//! is a number, or the number of a text in [`crate::names::Names`]; [`NULL`] is a missing value.

use crate::mutants::m;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// A missing value. No event has a missing number but money, which is less than that, so nothing is mistaken for it.
pub const NULL: i64 = i64::MIN;

/// Groups from which on their places are held in a map, since looking through them takes longer.
const INDEXED: usize = 24;

/// Rows as they are read.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    words: &'a [i64],
    stride: usize,
}

impl<'a> Series<'a> {
    /// Rows of `stride` words each.
    #[inline]
    pub fn new(words: &'a [i64], stride: usize) -> Series<'a> {
        Series { words, stride }
    }

    /// How many rows.
    #[inline]
    pub fn len(&self) -> usize {
        if self.stride == 1 {
            self.words.len()
        } else {
            self.words.len() / self.stride
        }
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The instant of a row.
    #[inline]
    pub fn at(&self, row: usize) -> i64 {
        self.words[row * self.stride]
    }

    /// A word of a row.
    #[inline]
    pub fn word(&self, row: usize, column: usize) -> i64 {
        self.words[row * self.stride + column]
    }

    /// The words of a row.
    #[inline]
    pub fn row(&self, row: usize) -> &'a [i64] {
        &self.words[row * self.stride..(row + 1) * self.stride]
    }

    /// The instant of the last row, of which there must be one.
    #[inline]
    pub fn last(&self) -> i64 {
        self.words[self.words.len() - self.stride]
    }

    /// How many rows have at most this in a column that ascends.
    #[inline]
    pub fn upto_in(&self, column: usize, bound: i64) -> usize {
        let rows = self.len();
        if rows <= 8 {
            let mut place = rows;
            while place > 0
                && m!(
                    "few rows are searched for less",
                    self.word(place - 1, column) > bound,
                    self.word(place - 1, column) >= bound
                )
            {
                place -= 1;
            }
            return place;
        }
        // Mostly all rows are at or before now, and none before the window.
        if self.word(rows - 1, column) <= bound {
            return rows;
        }
        if self.word(0, column) > bound {
            return 0;
        }
        let (mut low, mut high) = (0, rows);
        while low < high {
            let middle = (low + high) / 2;
            if m!(
                "many rows are searched for less",
                self.word(middle, column) > bound,
                self.word(middle, column) >= bound
            ) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        low
    }

    /// How many rows are at or before an instant.
    #[inline]
    pub fn upto(&self, instant: i64) -> usize {
        self.upto_in(0, instant)
    }

    /// The first `rows` rows.
    pub fn first(&self, rows: usize) -> Series<'a> {
        Series {
            words: &self.words[..rows * self.stride],
            stride: self.stride,
        }
    }

    /// The rows from a place on.
    pub fn from(&self, row: usize) -> Series<'a> {
        Series {
            words: &self.words[row * self.stride..],
            stride: self.stride,
        }
    }
}

/// Rows as they are kept. How long a row is, the stream tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows(pub SmallVec<[i64; 4]>);

impl Rows {
    /// To be read.
    #[inline]
    pub fn series(&self, stride: usize) -> Series<'_> {
        Series::new(&self.0, stride)
    }

    /// Put a row where it belongs: after those of the same instant.
    #[inline]
    pub fn put(&mut self, row: &[i64]) {
        let series = self.series(row.len());
        if self.0.is_empty() || row[0] >= series.last() {
            self.0.extend_from_slice(row);
        } else {
            let place = m!(
                "a late row goes before those of its instant",
                series.upto(row[0]),
                series.upto(row[0] - 1)
            );
            self.insert(place, row);
        }
    }

    /// Put a row at a place.
    #[inline]
    pub fn insert(&mut self, place: usize, row: &[i64]) {
        self.0.insert_from_slice(place * row.len(), row);
    }

    /// Drop the first `rows` rows.
    pub fn forget(&mut self, rows: usize, stride: usize) {
        if rows > 0 {
            self.0.drain(..rows * stride);
            if self.0.spilled() && self.0.len() * 4 < self.0.capacity() {
                self.0.shrink_to_fit();
            }
        }
    }

    /// Bytes outside of the value itself.
    pub fn heap(&self) -> usize {
        if self.0.spilled() {
            8 * self.0.capacity()
        } else {
            0
        }
    }
}

/// Rows by a key: a text's number, or a number.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// In the order in which their keys first came.
    pub list: Vec<(i64, Rows)>,
    index: Option<Box<Index>>,
}

/// The places of groups by their keys, which stand in the list alone: five bytes a place stay near the processor.
#[derive(Clone, Debug, Default)]
struct Index {
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Index {
    /// Of a list whose keys are unlike.
    fn of(list: &[(i64, Rows)]) -> Index {
        let mut index = Index::default();
        for place in 0..list.len() {
            index.add(place, list);
        }
        index
    }

    #[inline]
    fn find(&self, key: i64, list: &[(i64, Rows)]) -> Option<usize> {
        let alike = |place: &u32| list[*place as usize].0 == key;
        let found = self.places.find(self.hasher.hash_one(key), alike);
        found.map(|place| *place as usize)
    }

    /// Add a place of the list, whose key is new.
    fn add(&mut self, place: usize, list: &[(i64, Rows)]) {
        let hash = |place: &u32| self.hasher.hash_one(list[*place as usize].0);
        let place = place as u32;
        self.places.insert_unique(hash(&place), place, hash);
    }
}

impl Groups {
    /// Groups of unlike keys, each with at least one row; None: there is none.
    pub fn of(list: Vec<(i64, Rows)>) -> Kept {
        if list.is_empty() {
            return Kept::None;
        }
        let mut groups = Groups { list, index: None };
        groups.reindex();
        Kept::Keyed(Box::new(groups))
    }

    /// Where a key stands in the list.
    #[inline]
    pub fn place(&self, key: i64) -> Option<usize> {
        match &self.index {
            None => self.list.iter().position(|group| group.0 == key),
            Some(index) => index.find(key, &self.list),
        }
    }

    /// The rows of a key.
    #[inline]
    pub fn get(&self, key: i64) -> Option<&Rows> {
        self.place(key).map(|place| &self.list[place].1)
    }

    /// The place of a key, which is new if need be.
    pub fn enter(&mut self, key: i64) -> usize {
        if let Some(place) = self.place(key) {
            return place;
        }
        let place = self.list.len();
        if place == self.list.capacity() {
            self.list.reserve_exact(1 + place / 4);
        }
        self.list.push((key, Rows::default()));
        match &mut self.index {
            Some(index) => index.add(place, &self.list),
            None if place >= INDEXED => self.reindex(),
            None => {}
        }
        place
    }

    /// Rebuild the index after the list was changed.
    pub fn reindex(&mut self) {
        self.index = (self.list.len() > INDEXED).then(|| Box::new(Index::of(&self.list)));
    }

    /// Bytes outside of the value itself.
    pub fn heap(&self) -> usize {
        let each = std::mem::size_of::<(i64, Rows)>();
        let index = self.index.as_ref().map_or(0, |index| 6 * index.places.capacity());
        self.list.capacity() * each + self.list.iter().map(|group| group.1.heap()).sum::<usize>() + index
    }
}

/// What is kept of a stream.
#[derive(Clone, Debug, Default)]
pub enum Kept {
    /// Nothing.
    #[default]
    None,
    /// At least one row.
    Rows(Rows),
    /// At least one group of at least one row.
    Keyed(Box<Groups>),
}

impl Kept {
    /// Bytes outside of the value itself.
    pub fn heap(&self) -> usize {
        match self {
            Kept::None => 0,
            Kept::Rows(rows) => rows.heap(),
            Kept::Keyed(groups) => std::mem::size_of::<Groups>() + groups.heap(),
        }
    }

    /// The rows of a stream without keys, or of each key.
    pub fn each(&self) -> impl Iterator<Item = &Rows> {
        let (rows, groups) = match self {
            Kept::None => (None, None),
            Kept::Rows(rows) => (Some(rows), None),
            Kept::Keyed(groups) => (None, Some(groups.list.iter().map(|group| &group.1))),
        };
        rows.into_iter().chain(groups.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A late row comes after those of its instant, and what is forgotten is the oldest.
    #[test]
    fn rows_stay_sorted() {
        let mut rows = Rows::default();
        for row in [[5, 50], [9, 90], [5, 51], [1, 10]] {
            rows.put(&row);
        }
        assert_eq!(rows.0[..], [1, 10, 5, 50, 5, 51, 9, 90]);
        let series = rows.series(2);
        assert_eq!(
            (series.upto(0), series.upto(5), series.upto(9), series.last()),
            (0, 3, 4, 9)
        );
        rows.forget(3, 2);
        assert_eq!(rows.0[..], [9, 90]);
    }

    /// A column is searched by halves once there are many rows.
    #[test]
    fn many_rows_are_searched() {
        let words: Vec<i64> = (0..100).flat_map(|at| [10 * at, 10 * at + 5]).collect();
        let series = Series::new(&words, 2);
        for (bound, count) in [
            (-1, 0),
            (0, 1),
            (9, 1),
            (10, 2),
            (985, 99),
            (990, 100),
            (5000, 100),
        ] {
            assert_eq!(series.upto(bound), count);
            assert_eq!(series.upto_in(1, bound + 5), count);
        }
    }

    /// Groups are found by their keys, few or many, also after some were taken out.
    #[test]
    fn groups_are_found() {
        let mut groups = Groups::default();
        for key in 0..60 {
            let place = groups.enter(7 * key);
            groups.list[place].1.put(&[key]);
        }
        assert_eq!(groups.get(7 * 59).map(|rows| rows.0[0]), Some(59));
        assert_eq!(groups.enter(7), 1);
        groups.list.retain(|group| group.0 % 2 == 0);
        groups.reindex();
        assert_eq!((groups.place(14), groups.place(7)), (Some(1), None));
        assert!(groups.heap() > 0);
    }
}
