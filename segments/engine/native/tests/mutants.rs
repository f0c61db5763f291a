//! Mutants of links: each makes something else of the golden case with links. They need the feature `mutants`.

#![cfg(feature = "mutants")]

#[expect(dead_code, reason = "ways.rs lives through the cases in other ways, too")]
mod life;

use life::{Case, Store};
use segments_engine::mutants::choose;
use std::panic::{AssertUnwindSafe, catch_unwind};

const MUTANTS: [&str; 4] = [
    "a forwarded record is applied at both",
    "an unlink leaves the redirect",
    "what is absorbed is remembered",
    "the earlier profile stays",
];

/// The case comes out as its file says with the engine as it is, and with none of its mutants.
#[test]
fn mutants_of_links_are_noticed() {
    let linked = life::folders("golden")
        .into_iter()
        .find(|case| case.ends_with("linked"));
    let case = Case::read(&linked.unwrap());
    life::compare(&case, Store::default());
    for name in MUTANTS {
        choose(name);
        let compared = AssertUnwindSafe(|| life::compare(&case, Store::default()));
        assert!(catch_unwind(compared).is_err(), "{name}");
    }
}
