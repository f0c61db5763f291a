//! Profiles: as they were sent, and as they replace what was known.

use super::Machine;
use crate::customer::{Customer, Digest, Profile, Trait};
use crate::limit;
use crate::mutants::m;
use crate::sources;
use crate::wire::record::{Event, Run, Span, Value};

impl Machine {
    /// A profile is whole for its source: it replaces what that one told. Gives the consents that changed.
    pub(super) fn replace_profile(
        &mut self,
        customer: &mut Customer,
        topic: usize,
        profile: Profile,
        at: i64,
        digest: Digest,
    ) -> Vec<String> {
        customer.weight += limit::profile_bytes(Some(&profile));
        let topic = &*self.rules.plan.topics[topic].name;
        let old = if customer.sources.is_none() && topic == sources::PROFILES {
            customer.profile.take()
        } else {
            customer.profile.clone()
        };
        let old = old.unwrap_or_default();
        let told_at = m!("a profile has no instant", at, customer.profile_at);
        sources::tell(
            customer,
            m!("all sources are one", topic, sources::PROFILES),
            profile,
            told_at,
            digest,
        );
        let profile = customer.profile.as_deref().unwrap_or(&old);
        let names = old.consents.iter().chain(&profile.consents).map(|each| &each.0);
        let changed = names
            .filter(|name| {
                m!(
                    "every consent has changed",
                    old.consent(name) != profile.consent(name),
                    true
                )
            })
            .map(|name| name.to_string());
        changed.collect()
    }
}

/// A profile as it was sent: of two values with one name the later one counts.
pub fn profile_of(run: &Run, event: &Event) -> Profile {
    let text = |span: Span| {
        String::from_utf8_lossy(span.of(&run.data).unwrap_or_default())
            .into_owned()
            .into_boxed_str()
    };
    let mut profile = Profile::default();
    for pair in run.pairs(event.attributes) {
        let value = match pair.value {
            Value::Text(span) => Trait::Text(text(span)),
            Value::Number(number) => Trait::Number(number),
            Value::Flag(flag) => Trait::Truth(flag),
        };
        set(&mut profile.traits, text(pair.name), value);
    }
    for pair in run.pairs(event.consents) {
        set(
            &mut profile.consents,
            text(pair.name),
            pair.value == Value::Flag(true),
        );
    }
    for pair in run.pairs(event.lists) {
        match (pair.value, profile.lists.last_mut()) {
            (Value::Text(span), Some(list)) => list.1.push(text(span)),
            _ => {
                // Of two lists with one name the later one counts.
                let name = text(pair.name);
                profile.lists.retain(|each| each.0 != name);
                profile.lists.push((name, Vec::new()));
            }
        }
    }
    profile
}

fn set<T>(held: &mut Vec<(Box<str>, T)>, name: Box<str>, value: T) {
    match held.iter_mut().find(|each| each.0 == name) {
        Some(each) => each.1 = value,
        None => held.push((name, value)),
    }
}
