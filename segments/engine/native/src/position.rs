//! The record of a partition beside its customers: offsets, clock, and the rule sets that wrote their states.

use crate::codec::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::codec::msgpack::Value;
use crate::codec::{FORMAT, Shape, StateError};
use crate::filling::{self, Filling};
use crate::mutants::m;
use crate::plan::FieldKind;
use crate::rules::Rules;
use crate::times::BEFORE_ALL;
use std::collections::BTreeMap;

/// The key of the partition's own record beside its customers: no customer id is this, since it is not UTF-8.
pub const KEY: &[u8] = b"\xff/position";

/// What stands between the version of a rule and the borders that it reads, which are no part of it.
pub const BORDERS: char = '|';

/// Between a version as it is written and what the rule is measured by: no text of a rule holds it.
const AIM: char = '\n';

/// Before the topic of a source, which stands behind the rules that were filled: no id of a rule holds it.
const SOURCE: char = '\n';

/// A stream as a rule set kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// By which it goes on in another rule set.
    pub identity: String,
    /// The names of its columns.
    pub columns: Vec<String>,
}

/// How one rule set wrote the states of customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The ids of the rules, by place.
    pub ids: Vec<String>,
    /// Their versions, of a rule that reads borders with those after [`BORDERS`].
    pub versions: Vec<String>,
    /// What they are measured by; empty of a rule that has neither a goal nor a control group.
    pub aims: Vec<String>,
    /// The streams, by number.
    pub streams: Vec<Kept>,
    /// How their rows are written.
    pub shapes: Vec<Shape>,
    /// For each measure the instant from which it knows events.
    pub known: BTreeMap<String, i64>,
    /// Milliseconds.
    pub retention: i64,
    /// The rules whose measures were filled from the past since these states were written: they flip as if new.
    pub filled: Vec<String>,
    /// The sources of profiles beside `profiles`, ascending.
    pub sources: Vec<String>,
}

impl Layout {
    /// The layout of a rule set.
    pub fn of(rules: &Rules, known: BTreeMap<String, i64>) -> Layout {
        let plan = &rules.plan;
        let columns =
            |stream: &crate::plan::Stream| stream.columns.iter().map(|each| each.name.clone()).collect();
        Layout {
            ids: plan.rules.iter().map(|rule| rule.id.clone()).collect(),
            versions: (0..plan.rules.len())
                .map(|place| {
                    let (version, borders) = (&plan.rules[place].version, plan.borders_of(place));
                    if borders.is_empty() {
                        version.clone()
                    } else {
                        format!("{version}{BORDERS}{borders}")
                    }
                })
                .collect(),
            aims: plan.rules.iter().map(aim_of).collect(),
            streams: plan
                .streams
                .iter()
                .map(|stream| Kept {
                    identity: stream.identity.clone(),
                    columns: columns(stream),
                })
                .collect(),
            shapes: shapes_of(rules),
            known,
            retention: plan.retention,
            filled: Vec::new(),
            sources: plan.sources().map(str::to_owned).collect(),
        }
    }

    /// Whether states written by either can be read as those of the other; shapes follow from the rest.
    pub fn same(&self, other: &Layout) -> bool {
        (&self.ids, &self.versions, &self.streams) == (&other.ids, &other.versions, &other.streams)
            && m!("another goal is the same rule set", self.aims == other.aims, true)
            && (&self.known, self.retention, &self.filled) == (&other.known, other.retention, &other.filled)
            && m!(
                "another source is the same rule set",
                self.sources == other.sources,
                true
            )
    }

    /// From which instant on a measure that was filled knows events; None: it was not, or not to the end.
    pub fn filled_since(&self, measure: &str) -> Option<i64> {
        let mut known = self.known.iter();
        let (name, since) = known.find(|(name, _)| filling::unmarked(name) == Some(measure))?;
        self.is_filled(name).then_some(*since)
    }

    /// The number of the stream that was filled in the place of one; None: none was, or not to the end.
    pub fn filled_stream(&self, identity: &str) -> Option<usize> {
        let marked = |kept: &Kept| filling::unmarked(&kept.identity) == Some(identity);
        let place = self.streams.iter().position(marked)?;
        self.is_filled(&self.streams[place].identity).then_some(place)
    }

    /// Whether rules run by it while something is filled.
    pub fn is_filling(&self) -> bool {
        self.streams
            .iter()
            .any(|kept| filling::unmarked(&kept.identity).is_some())
    }

