//! The extras of [`crate::watches`]: open watches, and the arms of stays.

use super::StateError;
use super::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::customer::Customer;
use crate::output::Reason;
use crate::times::NEVER;
use crate::watches::{Arm, Watch};

/// The bits of the arm in the flags of a watch.
const ARM: u8 = 3;
const VALUE: u8 = 4;
const ENTERED_AS: u8 = 8;
const VERSION: u8 = 16;
const GOALS: u8 = 32;
const REVENUE: u8 = 64;

/// The open watches: rule, flags, what they announce, and instants before the customer's own. Empty: there is none.
pub fn watches(customer: &Customer) -> Vec<u8> {
    let (mut out, now) = (Vec::new(), customer.instant);
    for watch in customer.watches.iter().flat_map(|watches| &watches.open) {
        let texts = [
            (VALUE, &watch.value),
            (ENTERED_AS, &watch.entered_as),
            (VERSION, &watch.version),
        ];
        let there = || {
            texts
                .iter()
                .filter_map(|(flag, text)| Some((flag, text.as_ref()?)))
        };
        let numbers = [(GOALS, watch.goals > 0), (REVENUE, watch.revenue != 0)];
        let flags = there()
            .map(|each| *each.0)
            .chain(numbers.iter().filter(|each| each.1).map(|each| each.0));
        put_number(&mut out, watch.rule.into());
        out.push(flags.sum::<u8>() | code_of_arm(watch.arm));
        out.push(code_of_reason(watch.reason));
        put_number(&mut out, watch.episode as u64);
        put_signed(&mut out, now - watch.at);
        put_signed(&mut out, watch.until - watch.at);
        there().for_each(|each| put_bytes(&mut out, each.1.as_bytes()));
        if watch.goals > 0 {
            put_number(&mut out, watch.goals);
            put_signed(&mut out, now - watch.first);
        }
        if watch.revenue != 0 {
            put_bytes(&mut out, &watch.revenue.to_le_bytes());
        }
    }
    out
}

pub fn read_watches(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    let now = customer.instant;
    let watches = customer.watches.get_or_insert_default();
    while !reader.is_empty() {
        let (rule, flags) = (reader.number()? as u32, reader.byte()?);
        let (reason, episode) = (reason_of(reader.byte()?)?, reader.number()? as i64);
        let at = now - reader.signed()?;
        let until = at + reader.signed()?;
        let mut text = |flag| {
            Ok(if flags & flag != 0 {
                Some(Box::from(reader.text()?))
            } else {
                None
            })
        };
        let (value, entered_as, version) = (text(VALUE)?, text(ENTERED_AS)?, text(VERSION)?);
        let (goals, first) = if flags & GOALS != 0 {
            (reader.number()?, now - reader.signed()?)
        } else {
            (0, NEVER)
        };
        let revenue = if flags & REVENUE != 0 {
            i128::from_le_bytes(reader.bytes()?.try_into().map_err(|_| StateError::SHORT)?)
        } else {
            0
        };
        watches.open.push(Watch {
            rule,
            value,
            entered_as,
            version,
            episode,
            at,
            until,
            reason,
            arm: arm_of(flags & ARM)?,
            goals,
            first,
            revenue,
            fresh: false,
        });
    }
    Ok(())
}

/// The arm of each stay, in the order of the header. Empty: none has one.
pub fn arms(customer: &Customer) -> Vec<u8> {
    if customer.episodes.iter().all(|episode| episode.arm.is_none()) {
        return Vec::new();
    }
    customer
        .episodes
        .iter()
        .map(|episode| code_of_arm(episode.arm))
        .collect()
}

pub fn read_arms(reader: &mut Reader, customer: &mut Customer) -> Result<(), StateError> {
    for episode in &mut customer.episodes {
        episode.arm = arm_of(reader.byte()?)?;
    }
    if reader.is_empty() {
        Ok(())
    } else {
        Err(StateError::new("there are more arms than stays"))
    }
}

fn code_of_arm(arm: Option<Arm>) -> u8 {
    match arm {
        None => 0,
        Some(Arm::Treated) => 1,
        Some(Arm::Control) => 2,
        Some(Arm::Mixed) => 3,
    }
}

fn arm_of(code: u8) -> Result<Option<Arm>, StateError> {
    Ok(match code {
        0 => None,
        1 => Some(Arm::Treated),
        2 => Some(Arm::Control),
        3 => Some(Arm::Mixed),
        _ => return Err(StateError::new("an arm is unknown")),
    })
}

/// Written in states: a code is never used for another reason. [`reason_of`] reads it.
fn code_of_reason(reason: Reason) -> u8 {
    match reason {
        Reason::Erasure => 0,
        Reason::RuleAdded => 1,
        Reason::RuleChanged => 2,
        Reason::RuleRemoved => 3,
        Reason::LateEvent => 4,
        Reason::Consent => 5,
        Reason::Profile => 6,
        Reason::Event => 7,
        Reason::Timer => 8,
        Reason::Borders => 9,
        Reason::Merged => 10,
    }
}

fn reason_of(code: u8) -> Result<Reason, StateError> {
    Ok(match code {
        0 => Reason::Erasure,
        1 => Reason::RuleAdded,
        2 => Reason::RuleChanged,
        3 => Reason::RuleRemoved,
        4 => Reason::LateEvent,
        5 => Reason::Consent,
        6 => Reason::Profile,
        7 => Reason::Event,
        8 => Reason::Timer,
        9 => Reason::Borders,
        10 => Reason::Merged,
        _ => return Err(StateError::new("the reason of an enter is unknown")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Episode;
    use std::sync::Arc;

    /// Watches with all and with nothing of what may be there, and arms, come back.
    #[test]
    fn watches_come_back() {
        let mut ann = Customer::new(Arc::from(&b"ann"[..]), 0);
        ann.instant = 1_000_000;
        let bare = Watch {
            rule: 3,
            value: None,
            entered_as: None,
            version: None,
            episode: 7,
            at: 999_000,
            until: 2_000_000,
            reason: Reason::Timer,
            arm: None,
            goals: 0,
            first: NEVER,
            revenue: 0,
            fresh: false,
        };
        let full = Watch {
            value: Some("shoes".into()),
            entered_as: Some("bob".into()),
            version: Some("abc".into()),
            arm: Some(Arm::Mixed),
            goals: 300,
            first: 999_500,
            revenue: -(1 << 100),
            ..bare.clone()
        };
        ann.watches.get_or_insert_default().open = vec![bare, full];
        ann.episodes = [None, Some(Arm::Control)]
            .map(|arm| Episode {
                rule: 0,
                value: crate::values::PLAIN,
                sequence: 1,
                at: 0,
                arm,
            })
            .into();
        let mut read = Customer {
            watches: None,
            ..ann.clone()
        };
        read.episodes.iter_mut().for_each(|episode| episode.arm = None);
        read_watches(&mut Reader::new(&watches(&ann)), &mut read).unwrap();
        read_arms(&mut Reader::new(&arms(&ann)), &mut read).unwrap();
        assert_eq!((&read.watches, &read.episodes), (&ann.watches, &ann.episodes));
        for code in 0..11 {
            assert_eq!(code_of_reason(reason_of(code).unwrap()), code);
        }
        assert!(reason_of(99).is_err() && arm_of(4).is_err());
        assert!(read_arms(&mut Reader::new(&[1, 1, 1]), &mut read).is_err());
    }
}
