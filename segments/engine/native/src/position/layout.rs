//! How one rule set wrote the states of customers.

use crate::codec::bytes::{Reader, put_bytes, put_number, put_signed};
use crate::codec::msgpack::Value;
use crate::codec::{Shape, StateError};
use crate::filling;
use crate::mutants::m;
use crate::plan::FieldKind;
use crate::rules::Rules;
use std::collections::BTreeMap;

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
    pub(super) fn earlier(value: &Value) -> Result<Layout, StateError> {
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