    fn is_filled(&self, marked: &str) -> bool {
        let mark = marked.split_inclusive('\n').next().unwrap_or_default();
        self.known.contains_key(&filling::done(mark))
    }

    /// As bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_number(out, self.ids.len() as u64);
        for ((id, version), aim) in self.ids.iter().zip(&self.versions).zip(&self.aims) {
            put_bytes(out, id.as_bytes());
            // Rules had no aims once: only those that have one cost something.
            let both = if aim.is_empty() {
                version.clone()
            } else {
                format!("{version}{AIM}{aim}")
            };
            put_bytes(out, both.as_bytes());
        }
        put_number(out, self.streams.len() as u64);
        for (stream, shape) in self.streams.iter().zip(&self.shapes) {
            put_bytes(out, stream.identity.as_bytes());
            let key = shape.key.map_or(0, |text| 1 + u8::from(text));
            out.push(key | u8::from(shape.visits) << 2 | u8::from(shape.latest) << 3);
            put_number(out, stream.columns.len() as u64);
            for (name, text) in stream.columns.iter().zip(&shape.texts) {
                put_bytes(out, name.as_bytes());
                out.push(u8::from(*text));
            }
        }
        put_number(out, self.known.len() as u64);
        for (measure, since) in &self.known {
            put_bytes(out, measure.as_bytes());
            put_signed(out, *since);
        }
        put_signed(out, self.retention);
        // There were no sources once: only those that there are cost something.
        put_number(out, (self.filled.len() + self.sources.len()) as u64);
        self.filled.iter().for_each(|id| put_bytes(out, id.as_bytes()));
        for source in &self.sources {
            put_bytes(out, format!("{SOURCE}{source}").as_bytes());
        }
    }

    /// What `write` wrote.
    pub fn read(reader: &mut Reader) -> Result<Layout, StateError> {
        let text = |reader: &mut Reader| reader.text().map(str::to_owned);
        let rules = (0..reader.count(2)?).map(|_| Ok((text(reader)?, text(reader)?)));
        let (ids, told): (Vec<_>, Vec<_>) =
            rules.collect::<Result<Vec<_>, StateError>>()?.into_iter().unzip();
        let parts = told.iter().map(|both| both.split_once(AIM).unwrap_or((both, "")));
        let (versions, aims) = parts
            .map(|(version, aim)| (version.to_owned(), aim.to_owned()))
            .unzip();
        let (mut streams, mut shapes) = (Vec::new(), Vec::new());
        for _ in 0..reader.count(3)? {
            let (identity, flags) = (text(reader)?, reader.byte()?);
            let columns = (0..reader.count(2)?).map(|_| Ok((text(reader)?, reader.byte()? == 1)));
            let (columns, texts) = columns
                .collect::<Result<Vec<_>, StateError>>()?
                .into_iter()
                .unzip();
            let key = [None, Some(false), Some(true), None][(flags & 3) as usize];
            shapes.push(Shape {
                texts,
                key,
                visits: flags & 4 != 0,
                latest: flags & 8 != 0,
            });
            streams.push(Kept { identity, columns });
        }
        let known = (0..reader.count(2)?).map(|_| Ok((text(reader)?, reader.signed()?)));
        let known = known.collect::<Result<_, StateError>>()?;
        let retention = reader.signed()?;
        let told = (0..reader.count(1)?)
            .map(|_| text(reader))
            .collect::<Result<Vec<_>, _>>()?;
        let (sources, filled): (Vec<_>, Vec<_>) = told.into_iter().partition(|each| each.starts_with(SOURCE));
        let sources = sources.iter().map(|each| each[1..].to_owned()).collect();
        Ok(Layout {
            ids,
            versions,
            aims,
            streams,
            shapes,
            known,
            retention,
            filled,
            sources,
        })
    }

    /// As the engine in Python wrote it: what a column holds follows from its name.
    fn earlier(value: &Value) -> Result<Layout, StateError> {
        let texts = |list: &Value| -> Result<Vec<String>, StateError> {
            list.list()?
                .iter()
                .map(|text| Ok(text.text()?.to_owned()))
                .collect()
        };
        let is_text = |name: &String| {
            !(name == "quantity" || name.starts_with("amount:") || name.starts_with("price:"))
        };
        let (mut streams, mut shapes) = (Vec::new(), Vec::new());
        for stream in value.get("streams")?.list()? {
            let [identity, columns] = stream.list()? else {
                return Err(StateError::new("a stream has two values"));
            };
            let columns = texts(columns)?;
            let visits = identity.text()? == "visit";
            shapes.push(Shape {
                texts: columns.iter().map(is_text).collect(),
                visits,
                ..Shape::default()
            });
            streams.push(Kept {
                identity: identity.text()?.to_owned(),
                columns,
            });
        }
        let known = value.get("known")?.map()?.iter();
        let known = known.map(|(measure, since)| Ok((measure.text()?.to_owned(), since.int()?)));
        let ids = texts(value.get("ids")?)?;
        Ok(Layout {
            aims: vec![String::new(); ids.len()],
            ids,
            versions: texts(value.get("versions")?)?,
            streams,
            shapes,
            known: known.collect::<Result<_, StateError>>()?,
            retention: value.get("retention")?.int()?,
            filled: value.get("filled").map_or(Ok(Vec::new()), texts)?,
            sources: Vec::new(),
        })
    }
}

