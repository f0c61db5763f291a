//! `values(field)`: the different values of a field as a JSON array, the latest first. No rule compares with it.

use super::{Asked, Kernel};
use crate::evidence::{cut_to, write_key};
use crate::mutants::m;
use crate::plan::FieldKind;
use hashbrown::HashSet;
use std::cmp::Reverse;

/// Values of an array.
const MOST: usize = 20;

/// Bytes of one of them, before it is quoted.
const LONGEST_VALUE: usize = 256;

/// Bytes of an array.
const LONGEST: usize = 1_024;

impl Kernel {
    /// Add the array. False: there is no value.
    pub fn list(&self, asked: &Asked, kind: FieldKind, out: &mut Vec<u8>) -> bool {
        let mut met: HashSet<i64, foldhash::fast::RandomState> = HashSet::default();
        let mut found: Vec<(i64, i64)> = asked
            .latest_first(self.column)
            .filter(|(_, word)| met.insert(*word))
            .collect();
        let text = |word: i64| (kind == FieldKind::Text).then(|| asked.names.text(word));
        found.sort_by(|(one, left), (other, right)| {
            let ascending = match (text(*left), text(*right)) {
                (Some(left), Some(right)) => left.cmp(right),
                _ => left.cmp(right),
            };
            let latest_first = Reverse(one).cmp(&Reverse(other));
            latest_first.then(m!(
                "of one instant the largest first",
                ascending,
                ascending.reverse()
            ))
        });
        let start = out.len();
        for (_, word) in found.into_iter().take(MOST) {
            let before = out.len();
            out.push(if before == start { b'[' } else { b',' });
            match text(word) {
                Some(text) => quote(text, out),
                None => write_key(Some(kind), word, asked.names, out),
            }
            if out.len() - start >= LONGEST {
                out.truncate(before);
                break;
            }
        }
        let any = out.len() > start;
        if any {
            out.push(b']');
        }
        any
    }
}

/// A text as JSON, cut; what is not ASCII stays as it is.
fn quote(text: &[u8], out: &mut Vec<u8>) {
    let mut short = text.to_vec();
    cut_to(&mut short, 0, LONGEST_VALUE);
    let text = String::from_utf8_lossy(&short);
    // Writing a text to a vector can't fail.
    let _ = serde_json::to_writer(out, &*text);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kernel, kernel_of_text};
    use super::*;
    use crate::names::Names;
    use crate::plan::Operator;
    use crate::rows::{NULL, Series};

    fn listed(rows: &[i64], kind: FieldKind, names: &Names) -> Option<String> {
        let kernel = match kind {
            FieldKind::Text => kernel_of_text(super::super::Measure::Values, Operator::Equal, ""),
            _ => kernel(super::super::Measure::Values, Operator::Equal, 0, 1),
        };
        let mut out = b"before".to_vec();
        let (rows, now) = (Series::new(rows, 2), 100);
        let asked = Asked {
            rows,
            floor: 2,
            now,
            names,
        };
        let any = kernel.list(&asked, kind, &mut out);
        any.then(|| String::from_utf8(out.split_off(6)).unwrap_or_default())
    }

    /// Each value once, the latest first, of one instant ascending; what is missing or out of the window does not count.
    #[test]
    fn the_latest_first() {
        let mut names = Names::default();
        let [b, a, märz, quoted] = ["b", "a", "märz", "\"\n"].map(|text| names.intern(text.as_bytes()));
        let rows = [2, quoted, 3, märz, 4, quoted, 7, a, 8, NULL, 9, b, 9, a];
        let of_texts = listed(&rows, FieldKind::Text, &names);
        assert_eq!(of_texts.as_deref(), Some("[\"a\",\"b\",\"\\\"\\n\",\"märz\"]"));
        let money = listed(&[3, 150, 4, 5], FieldKind::Money, &names);
        assert_eq!(money.as_deref(), Some("[0.05,1.50]"));
        assert_eq!(listed(&[2, a], FieldKind::Text, &names), None);
    }

    /// At most twenty, each of at most 256 bytes, and only as many as make an array of at most 1,024.
    #[test]
    fn never_too_long() {
        let names = Names::default();
        let many: Vec<i64> = (0..30).flat_map(|at| [at + 3, at]).collect();
        let found = listed(&many, FieldKind::Number, &names).unwrap_or_default();
        assert_eq!(found.split(',').count(), 20);
        assert!(found.starts_with("[29,28,"));
        let mut names = Names::default();
        let long: Vec<i64> = (0..9)
            .flat_map(|at| {
                [
                    at + 3,
                    names.intern(format!("{at}{}", "x".repeat(400)).as_bytes()),
                ]
            })
            .collect();
        let found = listed(&long, FieldKind::Text, &names).unwrap_or_default();
        assert_eq!((found.split(',').count(), found.len()), (3, 3 * 258 + 4));
        assert!(found.ends_with("x…\"]"));
    }
}
