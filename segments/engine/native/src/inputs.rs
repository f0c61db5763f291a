//! The inputs of a partition, merged: of their heads the one that happened first goes first, ties by topic.
//!
//! A topic that may still have records is waited for. It is known to have none left once its position equals the end
//! offset that was asked for after the record about to be applied had been fetched; unconfirmed is not caught up.

use crate::mutants::m;
use crate::wire::murmur::partition_of;
use crate::wire::record::{Body, Record, Run};
use crate::wire::refusals::Refusal;
use std::collections::VecDeque;
use std::sync::Arc;

struct Queued {
    run: Arc<Run>,
    index: usize,
    end: i64,
    /// Grows with every accepted run.
    stamp: i64,
}

struct Head {
    at: i64,
    refusal: Option<Box<Refusal>>,
}

/// One input topic: what is buffered of it, and what is known of its end.
struct Input {
    runs: VecDeque<Queued>,
    /// The next offset to be fetched.
    expected: Option<i64>,
    end: i64,
    /// The stamp at which `end` was asked for.
    confirmed: i64,
    head: Option<Head>,
}

/// A record whose turn has come.
pub struct Next {
    /// The number of its topic.
    pub topic: usize,
    /// The run that it came with.
    pub run: Arc<Run>,
    /// Its index there.
    pub index: usize,
    /// Why it is refused whatever the customer's state.
    pub refusal: Option<Box<Refusal>>,
}

/// The input topics of one partition.
pub struct Inputs {
    inputs: Vec<Input>,
    /// The numbers of the topics in the order that breaks ties, which is that of their names.
    order: Vec<usize>,
    /// The topic whose records have no customer as key, so that any partition may hold them.
    keyless: Option<usize>,
    /// The topic whose head waits for another deployment, and takes no part in the order until then.
    pub held: Option<usize>,
    number: u32,
    count: u32,
    /// The next offset to be taken, by topic; None: the topic was never read.
    pub offsets: Vec<Option<i64>>,
    /// Grows with every accepted run.
    pub stamp: i64,
    /// Records wait for a `confirm`.
    pub waiting: bool,
}

impl Inputs {
    /// The inputs of a partition of so many, by their names, from these offsets on; keys are not checked in `keyless`.
    pub fn new(
        (number, count): (u32, u32),
        names: &[String],
        offsets: Vec<Option<i64>>,
        keyless: Option<usize>,
    ) -> Inputs {
        let mut order: Vec<usize> = (0..offsets.len()).collect();
        order.sort_by_key(|topic| &names[*topic]);
        let input = |expected: &Option<i64>| Input {
            runs: VecDeque::new(),
            expected: *expected,
            end: -1,
            confirmed: -1,
            head: None,
        };
        let inputs = offsets.iter().map(input).collect();
        Inputs {
            inputs,
            order,
            keyless,
            held: None,
            number,
            count,
            offsets,
            stamp: 0,
            waiting: false,
        }
    }

    /// Say where reading of a topic begins.
    pub fn begin(&mut self, topic: usize, offset: i64) {
        self.inputs[topic].expected = Some(offset);
        self.offsets[topic] = Some(offset);
    }

    /// Whether `begin` was called, or an offset was committed.
    pub fn begun(&self, topic: usize) -> bool {
        self.inputs[topic].expected.is_some()
    }

    /// Take in a fetched run of offsets [start, end). Gives the offset to fetch again if something is missing.
    pub fn offer(&mut self, topic: usize, start: i64, run: Arc<Run>, end: i64) -> Option<i64> {
        let each = &mut self.inputs[topic];
        let expected = each.expected.unwrap_or(start);
        if m!("a gap is passed over", start > expected, false) {
            return Some(expected);
        }
        if m!("a run that was seen is taken", end <= expected, end < expected) {
            return None;
        }
        self.stamp += 1;
        let index = m!(
            "what was taken is taken again",
            run.records.partition_point(|record| record.offset < expected),
            0
        );
        each.runs.push_back(Queued {
            run,
            index,
            end,
            stamp: self.stamp,
        });
        each.expected = Some(end);
        if each.head.is_none() {
            self.next_head(topic);
        }
        None
    }

