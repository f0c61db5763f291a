//! Step (2) of the contract: the records that end at the state of their customer, and those that get past a limit.

use crate::customer::{Customer, Profile};
use crate::limit::{self, Limits};
use crate::machine::{Turn, profile_of};
use crate::mutants::m;
use crate::names::Names;
use crate::output::{Notice, Outcome};
use crate::rules::Rules;
use crate::sources::{takes_consent, told, told_at};
use crate::times::{BEFORE_ALL, DAY};
use crate::wire::record::{Event, Format};
use crate::wire::refusals::{LONGEST_TEXT, Reason, Refusal};

/// What comes of a record at the state of its customer.
#[derive(Debug)]
pub enum Screened {
    /// It ends here.
    Ends(Outcome),
    /// It is refused.
    Refused(Refusal),
    /// It goes on.
    GoesOn,
    /// A profile over a limit takes away a consent: its consents alone go on.
    ConsentsAlone,
}

/// Screen an event of a customer, at the clock of the partition; what its sender may not have meant is noticed.
///
/// `known`: where its id stands among those that the customer has seen.
pub fn screen(
    customer: &mut Customer,
    turn: Turn,
    event: &Event,
    known: Option<usize>,
    (clock, limits): (i64, Limits),
    (rules, names): (&Rules, &Names),
) -> (Screened, Option<Notice>) {
    let at = turn.record().at;
    let topic = &rules.plan.topics[turn.topic];
    let of_profile = topic.record == Format::Profile;
    if is_duplicate(customer, known, at) {
        return (Screened::Ends(Outcome::Duplicate), None);
    }
    let too_old = !of_profile && at + rules.plan.retention < clock;
    let held = of_profile.then(|| told_at(customer, &topic.name));
    if too_old || is_ignored(customer, held, at, clock, rules.plan.retention) {
        return (
            Screened::Ends(Outcome::Ignored),
            too_old.then_some(Notice::TooOld),
        );
    }
    let refusal = match &event.over {
        Some(refusal) => Some((**refusal).clone()),
        None => limit::over(customer, rules, names, at, limits)
            .map(|error| Refusal::new(Reason::CustomerLimit, error)),
    };
    match refusal {
        None => (Screened::GoesOn, None),
        Some(_)
            if of_profile
                && m!(
                    "a profile over a limit always takes effect",
                    takes_consent(customer, &topic.name, &profile_of(turn.run, event)),
                    true
                ) =>
        {
            (Screened::ConsentsAlone, Some(Notice::ConsentsAlone))
        }
        Some(refusal) => (Screened::Refused(refusal), None),
    }
}

/// The same id in the same topic, for 24 hours of the customer's own time.
pub fn is_duplicate(customer: &Customer, known: Option<usize>, at: i64) -> bool {
    let Some(place) = known else {
        return false;
    };
    let now = m!("a duplicate by its own time", customer.instant.max(at), at);
    m!(
        "a duplicate for a day and a millisecond",
        now < customer.seen[place] + DAY,
        now <= customer.seen[place] + DAY
    )
}

/// At or before an erasure, too old to matter, or older than the profile that its source told last, at `held`.
fn is_ignored(customer: &Customer, held: Option<i64>, at: i64, clock: i64, retention: i64) -> bool {
    let erased = customer.erased_at;
    if erased != BEFORE_ALL
        && m!("an event at its erasure counts", at <= erased, at < erased)
        && m!("an erasure lasts too long", erased + retention >= clock, true)
    {
        return true;
    }
    if let Some(held) = held {
        return held != BEFORE_ALL && m!("a profile as old is ignored", at < held, at <= held);
    }
    m!(
        "too old by a millisecond",
        at + retention < clock,
        at + retention <= clock
    )
}

/// A profile over a limit as it takes effect: its consents, beside the attributes that are held of its source.
///
/// So that they can't be what is too much: names over 4,096 bytes are left out, and if the rest has more than `most`
/// bytes, all names that are not held.
pub fn consents_alone(customer: &Customer, topic: &str, turn: Turn, event: &Event, most: usize) -> Profile {
    let held = told(customer, topic).cloned().unwrap_or_default();
    let is_held = |name: &str| held.consent(name).is_some();
    let mut consents = profile_of(turn.run, event).consents;
    consents.retain(|each| is_held(&each.0) || each.0.len() <= LONGEST_TEXT);
    if consents.iter().map(|each| each.0.len()).sum::<usize>() > most {
        consents.retain(|each| is_held(&each.0));
    }
    Profile {
        traits: m!(
            "attributes over a limit take effect",
            held.traits,
            profile_of(turn.run, event).traits
        ),
        consents,
        lists: held.lists,
    }
}

/// Whether a currency is that of the rules, but not in capital letters.
pub fn is_lower_case(named: &[u8], currency: &str) -> bool {
    named != currency.as_bytes() && String::from_utf8_lossy(named).to_uppercase() == currency
}
