//! The golden vectors of `tests/golden`, and the states of the Python engine in `tests/upgrade`, lived through.

mod life;

use life::{Case, Store, compare, folders, lines};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex};

/// Every case of `tests/golden` comes out as its file says.
#[test]
fn golden_vectors() {
    let folders = folders("golden");
    assert!(folders.len() >= 16);
    for folder in folders {
        compare(&Case::read(&folder), Store::default());
    }
}

/// What the Python engine wrote is read, and what comes after comes out as it did there.
#[test]
fn states_of_the_python_engine() {
    let folders = folders("upgrade/python_engine");
    assert!(folders.len() >= 20);
    for folder in folders {
        let lines = lines(&folder.join("states.jsonl"));
        let states = lines
            .iter()
            .map(|line| (from_hex(&line["key"]), from_hex(&line["state"])));
        compare(
            &Case::read(&folder),
            Store(Arc::new(Mutex::new(states.collect()))),
        );
    }
}

/// Bytes by their digits.
fn from_hex(text: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
