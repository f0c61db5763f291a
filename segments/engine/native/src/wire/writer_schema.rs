//! An Avro schema as a writer registered it, read from JSON; a registry may hold anything, so its size is bounded.
//!
//! Types stand in one list and name each other by their place in it, so that a recursive schema is no recursive value.

use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// Bytes of JSON: what a registry's answer may have.
pub const SCHEMA_BYTES: usize = 4 << 20;
/// JSON values in a schema; the largest of ours has 200.
const MOST_PARTS: usize = 10_000;
/// Levels of types within types.
const DEEPEST: usize = 64;
/// Bytes of a fixed: no event is longer.
const LARGEST_FIXED: i64 = 1_048_576;
/// Digits: what 63 bytes hold, the most that are read of a decimal.
const LARGEST_PRECISION: i64 = 152;

/// The place of a type in its schema.
pub type Id = usize;

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub of: Id,
    /// Other names under which a writer may have it; of a reader.
    pub aliases: Vec<String>,
    pub has_default: bool,
}

/// What a type is.
#[derive(Debug)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum,
    Array(Id),
    Map(Id),
    Record(Vec<Field>),
    Union(Vec<Id>),
    /// A record that is still being read.
    Open,
}

/// A logical type, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub logical: String,
    pub precision: Option<i64>,
    pub scale: i64,
}

/// A type of a schema.
#[derive(Debug)]
pub struct Type {
    pub kind: Kind,
    /// The full name of a record, an enum or a fixed.
    pub name: Option<String>,
    pub mark: Option<Mark>,
}

/// A whole schema.
#[derive(Debug)]
pub struct Schema {
    pub types: Vec<Type>,
    pub root: Id,
}

impl Schema {
    /// The schema in this JSON; what is wrong with it, in words, if it is none.
    pub fn parse(json: &str) -> Result<Schema, String> {
        if json.len() > SCHEMA_BYTES {
            return Err(format!("a schema of more than {SCHEMA_BYTES} bytes"));
        }
        let parsed: Json = serde_json::from_str(json).map_err(|error| whole(&error.to_string()))?;
        check(&parsed)?;
        let mut reading = Reading {
            types: Vec::new(),
            names: HashMap::new(),
        };
        let root = reading.of(&parsed, "").map_err(|why| whole(&why))?;
        Ok(Schema {
            types: reading.types,
            root,
        })
    }

    /// What a type is.
    pub fn kind(&self, id: Id) -> &Kind {
        &self.types[id].kind
    }

    /// A type in a message.
    pub fn words(&self, id: Id) -> String {
        let found = &self.types[id];
        if let Kind::Union(branches) = &found.kind {
            return branches
                .iter()
                .map(|&each| self.words(each))
                .collect::<Vec<_>>()
                .join(" or ");
        }
        if let (Kind::Record(_), Some(name)) = (&found.kind, &found.name) {
            return cut(short(name));
        }
        match &found.mark {
            None => kind_name(&found.kind).to_string(),
            Some(mark) => format!("{} ({})", kind_name(&found.kind), mark_words(mark)),
        }
    }
}

fn whole(why: &str) -> String {
    format!("not a whole Avro schema: {why}")
}

