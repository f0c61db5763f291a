//! The extra of the lists of a profile: of each its name, how many texts, and those.

use super::StateError;
use super::bytes::{Reader, put_bytes, put_number};
use crate::customer::Profile;

/// The lists of a profile. Empty: it has none.
pub fn put(profile: Option<&Profile>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, list) in profile.iter().flat_map(|profile| &profile.lists) {
        put_bytes(&mut out, name.as_bytes());
        put_number(&mut out, list.len() as u64);
        list.iter().for_each(|each| put_bytes(&mut out, each.as_bytes()));
    }
    out
}

/// Read what `put` wrote.
pub fn read(reader: &mut Reader, profile: &mut Profile) -> Result<(), StateError> {
    while !reader.is_empty() {
        let (name, mut list) = (reader.text()?.into(), Vec::new());
        for _ in 0..reader.count(1)? {
            list.push(reader.text()?.into());
        }
        profile.lists.push((name, list));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists come back, an empty one too; cut short they are refused, or fewer.
    #[test]
    fn lists_come_back() {
        assert!(put(None).is_empty() && put(Some(&Profile::default())).is_empty());
        let mut held = Profile::default();
        held.lists
            .push(("interests".into(), vec!["travel".into(), "märz".into()]));
        held.lists.push(("none".into(), Vec::new()));
        let bytes = put(Some(&held));
        let mut found = Profile::default();
        read(&mut Reader::new(&bytes), &mut found).unwrap();
        assert_eq!(found, held);
        for end in 0..bytes.len() {
            let _ = read(&mut Reader::new(&bytes[..end]), &mut Profile::default());
        }
    }
}
