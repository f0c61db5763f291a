//! The plan: a rule set as data, read from the bytes that `segments.plan` writes.

/// The number of the plan's format; plans of another number are refused.
pub const FORMAT: u32 = 1;
