//! Profiles by source: `profiles` is one, each `profiles-NAME` another. A profile is whole for its source.
//!
//! Rules read one profile, which is made of those of all sources. A customer whom only `profiles` has told of keeps that
//! one alone; the list of sources is there from the first profile of another one on.

use crate::customer::{Customer, Digest, Profile};
use crate::limit;
use crate::mutants::m;
use crate::times::BEFORE_ALL;

/// The source that every customer may have.
pub const PROFILES: &str = "profiles";

/// What begins the topic of another source.
const OTHERS: &str = "profiles-";

/// Whether a topic is a source beside `profiles`.
pub fn is_other(topic: &str) -> bool {
    topic.starts_with(OTHERS)
}

/// What a source told last.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The topic.
    pub topic: Box<str>,
    /// The `occurred_at` of the profile, in milliseconds.
    pub at: i64,
    /// Of the record's id, which is forgotten with the source: one that is added again is read from its start. 0 of
    /// `profiles`, which no rule set is without.
    pub digest: Digest,
    /// The profile.
    pub profile: Profile,
}

impl Source {
    /// Bytes on the heap: about.
    pub fn heap(&self) -> usize {
        std::mem::size_of::<Source>() + self.topic.len() + self.profile.heap()
    }
}

/// The profile that rules read: of one name what was told later counts, then what the greater topic told. A consent is
/// given if some source says true and none says false.
pub fn merged(sources: &[Source]) -> Profile {
    let mut order: Vec<&Source> = sources.iter().collect();
    order.sort_by(|one, other| {
        let at = m!(
            "the greater topic goes before the later profile",
            one.at.cmp(&other.at),
            std::cmp::Ordering::Equal
        );
        at.then_with(|| one.topic.cmp(&other.topic))
    });
    let mut found = Profile::default();
    for source in order {
        for (name, value) in &source.profile.traits {
            set(&mut found.traits, name, value.clone());
        }
        for (name, list) in &source.profile.lists {
            set(&mut found.lists, name, list.clone());
        }
        for (name, given) in &source.profile.consents {
            let before = found.consent(name) != Some(false);
            set(
                &mut found.consents,
                name,
                m!("the later source gives a consent", before && *given, *given),
            );
        }
    }
    found
}

fn set<T>(held: &mut Vec<(Box<str>, T)>, name: &str, value: T) {
    match held.iter_mut().find(|each| *each.0 == *name) {
        Some(each) => each.1 = value,
        None => held.push((name.into(), value)),
    }
}

/// When a source told last of a customer, in milliseconds; `BEFORE_ALL`: never.
pub fn told_at(customer: &Customer, topic: &str) -> i64 {
    match &customer.sources {
        Some(sources) => of(sources, topic).map_or(BEFORE_ALL, |source| source.at),
        None if topic == PROFILES => customer.profile_at,
        None => BEFORE_ALL,
    }
}

/// What a source told last of a customer.
pub fn told<'a>(customer: &'a Customer, topic: &str) -> Option<&'a Profile> {
    match &customer.sources {
        Some(sources) => of(sources, topic).map(|source| &source.profile),
        None if topic == PROFILES => customer.profile.as_deref(),
        None => None,
    }
}

fn of<'a>(sources: &'a [Source], topic: &str) -> Option<&'a Source> {
    sources.iter().find(|source| *source.topic == *topic)
}

/// All that was told of a customer, by source.
pub fn all(customer: &Customer) -> Vec<Source> {
    match &customer.sources {
        Some(sources) => sources.to_vec(),
        None if customer.profile_at == BEFORE_ALL => Vec::new(),
        None => vec![Source {
            topic: PROFILES.into(),
            at: customer.profile_at,
            digest: 0,
            profile: customer.profile.as_deref().cloned().unwrap_or_default(),
        }],
    }
}

/// Replace what a source told of a customer. `digest`: of the record's id.
pub fn tell(customer: &mut Customer, topic: &str, profile: Profile, at: i64, digest: Digest) {
    if customer.sources.is_none() && topic == PROFILES {
        (customer.profile, customer.profile_at) = (Some(Box::new(profile)), at);
        return;
    }
    let mut sources = all(customer);
    sources.retain(|source| *source.topic != *topic);
    sources.push(Source {
        topic: topic.into(),
        at,
        digest: if topic == PROFILES { 0 } else { digest },
        profile,
    });
    hold(customer, sources);
}

/// Let a customer have these sources and no others.
pub fn hold(customer: &mut Customer, mut sources: Vec<Source>) {
    sources.sort_by(|one, other| one.topic.cmp(&other.topic));
    customer.profile_at = sources.iter().map(|source| source.at).max().unwrap_or(BEFORE_ALL);
    customer.profile = (!sources.is_empty()).then(|| Box::new(merged(&sources)));
    let more = sources.iter().any(|source| *source.topic != *PROFILES);
    customer.sources = more.then(|| Box::new(sources));
}

/// Whether a profile of a source, in the place of what it told before, takes away a consent that a customer has given.
pub fn takes_consent(customer: &Customer, topic: &str, profile: &Profile) -> bool {
    let Some(held) = &customer.profile else {
        return false;
    };
    let given = |name: &str| match &customer.sources {
        None if topic == PROFILES => profile.consent(name),
        _ => {
            let mut sources = all(customer);
            sources.retain(|source| *source.topic != *topic);
            let told = sources
                .iter()
                .map(|source| &source.profile)
                .chain([profile])
                .filter_map(|each| each.consent(name));
            told.reduce(|one, other| one && other)
        }
    };
    held.consents.iter().filter(|each| each.1).any(|each| {
        m!(
            "a consent not told is not taken away",
            given(&each.0) != Some(true),
            given(&each.0) == Some(false)
        )
    })
}

