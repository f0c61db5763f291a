//! A customer as bytes: one record, and a second one where much is remembered.
//!
//! The first byte is the format. Bytes begin with a header that tells, without decoding the rest, when time alone may
//! do something and which segments the customer is in, so that a restored partition is ready after one scan.
//!
//! [`compact`] is what is written. [`earlier`] is what the engine in Python wrote, whose first byte is the highest of an
//! instant: it is read, and written as compact with the customer's next change.

pub mod bytes;
mod compact;
mod details;
mod earlier;
mod extras;
mod held_back;
mod identity;
mod lists;
pub mod msgpack;
mod parts;
mod sources;
mod values;
mod watches;

use crate::customer::Customer;
use crate::mutants::m;
use crate::names::Names;
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use bytes::Reader;
use parts::Parts;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// After a customer's key: the key of the record of what is older. No customer id ends so, since it is UTF-8.
pub const OLDER: u8 = 0xFF;

/// The first byte of what is written.
pub const FORMAT: u8 = 2;

/// Entries that stand in the first record.
const FEW: usize = 256;

/// Or one in this many of all entries, if that is more: each commit writes these, and all of them only now and then.
const SHARE: usize = 16;

/// Prune when one entry in this many is new.
const LAZY: usize = 8;

/// Why bytes are no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError(std::borrow::Cow<'static, str>);

impl StateError {
    const SHORT: StateError = StateError(std::borrow::Cow::Borrowed("the bytes end too early"));

    /// With a reason in words.
    pub fn new(reason: impl Into<std::borrow::Cow<'static, str>>) -> StateError {
        StateError(reason.into())
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "This is no state: {}.", self.0)
    }
}

impl std::error::Error for StateError {}

/// How the rows of a stream are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// For each column whether it holds texts; the others hold numbers.
    pub texts: Vec<bool>,
    /// Whether the keys are texts; None: there are no keys.
    pub key: Option<bool>,
    /// Whether the ends of sessions come last.
    pub visits: bool,
    /// Whether only the latest event (of each key) is kept.
    pub latest: bool,
}

impl Shape {
    /// Words of a row.
    pub fn stride(&self) -> usize {
        1 + self.texts.len() + usize::from(self.visits)
    }
}

/// What a state tells without being decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The earliest instant at which something is due.
    pub due: i64,
    /// The number of the layout, that is, of the rule set that wrote it.
    pub layout: u64,
    /// The places in the layout of the segments that the customer is in.
    pub places: SmallVec<[u32; 8]>,
}

/// Reads the header of a state.
pub fn header(data: &[u8]) -> Result<Header, StateError> {
    header_and_rest(data).map(|both| both.0)
}

fn header_and_rest(data: &[u8]) -> Result<(Header, Reader<'_>), StateError> {
    let mut reader = Reader::new(data);
    if data.first() == Some(&FORMAT) {
        reader.byte()?;
        compact::header(reader)
    } else {
        earlier::header(reader)
    }
}

/// Whether a key is a customer's: neither the partition's own nor that of a second record.
pub fn of_customer(key: &[u8]) -> bool {
    key != crate::position::KEY && key.last() != Some(&OLDER)
}

/// The key of a customer's second record.
pub fn older_key(key: &[u8]) -> Vec<u8> {
    [key, &[OLDER]].concat()
}

/// What writing needs each time, kept so that it need not be made again.
#[derive(Default)]
pub struct Scratch {
    /// By the number of a text: the writing that met it last, and its place in that one's table.
    met: Vec<(u32, u32)>,
    writing: u32,
    texts: Vec<i64>,
    instants: Vec<i64>,
    rows: Vec<u8>,
    out: Vec<u8>,
}

impl Scratch {
    /// An empty buffer, as large as what was written in it before.
    fn taken(&mut self) -> Vec<u8> {
        self.out.clear();
        std::mem::take(&mut self.out)
    }

    /// What was written in the buffer, which comes back.
    fn given(&mut self, out: Vec<u8>) -> Arc<[u8]> {
        self.out = out;
        Arc::from(&self.out[..])
    }
}

