//! Mutants of links: each makes something else of the golden case with links. They need the feature `mutants`.

#![cfg(feature = "mutants")]

#[expect(dead_code, reason = "golden.rs uses the rest of it")]
mod life;

use segments_engine::mutants::choose;
use std::collections::BTreeMap;
use std::panic::catch_unwind;

const MUTANTS: [&str; 4] = [
    "a forwarded record is applied at both",
    "an unlink leaves the redirect",
    "what is absorbed is remembered",
    "the earlier profile stays",
];

/// The case comes out as its file says with the engine as it is, and with none of its mutants.
#[test]
fn mutants_of_links_are_noticed() {
    let linked = |case: &std::path::PathBuf| case.ends_with("linked");
    let case = life::cases("golden").into_iter().find(linked).unwrap();
    life::compare(&case, BTreeMap::new());
    for name in MUTANTS {
        choose(name);
        let noticed = catch_unwind(|| life::compare(&case, BTreeMap::new())).is_err();
        assert!(noticed, "{name}");
    }
}