fn aim_of(rule: &crate::plan::Rule) -> String {
    rule.aim
        .as_ref()
        .map_or(String::new(), |aim| aim.identity.clone())
}

/// How the rows of a rule set's streams are written.
pub fn shapes_of(rules: &Rules) -> Vec<Shape> {
    let shape = |stream: &crate::rules::Stream| Shape {
        texts: stream
            .columns
            .iter()
            .map(|field| field.kind == FieldKind::Text)
            .collect(),
        key: stream.key.as_ref().map(|field| field.kind == FieldKind::Text),
        visits: stream.visits,
        latest: stream.latest,
    };
    rules.streams.iter().map(shape).collect()
}

/// The rule set that a partition runs: a record of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its `deployment_id`.
    pub id: String,
    /// Its offset in the topic of deployments.
    pub offset: i64,
    /// Milliseconds: when it takes over; the later of this and the clock, once the partition runs it.
    pub at: i64,
    /// Measures that were kept for some time beside the rules before, which is over: they are new. Never written.
    pub forgets: Vec<String>,
}

impl Deployment {
    /// What is written in the place of one, if there is none and something follows: no deployment has an empty id.
    const NONE: Deployment = Deployment {
        id: String::new(),
        offset: 0,
        at: 0,
        forgets: Vec::new(),
    };
}

/// Where a partition stands.
#[derive(Clone, Debug)]
pub struct Position {
    /// The next offset to be taken, by topic.
    pub offsets: BTreeMap<String, i64>,
    /// The clock, as committed.
    pub clock: i64,
    /// By number.
    pub layouts: BTreeMap<u64, Layout>,
    /// The layout of this rule set.
    pub current: u64,
    /// The layout that was current when the record was written.
    pub last: u64,
    /// How many partitions the topics have.
    pub count: u32,
    /// Where the rule set stands in the log; None: it was never deployed.
    pub deployment: Option<Deployment>,
    /// Open watches by the id of their segment.
    pub watches: BTreeMap<String, i64>,
    /// What is filled from the past beside the rule set.
    pub filling: Option<Filling>,
    /// Whether the record says already what this rule set is.
    pub written: bool,
    /// The layouts as they were last written.
    cached: Vec<u8>,
}

impl Position {
    /// The position as committed, with a layout for this rule set: the last one if that is the same.
    ///
    /// `deployment`: the record that has this rule set; None: it stays whose it was. `filling`: id and offset of the one
    /// whose streams the rule set has beside its own.
    pub fn read(
        data: Option<&[u8]>,
        rules: &Rules,
        count: u32,
        deployment: Option<Deployment>,
        filling: Option<(String, i64)>,
    ) -> Result<Position, StateError> {
        let Some(data) = data else {
            let known = rules
                .plan
                .measures
                .iter()
                .map(|measure| (measure.clone(), BEFORE_ALL))
                .collect();
            let layouts = BTreeMap::from([(0, Layout::of(rules, known))]);
            let mut position = Position::new(BTreeMap::new(), BEFORE_ALL, layouts, 0, count);
            position.deployment = deployment;
            return Ok(position);
        };
        let mut position = if data.first() == Some(&FORMAT) {
            Position::decoded(&data[1..])?
        } else {
            Position::earlier(data)?
        };
        if position.count != count {
            return Err(StateError::new(format!(
                "The state was written for {} partitions, the topics have {count}. Customers would change partitions: \
                 start a new group (SEGMENTS_GROUP), or restore the partition count.",
                position.count
            )));
        }
        let is_counted = deployment.is_none();
        let goes_on = position.follow(deployment) & position.fill(filling, is_counted);
        position.take_up(rules)?;
        position.written &= goes_on;
        Ok(position)
    }

