//! Avro's schema resolution: how what one schema wrote is read as our record, or why it can't be.
//!
//! To the letter of Avro 1.12: names without their namespace, aliases, promotions, defaults, and a branch of a union is
//! judged by the value, not by the schema. One exception on the safe side: a time or an amount that the writer marked
//! otherwise is converted where the value fits (microseconds and nanoseconds, other scales), and refused where it is
//! marked as something else.

use super::events::{HUNDREDTHS, Op, Pairs, Program, Step, Text, Whole};
use super::record::{Format, text_field};
use super::writer_schema::{Field, Id, Kind, Mark, Schema, kind_name, short};
use std::collections::HashSet;

/// Branches of a union.
const MOST_BRANCHES: usize = 100;

/// The program that reads what a schema wrote; why it can't be read, in words.
pub fn resolve(writer: Schema, format: Format) -> Result<Program, String> {
    let reader = Schema::parse(format.schema())?;
    let mut resolving = Resolving {
        writer: &writer,
        reader: &reader,
        ops: Vec::new(),
    };
    let root = resolving.of(
        writer.root,
        reader.root,
        Place::Record(format.name()),
        format.name(),
    );
    let root = root.map_err(|unfit| format!("{}: {}", unfit.at, unfit.why))?;
    let ops = resolving.ops;
    Ok(Program {
        ops,
        root,
        schema: writer,
    })
}

/// What becomes of a value of our schema.
#[derive(Clone, Copy)]
enum Place {
    /// A record of ours, by its name.
    Record(&'static str),
    Text(Text),
    Instant,
    Quantity,
    Money(Whole),
    Items,
    Map(Pairs),
    /// A value of a map.
    Entry,
    /// A list of a map of lists.
    List,
}

/// Where a field of ours goes; None for one that this engine does not use.
fn place(record: &str, field: &str) -> Option<Place> {
    Some(match (record, field) {
        ("Item", "product_id") => Place::Text(Text::ItemProduct),
        ("Item", "category") => Place::Text(Text::ItemCategory),
        ("Item", "quantity") => Place::Quantity,
        ("Item", "price") => Place::Money(Whole::Price),
        ("Item", _) => return None,
        (_, "event_id") => Place::Text(Text::Id),
        (_, "customer_id") => Place::Text(Text::Customer),
        (_, "occurred_at") => Place::Instant,
        ("Link", "action") => Place::Text(Text::Kind),
        ("Link", "into") => Place::Text(Text::Into),
        ("Link", "source") => Place::Text(Text::Source),
        (_, "kind") => Place::Text(Text::Kind),
        (_, "amount") => Place::Money(Whole::Amount),
        (_, "items") => Place::Items,
        (_, "attributes") => Place::Map(Pairs::Attributes),
        (_, "consents") => Place::Map(Pairs::Consents),
        (_, "lists") => Place::Map(Pairs::Lists),
        (_, name) => Place::Text(Text::Other(text_field(name)?)),
    })
}

/// A type that can't be read as ours.
struct Unfit {
    at: String,
    why: String,
}

impl Unfit {
    /// In words for a message that names the place `at`.
    fn within(self, at: &str) -> String {
        if self.at == at {
            self.why
        } else {
            format!("{}: {}", self.at, self.why)
        }
    }
}

type Resolved = Result<usize, Unfit>;

struct Resolving<'s> {
    writer: &'s Schema,
    reader: &'s Schema,
    ops: Vec<Op>,
}