/// Whether a schema is small enough to be looked at. The depth of JSON is bounded by serde_json, too.
fn check(schema: &Json) -> Result<(), String> {
    let mut left = vec![(schema, 0)];
    let mut count = 0;
    while let Some((part, depth)) = left.pop() {
        if count >= MOST_PARTS {
            return Err(format!("a schema of more than {MOST_PARTS} parts"));
        }
        if depth > DEEPEST {
            return Err(format!("a schema of more than {DEEPEST} levels"));
        }
        count += 1;
        match part {
            Json::Object(object) => left.extend(object.values().map(|each| (each, depth + 1))),
            Json::Array(array) => left.extend(array.iter().map(|each| (each, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

fn number(json: Option<&Json>, what: &str, most: i64) -> Result<i64, String> {
    let found = json
        .and_then(Json::as_i64)
        .filter(|number| (0..=most).contains(number));
    found.ok_or_else(|| {
        let shown = json.map_or("missing".to_string(), |json| cut(&json.to_string()));
        format!("{what} is {shown}: a whole number from 0 to {most} was expected")
    })
}

fn mark_words(mark: &Mark) -> String {
    let numbers = [mark.precision.unwrap_or(0), mark.scale];
    let shown = numbers
        .iter()
        .filter(|&&each| each != 0)
        .map(|each| format!(" {each}"));
    mark.logical.clone() + &shown.collect::<String>()
}

/// What a type is called when it is no name of the schema's own.
pub fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Long => "long",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::Fixed(_) => "fixed",
        Kind::Enum => "enum",
        Kind::Array(_) => "array",
        Kind::Map(_) => "map",
        Kind::Record(_) | Kind::Open => "record",
        Kind::Union(_) => "union",
    }
}

/// A name without its namespace.
pub fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A schema that is being read.
struct Reading {
    types: Vec<Type>,
    names: HashMap<String, Id>,
}

impl Reading {
    fn kind(&self, id: Id) -> &Kind {
        &self.types[id].kind
    }

    fn of(&mut self, json: &Json, space: &str) -> Result<Id, String> {
        match json {
            Json::String(name) => self.named(name, space),
            Json::Array(branches) => self.union(branches, space),
            Json::Object(object) => self.object(object, space),
            _ => Err(format!("a type can't be {}", cut(&json.to_string()))),
        }
    }

    fn add(&mut self, kind: Kind, mark: Option<Mark>) -> Id {
        self.types.push(Type {
            kind,
            name: None,
            mark,
        });
        self.types.len() - 1
    }

    fn named(&mut self, name: &str, space: &str) -> Result<Id, String> {
        if let Some(kind) = primitive(name) {
            return Ok(self.add(kind, None));
        }
        let found = self
            .names
            .get(&full(name, space))
            .or_else(|| self.names.get(name));
        found
            .copied()
            .ok_or_else(|| format!("the type {} is not known", cut(name)))
    }

    fn union(&mut self, branches: &[Json], space: &str) -> Result<Id, String> {
        if branches.is_empty() {
            return Err("a union without branches".to_string());
        }
        let mut found = Vec::with_capacity(branches.len());
        for branch in branches {
            let id = self.of(branch, space)?;
            if matches!(self.kind(id), Kind::Union(_)) {
                return Err("a union in a union".to_string());
            }
            found.push(id);
        }
        Ok(self.add(Kind::Union(found), None))
    }

    fn object(&mut self, object: &Map<String, Json>, space: &str) -> Result<Id, String> {
        let kind = object.get("type").ok_or("a type without \"type\"")?;
        let Some(kind) = kind.as_str() else {
            return self.of(kind, space);
        };
        match kind {
            "record" | "error" => self.record(object, space),
            "enum" => self.named_type(object, space, Kind::Enum).map(|(id, _)| id),
            "fixed" => self.fixed(object, space),
            "array" => self.nested(object, "items", space, Kind::Array),
            "map" => self.nested(object, "values", space, Kind::Map),
            name => match primitive(name) {
                Some(kind) => Ok(self.add(kind, mark(object)?)),
                None => self.named(name, space),
            },
        }
    }

    fn nested(
        &mut self,
        object: &Map<String, Json>,
        of: &str,
        space: &str,
        kind: fn(Id) -> Kind,
    ) -> Result<Id, String> {
        let inner = object.get(of).ok_or_else(|| format!("a type without \"{of}\""))?;
        let id = self.of(inner, space)?;
        Ok(self.add(kind(id), None))
    }

    fn fixed(&mut self, object: &Map<String, Json>, space: &str) -> Result<Id, String> {
        let size = number(object.get("size"), "the size of a fixed", LARGEST_FIXED)?;
        let (id, _) = self.named_type(object, space, Kind::Fixed(size as usize))?;
        self.types[id].mark = mark(object)?;
        Ok(id)
    }

    /// Add a type that has a name; gives the namespace of what is in it, too.
    fn named_type(
        &mut self,
        object: &Map<String, Json>,
        space: &str,
        kind: Kind,
    ) -> Result<(Id, String), String> {
        let name = object.get("name").and_then(Json::as_str).unwrap_or_default();
        let space = object.get("namespace").and_then(Json::as_str).unwrap_or(space);
        let name = full(name, space);
        if short(&name).is_empty() || primitive(&name).is_some() {
            return Err(format!("a {} without a name of its own", kind_name(&kind)));
        }
        let id = self.add(kind, None);
        self.types[id].name = Some(name.clone());
        let space = name.rsplit_once('.').map_or("", |(space, _)| space).to_string();
        match self.names.insert(name, id) {
            None => Ok((id, space)),
            Some(_) => Err("a name that is given twice".to_string()),
        }
    }

    fn record(&mut self, object: &Map<String, Json>, space: &str) -> Result<Id, String> {
        let fields = object
            .get("fields")
            .and_then(Json::as_array)
            .ok_or("a record without fields")?;
        let (id, space) = self.named_type(object, space, Kind::Open)?;
        let mut found: Vec<Field> = Vec::with_capacity(fields.len());
        let mut seen = std::collections::HashSet::new();
        for field in fields {
            let field = self.field(field, &space)?;
            if !seen.insert(field.name.clone()) {
                return Err(format!("two fields {}", cut(&field.name)));
            }
            found.push(field);
        }
        self.types[id].kind = Kind::Record(found);
        Ok(id)
    }

    fn field(&mut self, json: &Json, space: &str) -> Result<Field, String> {
        let name = json
            .get("name")
            .and_then(Json::as_str)
            .ok_or("a field without a name")?;
        let of = json
            .get("type")
            .ok_or_else(|| format!("the field {} has no type", cut(name)))?;
        let aliases = json
            .get("aliases")
            .and_then(Json::as_array)
            .map_or(&[][..], |all| all);
        Ok(Field {
            name: name.to_string(),
            of: self.of(of, space)?,
            aliases: aliases
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_string)
                .collect(),
            has_default: json.get("default").is_some(),
        })
    }
}

fn primitive(name: &str) -> Option<Kind> {
    Some(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "int" => Kind::Int,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "bytes" => Kind::Bytes,
        "string" => Kind::String,
        _ => return None,
    })
}

fn full(name: &str, space: &str) -> String {
    if space.is_empty() || name.contains('.') {
        name.to_string()
    } else {
        format!("{space}.{name}")
    }
}

fn mark(object: &Map<String, Json>) -> Result<Option<Mark>, String> {
    let Some(logical) = object.get("logicalType").and_then(Json::as_str) else {
        return Ok(None);
    };
    let mut mark = Mark {
        logical: logical.to_string(),
        precision: None,
        scale: 0,
    };
    if logical == "decimal" {
        let precision = number(
            object.get("precision"),
            "the precision of a decimal",
            LARGEST_PRECISION,
        )?;
        let scale = object
            .get("scale")
            .map(|scale| number(Some(scale), "the scale of a decimal", precision));
        (mark.precision, mark.scale) = (Some(precision), scale.transpose()?.unwrap_or(0));
    }
    Ok(Some(mark))
}

/// At most a hundred characters of what a schema says.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Schema::parse(json).expect_err("a schema that should be refused")
    }

    /// A recursive record, a name of the record's own namespace and a type in a type are understood.
    #[test]
    fn names() {
        let json = r#"{"type": "record", "name": "Tree", "namespace": "shop", "fields": [
            {"name": "left", "type": ["null", "Tree"]}, {"name": "right", "type": {"type": "shop.Tree"}},
            {"name": "leaf", "type": {"type": {"type": "string", "avro.java.string": "String"}}}]}"#;
        let schema = Schema::parse(json).expect("a schema");
        let Kind::Record(fields) = schema.kind(schema.root) else {
            panic!("a record")
        };
        assert_eq!(fields[1].of, schema.root);
        assert!(matches!(schema.kind(fields[2].of), Kind::String));
        assert_eq!(schema.words(fields[0].of), "null or Tree");
    }

    /// What is no schema is refused in words, however deep or long it is.
    #[test]
    fn what_is_none() {
        for json in [
            "7",
            "null",
            "{}",
            "[]",
            "\"nonsense\"",
            "{\"type\": \"record\"}",
            "{\"type\": \"fixed\"}",
        ] {
            assert!(refused(json).starts_with("not a whole Avro schema: "), "{json}");
        }
        let nested = r#"{"type": "array", "items": "#.repeat(100) + "\"int\"" + &"}".repeat(100);
        let wide = format!(
            r#"{{"type": "enum", "name": "Wide", "symbols": ["a"{}]}}"#,
            ", \"a\"".repeat(20_000)
        );
        for (json, words) in [
            (
                r#"{"type": "fixed", "name": "F", "size": -1}"#,
                "the size of a fixed is -1",
            ),
            (
                r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 9}"#,
                "scale of a decimal is 9",
            ),
            (&"[".repeat(100_000), "recursion limit"),
            (&nested, "more than 64 levels"),
            (&wide, "more than 10000 parts"),
            (
                &format!("\"{}\"", "a".repeat(SCHEMA_BYTES)),
                "more than 4194304 bytes",
            ),
            (r#"["int", ["int"]]"#, "a union in a union"),
            (
                r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"},
                {"name": "a", "type": "int"}]}"#,
                "two fields a",
            ),
        ] {
            assert!(refused(json).contains(words), "{words}: {}", refused(json));
        }
    }
}