    /// What a record says of offsets, clock and the number of partitions, whatever the rule set.
    pub fn told(data: &[u8]) -> Result<Position, StateError> {
        if data.first() == Some(&FORMAT) {
            Position::decoded(&data[1..])
        } else {
            Position::earlier(data)
        }
    }

    /// A position that nothing was written of.
    pub fn new(
        offsets: BTreeMap<String, i64>,
        clock: i64,
        layouts: BTreeMap<u64, Layout>,
        current: u64,
        count: u32,
    ) -> Position {
        Position {
            offsets,
            clock,
            layouts,
            current,
            last: current,
            count,
            deployment: None,
            watches: BTreeMap::new(),
            filling: None,
            written: false,
            cached: Vec::new(),
        }
    }

    /// Run what a deployment says from now on. True: it is what was run before.
    fn follow(&mut self, deployment: Option<Deployment>) -> bool {
        let Some(mut next) = deployment else {
            return true;
        };
        let same = |held: &Deployment| (&held.id, held.offset) == (&next.id, next.offset);
        if self.deployment.as_ref().is_some_and(same) {
            return true;
        }
        next.at = m!(
            "a deployment takes over before the clock",
            next.at.max(self.clock),
            next.at
        );
        let forgets = std::mem::take(&mut next.forgets);
        for layout in self.layouts.values_mut() {
            layout.known.retain(|name, _| !forgets.contains(name));
        }
        if !forgets.is_empty() {
            self.cached.clear();
        }
        self.deployment = Some(next);
        false
    }

    /// Fill what a deployment asks for from now on. True: it is what was filled before.
    ///
    /// `is_counted`: the rule set is not deployed; who counts what would flip by it goes on with what was filled.
    fn fill(&mut self, filling: Option<(String, i64)>, is_counted: bool) -> bool {
        let same = |held: &Filling| {
            filling
                .as_ref()
                .is_some_and(|new| *new == (held.id.clone(), held.offset))
        };
        if self.filling.as_ref().map_or(filling.is_none(), same) {
            return true;
        }
        if let Some(held) = &self.filling {
            let own = |each: &Deployment| held.id == format!("{}{}", each.id, filling::OF);
            if m!(
                "any rule set goes on with what is filled",
                !is_counted && !self.deployment.as_ref().is_some_and(own),
                false
            ) {
                // Another rule set ends the filling, however far it is.
                let done = filling::done(&held.mark());
                self.layouts.values_mut().for_each(|layout| {
                    layout.known.remove(&done);
                });
                self.cached.clear();
            }
        }
        self.filling = filling.map(|(id, offset)| Filling {
            id,
            offset,
            offsets: self.offsets.clone(),
            clock: self.clock,
            reached: Vec::new(),
            done: false,
        });
        false
    }

    /// The layouts must be written again.
    pub fn changed(&mut self) {
        self.written = false;
        self.cached.clear();
    }

    /// The instant at which this rule set took over: what is known only since then is known from then on.
    pub fn since(&self) -> i64 {
        let at = self.deployment.as_ref().map_or(BEFORE_ALL, |each| each.at);
        m!(
            "customers are taken over at the clock",
            at.max(self.clock),
            self.clock
        )
    }

    fn take_up(&mut self, rules: &Rules) -> Result<(), StateError> {
        let last = self
            .layouts
            .get(&self.current)
            .ok_or_else(|| StateError::new("the layout is missing"))?;
        let mine = Layout::of(rules, last.known.clone());
        self.written = mine.same(last);
        if self.written {
            self.layouts.insert(self.current, mine);
            return Ok(());
        }
        let since = |measure: &String| {
            let kept = last.known.get(measure).copied().unwrap_or(m!(
                "a new measure knows all",
                self.since(),
                BEFORE_ALL
            ));
            let filled = last.filled_since(measure).filter(|_| self.filling.is_none());
            (measure.clone(), kept.min(filled.unwrap_or(kept)))
        };
        let mut known: BTreeMap<String, i64> = rules.plan.measures.iter().map(since).collect();
        if let Some(filling) = &self.filling {
            let done = filling::done(&filling.mark());
            known.extend(last.known.get(&done).map(|since| (done, *since)));
        }
        // A rule that goes on, and knows more now than it did, is looked at again.
        let knew = |name: &String| last.known.get(name).copied();
        let better = known
            .iter()
            .filter(|(name, since)| knew(name).is_some_and(|knew| **since < knew));
        let better = better.map(|(name, _)| name.clone()).collect();
        let touched = filling::touched(rules, &better);
        if !touched.is_empty() {
            for layout in self.layouts.values_mut() {
                layout.filled.extend(touched.iter().cloned());
            }
        }
        self.current = self.layouts.keys().max().map_or(0, |number| number + 1);
        self.layouts.insert(self.current, Layout::of(rules, known));
        Ok(())
    }

