//! The golden vectors of `tests/golden`, and the states of the Python engine in `tests/upgrade`, lived through.

mod life;

use life::{cases, compare, from_hex, lines, text};
use std::collections::BTreeMap;

/// Every case of `tests/golden` comes out as its file says.
#[test]
fn golden_vectors() {
    let cases = cases("golden");
    assert!(cases.len() >= 15);
    for case in cases {
        compare(&case, BTreeMap::new());
    }
}

/// What the Python engine wrote is read, and what comes after comes out as it did there.
#[test]
fn states_of_the_python_engine() {
    let cases = cases("upgrade/python_engine");
    assert!(cases.len() >= 20);
    for case in cases {
        let lines = lines(&case.join("states.jsonl"));
        let states = lines
            .iter()
            .map(|line| (from_hex(text(line, "key")), from_hex(text(line, "state"))));
        compare(&case, states.collect());
    }
}