/// A customer as bytes; the second record is there if it changed.
pub struct Written {
    /// The first record.
    pub first: Arc<[u8]>,
    /// The second record, if it is another one than before: None deletes it.
    pub older: Option<Option<Arc<[u8]>>>,
}

/// From how many entries on what is older stands in a record of its own.
#[derive(Clone, Copy, Debug)]
pub struct Apart(pub usize);

impl Default for Apart {
    fn default() -> Apart {
        Apart(FEW)
    }
}

/// A customer as bytes, without what has not been needed for some time.
pub fn encode(
    customer: &mut Customer,
    rules: &Rules,
    names: &Names,
    layout: u64,
    apart: Apart,
    scratch: &mut Scratch,
) -> Written {
    if wants_to_forget(customer) {
        forget(customer, rules, names);
    }
    if customer.sealed > BEFORE_ALL && customer.entries <= apart.0 / 2 {
        customer.sealed = BEFORE_ALL;
    }
    let parts = Parts::later(customer, rules, customer.sealed);
    // What was filled from the past may be later than anything of the customer: it would stand in both records.
    let ahead = || Parts::later(customer, rules, customer.instant).entries > 0;
    let many = parts.entries > apart.0.max(customer.entries / SHARE);
    if many && m!("what is to come stands twice", !ahead(), true) {
        customer.sealed = customer.instant;
        customer.older = true;
        let older = compact::older(customer, rules, names, scratch);
        let parts = Parts::later(customer, rules, customer.sealed);
        return Written {
            first: compact::record(customer, rules, names, layout, &parts, scratch),
            older: Some(Some(older)),
        };
    }
    let first = compact::record(customer, rules, names, layout, &parts, scratch);
    let drops = m!(
        "what is older is never dropped",
        customer.sealed == BEFORE_ALL && customer.older,
        false
    );
    if drops {
        customer.older = false;
    }
    Written {
        first,
        older: drops.then_some(None),
    }
}

/// Whether what is no longer needed is dropped before the customer is written.
pub fn wants_to_forget(customer: &Customer) -> bool {
    let late = customer.instant - customer.forgets_at;
    late >= crate::times::DAY || (late >= 0 && customer.entries >= customer.forgets_above)
}

/// A customer as bytes, without what is no longer needed, in one record however much that is.
pub fn whole(
    customer: &mut Customer,
    rules: &Rules,
    names: &Names,
    layout: u64,
    scratch: &mut Scratch,
) -> Arc<[u8]> {
    forget(customer, rules, names);
    customer.sealed = BEFORE_ALL;
    let parts = Parts::later(customer, rules, BEFORE_ALL);
    compact::record(customer, rules, names, layout, &parts, scratch)
}

/// Forget what is no longer needed, and count what is.
pub fn forget(customer: &mut Customer, rules: &Rules, names: &Names) {
    customer.forgets_at = customer.instant + rules.forget_every;
    customer.forget_ids();
    customer.forget_enters();
    customer.forget_identity(rules.plan.retention);
    customer.forget_rows(rules);
    let (entries, weight) = crate::limit::held(customer, rules, names);
    (customer.entries, customer.weight) = (entries, weight);
    customer.forgets_above = entries + entries / LAZY;
}

/// A customer from bytes, by the shapes of the streams of the layout that wrote them. `find` gets a record by its key.
pub fn decode(
    key: Arc<[u8]>,
    data: &[u8],
    shapes: &[Shape],
    names: &mut Names,
    find: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Result<Customer, StateError> {
    let (header, reader) = header_and_rest(data)?;
    let mut customer = Customer::new(key, shapes.len());
    customer.next = header.due;
    customer.stored = true;
    if data.first() == Some(&FORMAT) {
        compact::decode(&mut customer, &header, reader, shapes, names, find)?;
    } else {
        earlier::decode(&mut customer, &header, reader, shapes, names, find)?;
    }
    Ok(customer)
}
