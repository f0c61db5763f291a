//! Mutants of the engine, for the tests of its tests: a decision and its opposite side by side.
//!
//! `m!("what is wrong then", code, mutant)` is the code. With the cargo feature `mutants` it is the mutant instead if
//! that one was chosen. Without the feature nothing of it is compiled.

/// A piece of code, and what a mutant has in its place.
#[cfg(not(feature = "mutants"))]
macro_rules! m {
    ($name:literal, $code:expr, $mutant:expr) => {
        $code
    };
}

/// A piece of code, and what a mutant has in its place.
#[cfg(feature = "mutants")]
macro_rules! m {
    ($name:literal, $code:expr, $mutant:expr) => {
        if $crate::mutants::chosen($name) {
            $mutant
        } else {
            $code
        }
    };
}

pub(crate) use m;

/// The mutant chosen for this process: by its name.
#[cfg(feature = "mutants")]
static CHOSEN: std::sync::RwLock<&'static str> = std::sync::RwLock::new("");

/// Whether a mutant is chosen.
#[cfg(feature = "mutants")]
pub fn chosen(name: &str) -> bool {
    CHOSEN.read().is_ok_and(|chosen| *chosen == name)
}

/// Choose a mutant; the empty name is the engine as it is.
#[cfg(feature = "mutants")]
pub fn choose(name: &str) {
    if let Ok(mut chosen) = CHOSEN.write() {
        *chosen = Box::leak(name.to_owned().into_boxed_str());
    }
}