impl Resolving<'_> {
    fn add(&mut self, op: Op) -> usize {
        self.ops.push(op);
        self.ops.len() - 1
    }

    /// The op that reads what the writer wrote at a place.
    fn of(&mut self, writer: Id, reader: Id, place: Place, at: &str) -> Resolved {
        if let Kind::Union(branches) = self.writer.kind(writer) {
            return self.union(branches, reader, place, at);
        }
        let wanted = match self.reader.kind(reader) {
            Kind::Union(branches) => branches.iter().copied().find(|&each| self.fits(writer, each)),
            _ => Some(reader).filter(|&each| self.fits(writer, each)),
        };
        match wanted {
            Some(fitting) => self.same_kind(writer, fitting, place, at),
            None => Err(Unfit {
                at: at.to_string(),
                why: self.unfit(writer, reader),
            }),
        }
    }

    fn unfit(&self, writer: Id, reader: Id) -> String {
        format!(
            "{} where {} is needed",
            self.writer.words(writer),
            self.reader.words(reader)
        )
    }

    /// A union is readable if one of its branches is; a value of another one is refused.
    fn union(&mut self, branches: &[Id], reader: Id, place: Place, at: &str) -> Resolved {
        self.check(branches).map_err(|why| Unfit {
            at: at.to_string(),
            why,
        })?;
        let found: Vec<Resolved> = branches
            .iter()
            .map(|&each| self.of(each, reader, place, at))
            .collect();
        if found.iter().all(Result::is_err) {
            let first = found.into_iter().find_map(Result::err);
            let why = first.map_or(String::new(), |unfit| unfit.within(at));
            return Err(Unfit {
                at: at.to_string(),
                why,
            });
        }
        let ops = found
            .into_iter()
            .map(|each| each.unwrap_or_else(|unfit| self.add(Op::Unfit(unfit.within(at)))));
        let ops = ops.collect();
        Ok(self.add(Op::Union(ops)))
    }

    /// A union that is read may have a hundred branches, each told apart from the others.
    fn check(&self, branches: &[Id]) -> Result<(), String> {
        if branches.len() > MOST_BRANCHES {
            return Err(format!(
                "a union of {} branches: at most {MOST_BRANCHES} are read",
                branches.len()
            ));
        }
        let mut seen = HashSet::new();
        for &branch in branches {
            let found = &self.writer.types[branch];
            let name = found.name.as_deref().unwrap_or(kind_name(&found.kind));
            if !seen.insert(name) {
                return Err(format!("a union with {name} in it twice"));
            }
        }
        Ok(())
    }

    /// Whether these two, neither a union, are of one kind; their parts are not looked at.
    fn fits(&self, writer: Id, reader: Id) -> bool {
        let (wrote, wanted) = (&self.writer.types[writer], &self.reader.types[reader]);
        let (marked, mark) = (&wrote.mark, &wanted.mark);
        match (&wrote.kind, &wanted.kind) {
            (Kind::Record(_), Kind::Record(_)) => same_name(&wrote.name, &wanted.name),
            (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
            (Kind::Null, Kind::Null) | (Kind::Boolean, Kind::Boolean) | (Kind::String, Kind::String) => true,
            (Kind::Int | Kind::Long, Kind::Long | Kind::Double)
            | (Kind::Bytes, Kind::Bytes | Kind::String) => {
                marked.is_none() || marked == mark || converts(marked, mark)
            }
            (Kind::Float | Kind::Double, Kind::Double) => true,
            _ => false,
        }
    }

    fn same_kind(&mut self, writer: Id, reader: Id, place: Place, at: &str) -> Resolved {
        let wrote = &self.writer.types[writer];
        let op = match (&wrote.kind, self.reader.kind(reader), place) {
            (Kind::Null, ..) => Op::Null,
            (Kind::Record(fields), Kind::Record(wanted), Place::Record(name)) => {
                return self.record(fields, wanted, name, at);
            }
            (Kind::Array(items), Kind::Array(wanted), Place::Items) => {
                Op::Items(self.of(*items, *wanted, Place::Record("Item"), &format!("{at}[]"))?)
            }
            (Kind::Map(values), Kind::Map(wanted), Place::Map(pairs)) => {
                let entry = if matches!(pairs, Pairs::Lists) {
                    Place::List
                } else {
                    Place::Entry
                };
                Op::Map(pairs, self.of(*values, *wanted, entry, &format!("{at}[]"))?)
            }
            (Kind::Array(items), Kind::Array(wanted), Place::List) => {
                Op::List(self.of(*items, *wanted, Place::Entry, &format!("{at}[]"))?)
            }
            (Kind::String | Kind::Bytes, Kind::String, Place::Text(text)) => Op::Text(text),
            (Kind::String | Kind::Bytes, Kind::String, Place::Entry) => Op::EntryText,
            (Kind::Int, _, Place::Instant) => Op::Instant {
                int: true,
                per_millisecond: 1,
            },
            (Kind::Long, _, Place::Instant) => Op::Instant {
                int: false,
                per_millisecond: finer(&wrote.mark),
            },
            (Kind::Int, _, Place::Quantity) => Op::Quantity { int: true },
            (Kind::Long, _, Place::Quantity) => Op::Quantity { int: false },
            (Kind::Bytes, Kind::Bytes, Place::Money(whole)) => Op::Money {
                whole,
                scale: wrote.mark.as_ref().map_or(HUNDREDTHS, |mark| mark.scale),
            },
            (Kind::Int, _, Place::Entry) => Op::EntryWhole { int: true },
            (Kind::Long, _, Place::Entry) => Op::EntryWhole { int: false },
            (Kind::Float, _, Place::Entry) => Op::EntryNumber { float: true },
            (Kind::Double, _, Place::Entry) => Op::EntryNumber { float: false },
            (Kind::Boolean, _, Place::Entry) => Op::EntryFlag,
            _ => {
                return Err(Unfit {
                    at: at.to_string(),
                    why: self.unfit(writer, reader),
                });
            }
        };
        Ok(self.add(op))
    }

    fn record(&mut self, fields: &[Field], wanted: &[Field], name: &'static str, at: &str) -> Resolved {
        let missing = wanted
            .iter()
            .filter(|each| !each.has_default && !fields.iter().any(|field| reads(each, field)));
        if let Some(each) = missing.min_by_key(|each| &each.name) {
            return Err(Unfit {
                at: at.to_string(),
                why: format!("no field {}, which has no default", each.name),
            });
        }
        let mut steps = Vec::with_capacity(fields.len());
        for field in fields {
            let ours = wanted.iter().find(|each| reads(each, field));
            let found = ours.and_then(|ours| place(name, &ours.name).map(|place| (ours, place)));
            let op = match found {
                Some((ours, place)) => self.of(field.of, ours.of, place, &format!("{at}.{}", field.name))?,
                None => self.add(Op::Skip(field.of)),
            };
            steps.push(Step {
                name: field.name.clone(),
                op,
            });
        }
        Ok(self.add(if name == "Item" {
            Op::Item(steps)
        } else {
            Op::Record(steps)
        }))
    }
}

/// Whether our field is the one that the writer wrote.
fn reads(ours: &Field, written: &Field) -> bool {
    ours.name == written.name || ours.aliases.contains(&written.name)
}

fn same_name(one: &Option<String>, other: &Option<String>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if short(one) == short(other))
}

/// Whether a value marked so can be converted to one marked as ours is.
fn converts(written: &Option<Mark>, ours: &Option<Mark>) -> bool {
    let (Some(written), Some(ours)) = (written, ours) else {
        return false;
    };
    match ours.logical.as_str() {
        "decimal" => written.logical == "decimal",
        "timestamp-millis" => matches!(written.logical.as_str(), "timestamp-micros" | "timestamp-nanos"),
        _ => false,
    }
}

fn finer(mark: &Option<Mark>) -> i64 {
    match mark.as_ref().map(|mark| mark.logical.as_str()) {
        Some("timestamp-micros") => 1_000,
        Some("timestamp-nanos") => 1_000_000,
        _ => 1,
    }
}