/// Bytes of what was told of a customer.
pub fn bytes(customer: &Customer) -> usize {
    match &customer.sources {
        None => limit::profile_bytes(customer.profile.as_deref()),
        Some(sources) => sources
            .iter()
            .map(|source| limit::profile_bytes(Some(&source.profile)))
            .sum(),
    }
}

/// Forget what other sources told than these. True: something is gone.
pub fn keep(customer: &mut Customer, is_kept: impl Fn(&str) -> bool) -> bool {
    let Some(sources) = &customer.sources else {
        return false;
    };
    let both = sources.iter().cloned();
    let (kept, gone): (Vec<Source>, Vec<Source>) =
        both.partition(|source| *source.topic == *PROFILES || is_kept(&source.topic));
    for source in &gone {
        m!(
            "what is read again is a duplicate",
            customer.forget_id(source.digest),
            ()
        );
    }
    if !gone.is_empty() {
        hold(customer, kept);
    }
    !gone.is_empty()
}

/// Take in what was told of another customer after an instant: of each source the later profile, of two of one instant
/// the own.
pub fn join(mine: &mut Customer, theirs: Vec<Source>, floor: i64) {
    for source in theirs {
        let held = told_at(mine, &source.topic);
        let later = m!("the earlier profile stays", source.at > held, source.at < held);
        if later && source.at > floor {
            tell(mine, &source.topic, source.profile, source.at, source.digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Trait;
    use std::sync::Arc;

    fn profile(age: Option<&str>, consent: Option<bool>) -> Profile {
        let mut found = Profile::default();
        found
            .traits
            .extend(age.map(|age| ("age".into(), Trait::Text(age.into()))));
        found.consents.extend(consent.map(|given| ("mail".into(), given)));
        found
    }

    fn age(customer: &Customer) -> Option<&str> {
        match customer.profile.as_ref()?.attribute("age")? {
            Trait::Text(text) => Some(text),
            _ => None,
        }
    }

    fn tell(customer: &mut Customer, topic: &str, profile: Profile, at: i64) {
        super::tell(customer, topic, profile, at, at as Digest);
    }

    fn anyone() -> Customer {
        Customer::new(Arc::from(&b"ann"[..]), 0)
    }

    /// Of one name the later profile counts, of one instant that of the greater topic; a source replaces its own alone.
    #[test]
    fn later_then_greater() {
        let mut ann = anyone();
        tell(&mut ann, PROFILES, profile(Some("30"), None), 5);
        assert!(ann.sources.is_none());
        tell(&mut ann, "profiles-crm", profile(Some("31"), None), 4);
        assert_eq!((age(&ann), ann.profile_at), (Some("30"), 5));
        tell(&mut ann, "profiles-crm", profile(Some("31"), None), 5);
        assert_eq!(age(&ann), Some("31"));
        tell(&mut ann, "profiles-crm", profile(None, None), 9);
        assert_eq!((age(&ann), ann.profile_at), (Some("30"), 9));
        assert_eq!(
            (told_at(&ann, PROFILES), told_at(&ann, "profiles-x")),
            (5, BEFORE_ALL)
        );
    }

    /// A consent is given if some source says true and none says false.
    #[test]
    fn consents_of_all() {
        let mut ann = anyone();
        tell(&mut ann, PROFILES, profile(None, Some(true)), 1);
        assert!(takes_consent(&ann, PROFILES, &profile(None, None)));
        assert!(!takes_consent(&ann, "profiles-crm", &profile(None, None)));
        assert!(takes_consent(&ann, "profiles-crm", &profile(None, Some(false))));
        tell(&mut ann, "profiles-crm", profile(None, Some(false)), 0);
        assert_eq!(ann.profile.as_ref().unwrap().consent("mail"), Some(false));
        assert!(!takes_consent(&ann, PROFILES, &profile(None, None)));
        tell(&mut ann, "profiles-crm", profile(None, Some(true)), 2);
        assert!(!takes_consent(&ann, PROFILES, &profile(None, None)));
    }

    /// What a removed source told is gone; without other sources nothing is left of them.
    #[test]
    fn removed_sources() {
        let mut ann = anyone();
        assert!(!keep(&mut ann, |_| false));
        tell(&mut ann, "profiles-crm", profile(Some("31"), None), 4);
        let plain = limit::profile_bytes(ann.profile.as_deref());
        tell(&mut ann, PROFILES, profile(Some("30"), None), 3);
        (3..5).for_each(|digest| ann.recognise(digest, None));
        assert_eq!((age(&ann), bytes(&ann)), (Some("31"), 2 * plain));
        assert!(!keep(&mut ann, |_| true) && keep(&mut ann, |_| false));
        assert_eq!((&*ann.ids, ann.seen.len()), (&[3][..], 1));
        assert_eq!((age(&ann), ann.profile_at), (Some("30"), 3));
        assert!(ann.sources.is_none());
    }

    /// Of two customers each source's later profile counts, of one instant the own, and none from before an erasure.
    #[test]
    fn joined_sources() {
        let (mut ann, mut bob) = (anyone(), anyone());
        tell(&mut ann, PROFILES, profile(Some("1"), None), 5);
        tell(&mut ann, "profiles-a", profile(None, Some(true)), 5);
        tell(&mut bob, PROFILES, profile(Some("2"), None), 5);
        tell(&mut bob, "profiles-a", profile(None, Some(false)), 6);
        tell(&mut bob, "profiles-b", profile(Some("3"), None), 2);
        join(&mut ann, all(&bob), 2);
        assert_eq!((age(&ann), told_at(&ann, "profiles-b")), (Some("1"), BEFORE_ALL));
        assert_eq!(ann.profile.as_ref().unwrap().consent("mail"), Some(false));
    }
}