    /// Note end offsets asked for at a stamp, by topic. True if every input is caught up.
    pub fn confirm(&mut self, ends: &[Option<i64>], stamp: i64) -> bool {
        let mut all = true;
        for (topic, each) in self.inputs.iter_mut().enumerate() {
            let told = ends.get(topic).copied().flatten();
            if let Some(end) = told {
                (each.end, each.confirmed) = (end, stamp);
            }
            all &= told.is_some()
                && m!("caught up while records wait", each.runs.is_empty(), true)
                && Some(each.end) == each.expected;
        }
        all
    }

    /// How many records of a topic wait.
    pub fn buffered(&self, topic: usize) -> usize {
        self.inputs[topic]
            .runs
            .iter()
            .map(|queued| queued.run.records.len() - queued.index)
            .sum()
    }

    /// The topic whose head goes next; None: wait.
    pub fn choose(&mut self) -> Option<usize> {
        let (mut best, mut best_at, mut confirmed) = (None, 0, self.stamp);
        for topic in self.order.iter().copied() {
            let each = &self.inputs[topic];
            match &each.head {
                Some(_) if self.held == Some(topic) => {}
                None => {
                    let known = if Some(each.end) == each.expected {
                        m!("an end asked for early is believed", each.confirmed, self.stamp)
                    } else {
                        -1
                    };
                    confirmed = confirmed.min(known);
                }
                Some(head)
                    if m!(
                        "a refused record waits",
                        head.refusal.is_some(),
                        false && head.refusal.is_some()
                    ) =>
                {
                    return Some(topic);
                }
                Some(head)
                    if best.is_none()
                        || m!("ties go to the last topic", head.at < best_at, head.at <= best_at) =>
                {
                    (best, best_at) = (Some(topic), head.at);
                }
                Some(_) => {}
            }
        }
        let stamp = best
            .and_then(|topic: usize| self.inputs[topic].runs.front())
            .map(|queued| queued.stamp);
        self.waiting = m!(
            "nobody is waited for",
            stamp.is_some_and(|stamp| stamp > confirmed),
            false
        );
        if self.waiting { None } else { best }
    }

    /// Offset and instant of the head of a topic.
    pub fn head(&self, topic: usize) -> Option<(i64, i64)> {
        let each = &self.inputs[topic];
        let queued = each.runs.front()?;
        Some((queued.run.records[queued.index].offset, each.head.as_ref()?.at))
    }

    /// The record that is the head of a topic.
    pub fn first(&self, topic: usize) -> Option<&Record> {
        let queued = self.inputs.get(topic)?.runs.front()?;
        queued.run.records.get(queued.index)
    }

    /// Take the head of a topic.
    pub fn pop(&mut self, topic: usize) -> Option<Next> {
        let each = &mut self.inputs[topic];
        let refusal = each.head.take()?.refusal;
        let queued = each.runs.front_mut()?;
        let (run, index) = (queued.run.clone(), queued.index);
        queued.index += 1;
        self.offsets[topic] = Some(run.records[index].offset + 1);
        self.next_head(topic);
        Some(Next {
            topic,
            run,
            index,
            refusal,
        })
    }

    /// Find the next record; a run used up moves the offset to its end, past markers and compacted records.
    fn next_head(&mut self, topic: usize) {
        while let Some(queued) = self.inputs[topic].runs.front() {
            if let Some(record) = queued.run.records.get(queued.index) {
                let head = Head {
                    at: record.at,
                    refusal: self.refusal(topic, &queued.run, record),
                };
                self.inputs[topic].head = Some(head);
                return;
            }
            m!(
                "a marker holds the offset",
                self.offsets[topic] = Some(queued.end),
                ()
            );
            self.inputs[topic].runs.pop_front();
        }
        self.inputs[topic].head = None;
    }

    fn refusal(&self, topic: usize, run: &Run, record: &Record) -> Option<Box<Refusal>> {
        if let Body::Refused(refusal) = &record.body {
            return Some(refusal.clone());
        }
        if self.count == 1 || self.keyless == Some(topic) {
            return None;
        }
        let partition = partition_of(record.key.of(&run.data)?, self.count);
        (m!("any partition takes a customer", partition != self.number, false))
            .then(|| Box::new(Refusal::wrong_partition(partition)))
    }
}