    fn decoded(data: &[u8]) -> Result<Position, StateError> {
        let mut reader = Reader::new(data);
        let mut offsets = BTreeMap::new();
        for _ in 0..reader.count(2)? {
            offsets.insert(reader.text()?.to_owned(), reader.signed()?);
        }
        let clock = reader.signed()?;
        let count = reader.number()? as u32;
        let current = reader.number()?;
        let mut layouts = BTreeMap::new();
        for _ in 0..reader.count(5)? {
            layouts.insert(reader.number()?, Layout::read(&mut reader)?);
        }
        let mut position = Position::new(offsets, clock, layouts, current, count);
        if !reader.is_empty() {
            let deployment = Deployment {
                id: reader.text()?.to_owned(),
                offset: reader.signed()?,
                at: reader.signed()?,
                forgets: Vec::new(),
            };
            position.deployment = (deployment != Deployment::NONE).then_some(deployment);
        }
        if !reader.is_empty() {
            for _ in 0..reader.count(2)? {
                position
                    .watches
                    .insert(reader.text()?.to_owned(), reader.signed()?);
            }
        }
        if !reader.is_empty() {
            position.filling = Some(Filling::read(&mut reader)?);
        }
        Ok(position)
    }

    fn earlier(data: &[u8]) -> Result<Position, StateError> {
        let value = Value::read(data)?;
        let int = |name| value.get(name).and_then(Value::int);
        let offsets = value.get("offsets")?.map()?.iter();
        let offsets = offsets.map(|(topic, offset)| Ok((topic.text()?.to_owned(), offset.int()?)));
        let layouts = value.get("layouts")?.map()?.iter();
        let layouts = layouts.map(|(number, layout)| Ok((number.int()? as u64, Layout::earlier(layout)?)));
        Ok(Position::new(
            offsets.collect::<Result<_, StateError>>()?,
            int("clock")?,
            layouts.collect::<Result<_, StateError>>()?,
            int("current")? as u64,
            int("count")? as u32,
        ))
    }

    /// For each measure of a rule set the instant from which it knows events; None: all of them from the beginning.
    pub fn known(&self, rules: &Rules) -> Option<Vec<i64>> {
        let known = &self.layouts.get(&self.current)?.known;
        let since = |measure| known.get(measure).copied().unwrap_or(BEFORE_ALL);
        let all: Vec<i64> = rules.plan.measures.iter().map(since).collect();
        all.iter().any(|since| *since > BEFORE_ALL).then_some(all)
    }

    /// The record, and from now on the position. `swept`: no state is left in another layout.
    pub fn write(&mut self, offsets: BTreeMap<String, i64>, clock: i64, swept: bool) -> Vec<u8> {
        (self.offsets, self.clock, self.written) = (offsets, clock, true);
        if swept && self.layouts.len() > 1 {
            self.layouts.retain(|number, _| *number == self.current);
            self.cached.clear();
        }
        if self.cached.is_empty() {
            put_number(&mut self.cached, self.current);
            put_number(&mut self.cached, self.layouts.len() as u64);
            for (number, layout) in &self.layouts {
                put_number(&mut self.cached, *number);
                layout.write(&mut self.cached);
            }
        }
        let mut out = vec![FORMAT];
        put_number(&mut out, self.offsets.len() as u64);
        for (topic, offset) in &self.offsets {
            put_bytes(&mut out, topic.as_bytes());
            put_signed(&mut out, *offset);
        }
        put_signed(&mut out, clock);
        put_number(&mut out, self.count.into());
        out.extend_from_slice(&self.cached);
        let more = !self.watches.is_empty() || self.filling.is_some();
        let none = more.then_some(Deployment::NONE);
        if let Some(deployment) = self.deployment.as_ref().or(none.as_ref()) {
            put_bytes(&mut out, deployment.id.as_bytes());
            put_signed(&mut out, deployment.offset);
            put_signed(&mut out, deployment.at);
        }
        if more {
            put_number(&mut out, self.watches.len() as u64);
            for (id, count) in &self.watches {
                put_bytes(&mut out, id.as_bytes());
                put_signed(&mut out, *count);
            }
        }
        if let Some(filling) = &self.filling {
            filling.write(&mut out);
        }
        out
    }
}
