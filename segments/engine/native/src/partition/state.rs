//! What a partition says of itself.

use super::Partition;
use crate::costs::Cost;
use crate::machine::Members;
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use std::sync::Arc;

impl Partition {
    /// The number of the partition.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The rule set.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The clock, in milliseconds; `BEFORE_ALL` until something was applied.
    pub fn clock(&self) -> i64 {
        self.clock
    }

    /// The names of the inputs, by number.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// The deployment that goes next, once all before it is applied: its offset, and the instant at which it occurred.
    /// Nothing else goes on here: who drives the partition commits, and makes it anew with that rule set.
    pub fn successor(&self) -> Option<(i64, i64)> {
        self.successor
    }

    /// Whether that instant has come, and nothing is filled that needs what is kept. Nothing else goes on here then: who
    /// drives the partition commits, and makes it anew without these measures.
    pub fn over(&self) -> bool {
        self.ends() && self.machine.behind.is_none()
    }

    /// The same while states may still be as an earlier rule set wrote them.
    pub(crate) fn ends(&self) -> bool {
        self.clock >= self.kept_until && self.sweep.is_none() && self.position.filling.is_none()
    }

    /// The next offset expected by topic; None: the topic was never read.
    pub fn offsets(&self) -> &[Option<i64>] {
        &self.inputs.offsets
    }

    /// Grows with every accepted run.
    pub fn stamp(&self) -> i64 {
        self.inputs.stamp
    }

    /// Records wait for a `confirm`.
    pub fn waiting(&self) -> bool {
        self.inputs.waiting
    }

    /// The earliest instant at which time alone may do something; may be early.
    pub fn next_due(&mut self) -> Option<i64> {
        self.customers.next_due()
    }

    /// So many customers have changed that they should be committed, for the memory that they occupy.
    pub fn full(&self) -> bool {
        self.customers.full()
    }

    /// How many flips, and how many customers whose timers fired, wait to be collected.
    pub fn gathered(&self) -> (usize, usize) {
        (self.machine.out.flips.len(), self.machine.out.lateness.len())
    }

    /// The customers in each segment.
    pub fn members(&self) -> &Members {
        &self.machine.members
    }

    /// Customers to whom time alone will do something.
    pub fn pending(&self) -> usize {
        self.customers.pending()
    }

    /// Customers that the new rule set has yet to take over.
    pub fn sweeping(&self) -> usize {
        self.sweep.as_ref().map_or(0, |sweep| sweep.left.len())
    }

    /// How many customers are decoded, and their bytes; and the bytes of the texts that they hold.
    pub fn live(&self) -> (usize, usize, usize) {
        let (count, bytes) = self.customers.live();
        (count, bytes, self.machine.names.bytes())
    }

    /// What was timed since the last time, by the rules' places.
    pub fn costs(&self) -> Vec<Cost> {
        self.machine.costs.take()
    }

    /// For each measure that did not know events from the beginning: the instant from which it does; those that are
    /// filled among them, under their marked names.
    pub fn known_since(&self) -> Vec<(&str, i64)> {
        let layout = self.position.layouts.get(&self.position.current);
        let known = layout.iter().flat_map(|layout| &layout.known);
        known
            .map(|(measure, since)| (&**measure, *since))
            .filter(|each| each.1 > BEFORE_ALL)
            .collect()
    }

    /// Whether it is known where reading of a topic begins.
    pub fn begun(&self, topic: usize) -> bool {
        self.inputs.begun(topic)
    }

    /// The instant of the head of the inputs that goes first, whether the others are waited for or not.
    pub fn head(&self) -> Option<i64> {
        (0..self.topics.len())
            .filter_map(|topic| self.inputs.head(topic))
            .map(|head| head.1)
            .min()
    }

    /// How many records of a topic wait.
    pub fn buffered(&self, topic: usize) -> usize {
        self.inputs.buffered(topic)
    }
}
