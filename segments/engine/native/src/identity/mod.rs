//! An anonymous visitor becomes known: what is remembered of one id is merged into another.
//!
//! A `Link` empties the id that it is keyed by, which from then on is *redirected*: its state, and each later record, goes
//! to the other id as a [`Transfer`]. Within a partition a transfer arrives at once; to another partition it is handed
//! out, and taken in there as a record of an input of its own.

pub mod alone;
mod arriving;
pub mod links;
pub mod union;
pub mod wire;

pub use union::{both, union};

use crate::times::BEFORE_ALL;
use crate::wire::record::Run;
use std::sync::Arc;

/// Ids that may be merged into one within the retention.
pub const MOST_MERGED: usize = 100;

/// The input of links.
pub const IDENTITIES: &str = "identities";

/// A customer id, or the id of a link.
pub type Id = Arc<[u8]>;

/// What is remembered of links, at either end. Most customers have nothing of the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Where the customer's records go.
    pub redirect: Option<Redirect>,
    /// The ids that were merged into this one.
    pub merged: Vec<Merged>,
    /// The instant of the latest `unlink`; `BEFORE_ALL`: there was none.
    pub unlinked: i64,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            redirect: None,
            merged: Vec::new(),
            unlinked: BEFORE_ALL,
        }
    }
}

impl Identity {
    /// The latest instant of all this: for the retention after it it is remembered.
    pub fn latest(&self) -> i64 {
        let passed = self
            .redirect
            .as_ref()
            .map_or(BEFORE_ALL, |redirect| redirect.passed);
        let merged = self.merged.iter().map(|each| each.at).max();
        passed.max(self.unlinked).max(merged.unwrap_or(BEFORE_ALL))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.redirect.is_none() && self.merged.is_empty() && self.unlinked == BEFORE_ALL
    }

    /// What is known of an id that was merged by a link.
    pub fn of(&self, id: &[u8], link: &[u8]) -> Option<&Merged> {
        self.merged
            .iter()
            .find(|each| *each.id == *id && *each.link == *link)
    }

    /// Remember that an id is merged by a link, or was heard of again; `had`: with its state.
    pub fn remember(&mut self, id: &Id, link: &Id, at: i64, had: bool, refused: bool) {
        let found = self
            .merged
            .iter_mut()
            .find(|each| each.id == *id && each.link == *link);
        match found {
            Some(each) => {
                each.at = each.at.max(at);
                each.had |= had;
                each.refused = (each.refused || refused) && !each.had;
            }
            None => self.merged.push(Merged {
                id: id.clone(),
                link: link.clone(),
                at,
                had,
                refused,
            }),
        }
    }

    /// Forget what was merged at or before an instant.
    pub fn forget(&mut self, before: i64) {
        self.merged.retain(|each| each.at > before);
        if self.unlinked <= before {
            self.unlinked = BEFORE_ALL;
        }
    }
}

/// Where the records of an id go.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// The id that goes on.
    pub into: Id,
    /// The link's `event_id`.
    pub link: Id,
    /// The link's instant.
    pub at: i64,
    /// The instant of the latest record that passed.
    pub passed: i64,
}

/// An id that was merged into another.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The id.
    pub id: Id,
    /// The link's `event_id`.
    pub link: Id,
    /// The latest instant of the link and of what came by it.
    pub at: i64,
    /// Whether its state arrived.
    pub had: bool,
    /// Whether its state was refused, and waits among the dead letters.
    pub refused: bool,
}

/// What goes from one id to another.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Whom it goes to.
    pub to: Id,
    /// The ids that it passed, each with the link by which it went on; the one that it comes from is the first.
    pub passed: Vec<(Id, Id)>,
    /// Its place in the order: the instant of the link, of the record, or of the erasure.
    pub at: i64,
    /// The deployment that was run where it comes from.
    pub deployment: Option<Arc<str>>,
    /// What it is.
    pub content: Content,
    /// Its offset, if it came as a record.
    pub offset: Option<i64>,
}

/// What a transfer is.
#[derive(Clone, Debug)]
pub enum Content {
    /// All that was remembered of an id.
    State {
        /// The layout, and the customer in it.
        state: Arc<[u8]>,
        /// The link, alone in a run.
        link: Arc<Run>,
    },
    /// A later record of an id.
    Record {
        /// Its topic.
        topic: Arc<str>,
        /// The record, alone in a run.
        run: Arc<Run>,
    },
    /// A second link of an id.
    Link {
        /// The link, alone in a run.
        run: Arc<Run>,
        /// The id that it names, until that was met.
        sought: Option<Id>,
        /// Where the redirects of the id end: the way from the id that it names must end there, too.
        end: Option<Id>,
    },
    /// The id that it comes from was erased.
    Erasure {
        /// The link by which the id that it goes to was merged.
        link: Id,
    },
}

impl Content {
    /// As a `Transfer` names it.
    pub fn name(&self) -> &'static str {
        match self {
            Content::State { .. } => "state",
            Content::Record { .. } => "record",
            Content::Link { .. } => "link",
            Content::Erasure { .. } => "erasure",
        }
    }
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The id is redirected from now on.
    Applied,
    /// It was so already.
    Duplicate,
    /// The id goes on as another one.
    Conflict,
    /// The way led back to where it began.
    Cycle,
    /// So many ids are merged already.
    Limit,
    /// It is too old, or undoes what was not done.
    Ignored,
    /// The id is itself again.
    Unlinked,
}

impl Linked {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Linked; 7] = [
        Linked::Applied,
        Linked::Duplicate,
        Linked::Conflict,
        Linked::Cycle,
        Linked::Limit,
        Linked::Ignored,
        Linked::Unlinked,
    ];

    /// As metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Linked::Applied => "applied",
            Linked::Duplicate => "duplicate",
            Linked::Conflict => "conflict",
            Linked::Cycle => "cycle",
            Linked::Limit => "limit",
            Linked::Ignored => "ignored",
            Linked::Unlinked => "unlinked",
        }
    }
}
