//! Mutants that golden cases must notice: each makes something else of one. They need the feature `mutants`.

#![cfg(feature = "mutants")]

#[expect(dead_code, reason = "ways.rs lives through the cases in other ways, too")]
mod life;

use life::{Case, Store};
use segments_engine::mutants::choose;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// Of the case with links.
const OF_LINKS: [&str; 4] = [
    "a forwarded record is applied at both",
    "an unlink leaves the redirect",
    "what is absorbed is remembered",
    "the earlier profile stays",
];

/// Of profiles by source, in cases whose customers several sources tell of.
const OF_SOURCES: [&str; 3] = [
    "all sources are one",
    "the greater topic goes before the later profile",
    "the later source gives a consent",
];

/// A case comes out as its file says with the engine as it is, and with none of its mutants. One test, since a mutant is
/// chosen for the whole process.
#[test]
fn mutants_are_noticed() {
    let (linked, others): (Vec<PathBuf>, Vec<PathBuf>) = life::folders("golden")
        .into_iter()
        .partition(|case| case.ends_with("linked"));
    let read = |folders: &[PathBuf]| -> Vec<Case> { folders.iter().map(|each| Case::read(each)).collect() };
    let (linked, others) = (read(&linked), read(&others));
    let unlike =
        |case: &Case| catch_unwind(AssertUnwindSafe(|| life::compare(case, Store::default()))).is_err();
    assert!(!linked.iter().chain(&others).any(unlike));
    for (names, cases) in [(&OF_LINKS[..], &linked), (&OF_SOURCES[..], &others)] {
        for name in names {
            choose(name);
            assert!(cases.iter().any(unlike), "{name}");
        }
    }
}
