//! The golden cases of `tests/golden` lived through in several ways, of which `golden.rs` has the plainest.
//!
//! At once; a record at a time, with a restart from what was committed after each; with all that is older in a record of
//! its own. None of it may show.

#[expect(dead_code, reason = "golden.rs compares the plainest way with the files")]
mod life;

use std::sync::Arc;

use life::{AT_ONCE, Case, Life, Store, Way, folders};
use segments_engine::codec;
use segments_engine::customer::Customer;
use segments_engine::names::Names;
use segments_engine::position;
use segments_engine::rows::Kept;
use serde_json::Value as Json;

fn cases() -> Vec<Case> {
    let folders = folders("golden");
    assert!(folders.len() >= 15, "the golden cases are missing");
    folders.iter().map(|folder| Case::read(folder)).collect()
}

fn lived(case: &Case, way: Way) -> Vec<Json> {
    Life::new(case, way, Store::default()).live()
}

/// Every case in a way, with dead letters in any order: a record that is refused is so as soon as it is fetched.
fn all_as_expected(way: Way) {
    for case in cases() {
        let (mut found, mut expected) = (lived(&case, way), case.effects.clone());
        for lines in [&mut found, &mut expected] {
            sorted_letters(lines);
        }
        assert_eq!(found.len(), expected.len(), "{}", case.name);
        for (found, expected) in found.iter().zip(&expected) {
            for (field, value) in expected.as_object().unwrap() {
                let customer = &expected["customer"];
                assert_eq!(&found[field], value, "{}: {customer} {field}", case.name);
            }
        }
    }
}

/// Sort the dead letters, and count those of bugs.
fn sorted_letters(lines: &mut [Json]) -> usize {
    let mut bugs = 0;
    let letters = lines.iter_mut().filter_map(|line| line.get_mut("dead_letters"));
    for letters in letters.filter_map(Json::as_array_mut) {
        letters.sort_by_key(ToString::to_string);
        bugs += letters.iter().filter(|each| each[2] == "engine_error").count();
    }
    bugs
}

/// Flips, memberships, outcomes, offsets, clock, members and dead letters are those of the golden files.
#[test]
fn as_in_the_golden_files() {
    all_as_expected(AT_ONCE);
}

/// A commit after every record shows nowhere.
#[test]
fn a_record_at_a_time() {
    all_as_expected(Way { turn: 1, ..AT_ONCE });
}

/// A restart after every record shows nowhere: what is remembered is what was written.
#[test]
fn with_restarts() {
    all_as_expected(Way {
        turn: 1,
        restarts: true,
        ..AT_ONCE
    });
}

/// What is older, in a record of its own, shows nowhere.
#[test]
fn in_two_records() {
    all_as_expected(Way {
        turn: 1,
        apart: 2,
        ..AT_ONCE
    });
    all_as_expected(Way {
        turn: 1,
        restarts: true,
        apart: 2,
        ..AT_ONCE
    });
}

/// A bug undoes one record: what else was done since the last commit stays, however much that is.
#[test]
fn with_bugs() {
    let mut bugs = 0;
    for case in cases() {
        let poisoned = Way {
            poisoned: true,
            ..AT_ONCE
        };
        let single = Way { turn: 1, ..poisoned };
        let apart = Way {
            restarts: true,
            apart: 2,
            ..single
        };
        let mut found = [poisoned, single, apart].map(|way| lived(&case, way));
        bugs += found.iter_mut().map(|lines| sorted_letters(lines)).sum::<usize>();
        assert_eq!(found[0], found[1], "{}", case.name);
        assert_eq!(found[0], found[2], "{}", case.name);
    }
    assert!(bugs > 100, "only {bugs} bugs");
}

/// A state that ends too early is refused, wherever it ends.
#[test]
fn short_states() {
    for case in cases() {
        let store = Store::default();
        Life::new(&case, AT_ONCE, store.clone()).live();
        let shapes = position::shapes_of(&case.rules);
        let decode = |data: &[u8]| {
            codec::decode(
                Arc::from(&b"x"[..]),
                data,
                &shapes,
                &mut Names::default(),
                &mut |_| None,
            )
            .unwrap()
        };
        let streams = |customer: &Customer| {
            customer
                .streams
                .iter()
                .filter(|kept| !matches!(kept, Kept::None))
                .count()
        };
        for (key, state) in store
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|each| codec::of_customer(each.0))
        {
            for end in 0..state.len() {
                let (key, data) = (Arc::from(&key[..]), &state[..end]);
                let found = codec::decode(key, data, &shapes, &mut Names::default(), &mut |_| None);
                // At the end of a stream nobody can tell that another one was there: that one is missing then.
                let whole = decode(&state[..]);
                assert!(
                    found.is_err() || found.is_ok_and(|found| streams(&found) < streams(&whole)),
                    "{}",
                    case.name
                );
            }
        }
    }
}
