//! Decoding records by the program that schema resolution made: one pass over the bytes, nothing copied.
//!
//! Every read is bounded: a text lies within the bytes, a block can't declare more entries than there are bytes, and
//! what is passed over may take so many steps for each byte and be nested so deep, whatever the schema says.

use super::cursor::{Broken, Cursor, Read};
use super::record::{Event, Item, Pair, Places, Span, Value};
use super::writer_schema::{Id, Kind, Schema};

/// Depth to which values that are passed over may be nested: a value may be of any depth, the stack is not.
const DEPTH: usize = 500;
/// Steps that passing over a field may take for each byte of the record: a nullable value takes two.
const STEPS_PER_BYTE: usize = 4;
/// Steps beside those, for records of records and for what takes no byte, such as an array of nulls.
const STEPS: usize = 10_000;

/// The text fields of our records.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    Id,
    Customer,
    Kind,
    Into,
    Source,
    /// By its place in `record::TEXTS`.
    Other(usize),
    ItemProduct,
    ItemCategory,
}

/// The amounts of our records.
#[derive(Clone, Copy, Debug)]
pub enum Whole {
    Amount,
    Price,
}

/// The maps of our records.
#[derive(Clone, Copy, Debug)]
pub enum Pairs {
    Attributes,
    Consents,
    Lists,
}

/// How one value is read, and where it goes.
#[derive(Debug)]
pub enum Op {
    Null,
    Text(Text),
    Instant {
        int: bool,
        per_millisecond: i64,
    },
    Quantity {
        int: bool,
    },
    Money {
        whole: Whole,
        /// Digits after the point, as the writer has it.
        scale: i64,
    },
    EntryText,
    EntryWhole {
        int: bool,
    },
    EntryNumber {
        float: bool,
    },
    EntryFlag,
    Union(Vec<usize>),
    Record(Vec<Step>),
    Item(Vec<Step>),
    Items(usize),
    Map(Pairs, usize),
    /// A list of a map of lists: by what its texts are read.
    List(usize),
    /// Pass over a type of the writer's schema.
    Skip(Id),
    /// A branch of a union that our schema has no place for.
    Unfit(String),
}

/// A field of a record, as the writer wrote it.
#[derive(Debug)]
pub struct Step {
    pub name: String,
    pub op: usize,
}

/// How to read what one schema wrote.
#[derive(Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    pub root: usize,
    pub schema: Schema,
}

/// Where the parts of records go that have no room in an event.
pub struct Parts<'r> {
    pub items: &'r mut Vec<Item>,
    pub pairs: &'r mut Vec<Pair>,
}

/// A decoded record.
#[derive(Debug)]
pub struct Decoded {
    pub event: Event,
    pub occurred_at: i64,
}

/// Why a record could not be decoded, and the field at which it was noticed.
#[derive(Debug)]
pub struct Failed {
    pub field: String,
    pub broken: Broken,
}

impl Program {
    /// Decode the record in `data` that begins at `from` and ends where `data` does. `bytes` has its header, too.
    pub fn decode(&self, data: &[u8], from: usize, bytes: usize, parts: Parts) -> Result<Decoded, Failed> {
        let (items, pairs) = (parts.items.len(), parts.pairs.len());
        let mut decoding = Decoding {
            program: self,
            cursor: Cursor::new(data, from),
            parts,
            decoded: Decoded {
                event: Event::BLANK,
                occurred_at: 0,
            },
            item: BLANK_ITEM,
            entry: Value::Flag(false),
            name: Span::NONE,
            bytes,
            steps: 0,
            path: Vec::new(),
        };
        match decoding.whole() {
            Ok(()) => Ok(decoding.decoded),
            Err(broken) => {
                decoding.parts.items.truncate(items);
                decoding.parts.pairs.truncate(pairs);
                let path: Vec<&str> = decoding.path.into_iter().rev().collect();
                Err(Failed {
                    field: path.join("."),
                    broken: *broken,
                })
            }
        }
    }
}

const BLANK_ITEM: Item = Item {
    product: Span::NONE,
    category: Span::NONE,
    quantity: 0,
    price: 0,
};

struct Decoding<'p, 'd, 'r> {
    program: &'p Program,
    cursor: Cursor<'d>,
    parts: Parts<'r>,
    decoded: Decoded,
    item: Item,
    entry: Value,
    /// Of the entry of a map.
    name: Span,
    /// Of the record, its header included.
    bytes: usize,
    /// Left for the field that is passed over.
    steps: usize,
    /// The fields that a failure lies in, the innermost first.
    path: Vec<&'p str>,
}

impl<'p> Decoding<'p, '_, '_> {
    fn whole(&mut self) -> Read<()> {
        self.read(self.program.root)?;
        self.cursor
            .end()
            .inspect_err(|_| self.path.push("after the last field"))
    }

    fn read(&mut self, op: usize) -> Read<()> {
        let program: &'p Program = self.program;
        match &program.ops[op] {
            Op::Null => {}
            Op::Text(text) => {
                let found = self.cursor.text()?;
                *self.text(*text) = found;
            }
            Op::Instant { int, per_millisecond } => {
                self.decoded.occurred_at = self.whole_number(*int)?.div_euclid(*per_millisecond);
            }
            Op::Quantity { int } => self.item.quantity = self.whole_number(*int)?,
            Op::Money { whole, scale } => {
                let cents = cents(self.cursor.decimal()?, *scale)?;
                match whole {
                    Whole::Amount => self.decoded.event.amount = cents,
                    Whole::Price => self.item.price = cents,
                }
            }
            Op::EntryText => self.entry = Value::Text(self.cursor.text()?),
            Op::EntryWhole { int } => self.entry = Value::Number(self.whole_number(*int)? as f64),
            Op::EntryNumber { float: true } => self.entry = Value::Number(self.cursor.float()?),
            Op::EntryNumber { float: false } => self.entry = Value::Number(self.cursor.double()?),
            Op::EntryFlag => self.entry = Value::Flag(self.cursor.boolean()?),
            Op::Union(branches) => self.union(branches)?,
            Op::Record(steps) | Op::Item(steps) => self.fields(steps)?,
            Op::Items(item) => self.items(*item)?,
            Op::Map(pairs, value) => self.map(*pairs, *value)?,
            Op::List(text) => self.list(*text)?,
            Op::Skip(id) => {
                self.steps = STEPS + STEPS_PER_BYTE * self.bytes;
                self.skip(&program.schema, *id, DEPTH)?;
            }
            Op::Unfit(why) => return Err(Box::new(Broken::Unfit(why.clone()))),
        }
        Ok(())
    }

    fn whole_number(&mut self, int: bool) -> Read<i64> {
        if int {
            self.cursor.int()
        } else {
            self.cursor.long()
        }
    }

    fn text(&mut self, text: Text) -> &mut Span {
        let event = &mut self.decoded.event;
        match text {
            Text::Id => &mut event.id,
            Text::Customer => &mut event.customer,
            Text::Kind => &mut event.kind,
            Text::Into => &mut event.into,
            Text::Source => &mut event.source,
            Text::Other(place) => &mut event.texts[place],
            Text::ItemProduct => &mut self.item.product,
            Text::ItemCategory => &mut self.item.category,
        }
    }

    fn fields(&mut self, steps: &'p [Step]) -> Read<()> {
        for step in steps {
            if let Err(broken) = self.read(step.op) {
                self.path.push(&step.name);
                return Err(broken);
            }
        }
        Ok(())
    }

    /// Up to 64 branches their number takes one byte.
    fn union(&mut self, branches: &[usize]) -> Read<()> {
        if branches.len() > 64 {
            let branch = self.cursor.long()?;
            let found = usize::try_from(branch).ok().and_then(|place| branches.get(place));
            return self.read(*found.ok_or(Broken::Branch(branch))?);
        }
        let byte = self.cursor.byte()?;
        match branches.get((byte >> 1) as usize) {
            Some(&op) if byte & 1 == 0 => self.read(op),
            _ => Err(Box::new(Broken::Branch((byte >> 1).into()))),
        }
    }

    fn items(&mut self, op: usize) -> Read<()> {
        let start = self.parts.items.len();
        loop {
            let count = self.cursor.count()?;
            for _ in 0..count {
                self.item = BLANK_ITEM;
                self.read(op)?;
                self.parts.items.push(self.item);
            }
            if count == 0 {
                break;
            }
        }
        self.decoded.event.items = places(start, self.parts.items.len());
        Ok(())
    }

    fn map(&mut self, pairs: Pairs, op: usize) -> Read<()> {
        let start = self.parts.pairs.len();
        loop {
            let count = self.cursor.count()?;
            for _ in 0..count {
                self.name = self.cursor.text()?;
                if matches!(pairs, Pairs::Lists) {
                    self.entry = Value::Flag(true);
                    self.push();
                    self.read(op)?;
                } else {
                    self.read(op)?;
                    self.push();
                }
            }
            if count == 0 {
                break;
            }
        }
        let found = places(start, self.parts.pairs.len());
        match pairs {
            Pairs::Attributes => self.decoded.event.attributes = found,
            Pairs::Consents => self.decoded.event.consents = found,
            Pairs::Lists => self.decoded.event.lists = found,
        }
        Ok(())
    }

    fn push(&mut self) {
        self.parts.pairs.push(Pair {
            name: self.name,
            value: self.entry,
        });
    }

    fn list(&mut self, op: usize) -> Read<()> {
        loop {
            let count = self.cursor.count()?;
            for _ in 0..count {
                self.read(op)?;
                self.push();
            }
            if count == 0 {
                return Ok(());
            }
        }
    }

    fn skip(&mut self, schema: &Schema, id: Id, depth: usize) -> Read<()> {
        if depth == 0 {
            return Err(Box::new(Broken::Depth(DEPTH)));
        }
        self.steps = self.steps.checked_sub(1).ok_or(Broken::Steps(STEPS_PER_BYTE))?;
        match schema.kind(id) {
            Kind::Null => {}
            Kind::Boolean => self.cursor.skip(1),
            Kind::Int | Kind::Long | Kind::Enum => drop(self.cursor.long()?),
            Kind::Float => self.cursor.skip(4),
            Kind::Double => self.cursor.skip(8),
            Kind::Bytes | Kind::String => self.skip_bytes()?,
            Kind::Fixed(size) => self.cursor.skip(*size),
            Kind::Array(item) => self.skip_blocks(schema, *item, depth, false)?,
            Kind::Map(value) => self.skip_blocks(schema, *value, depth, true)?,
            Kind::Record(fields) => {
                for field in fields {
                    self.skip(schema, field.of, depth - 1)?;
                }
            }
            Kind::Union(branches) => {
                let branch = self.cursor.long()?;
                let found = usize::try_from(branch).ok().and_then(|place| branches.get(place));
                self.skip(schema, *found.ok_or(Broken::Branch(branch))?, depth - 1)?;
            }
            Kind::Open => unreachable!("a schema is read whole"),
        }
        Ok(())
    }

    fn skip_bytes(&mut self) -> Read<()> {
        let length = self.cursor.length()?;
        self.cursor.skip(length);
        Ok(())
    }

    fn skip_blocks(&mut self, schema: &Schema, of: Id, depth: usize, named: bool) -> Read<()> {
        loop {
            let count = self.cursor.count()?;
            for _ in 0..count {
                if named {
                    self.skip_bytes()?;
                }
                self.skip(schema, of, depth - 1)?;
            }
            if count == 0 {
                return Ok(());
            }
        }
    }
}

fn places(start: usize, end: usize) -> Places {
    Places {
        start: start as u32,
        end: end as u32,
    }
}

/// A whole number (big-endian, two's complement) with `scale` digits after its point as cents; one that does not fit as
/// the largest or smallest there is, which is refused.
fn cents(bytes: &[u8], scale: i64) -> Read<i64> {
    let negative = bytes.first().is_some_and(|&byte| byte >= 128);
    let unfit = if negative { i64::MIN } else { i64::MAX };
    if scale > HUNDREDTHS {
        let whole = divided(bytes, negative, scale - HUNDREDTHS)?;
        return Ok(whole.unwrap_or(unfit));
    }
    let power = if scale == HUNDREDTHS {
        1
    } else {
        10i64.pow((HUNDREDTHS - scale) as u32)
    };
    Ok(narrow(bytes, negative)
        .and_then(|number| number.checked_mul(power))
        .unwrap_or(unfit))
}

/// Digits after the point of an amount as we hold it.
pub const HUNDREDTHS: i64 = 2;

/// The number in 64 bits, None if it does not fit.
fn narrow(bytes: &[u8], negative: bool) -> Option<i64> {
    let sign = if negative { 0xFF } else { 0 };
    let spare = bytes.len().saturating_sub(8);
    let start = if negative { -1 } else { 0 };
    let number = bytes[spare..]
        .iter()
        .fold(start, |number: i64, &byte| number << 8 | i64::from(byte));
    let fits = bytes[..spare].iter().all(|&byte| byte == sign) && (number < 0) == negative;
    fits.then_some(number)
}

/// The number divided by a power of ten, None if the quotient does not fit. A rest is no whole number of cents.
fn divided(bytes: &[u8], negative: bool, digits: i64) -> Read<Option<i64>> {
    let mut magnitude = bytes.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    for _ in 0..digits {
        let mut rest = 0u16;
        for byte in &mut magnitude {
            let part = rest << 8 | u16::from(*byte);
            (*byte, rest) = ((part / 10) as u8, part % 10);
        }
        if rest > 0 {
            return Err(Box::new(Broken::Cents));
        }
    }
    magnitude.insert(0, 0);
    Ok(narrow(&magnitude, false).map(|whole| if negative { -whole } else { whole }))
}

/// The two's complement of a number.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(carry.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amounts keep their value over scales; what does not fit tells its sign; a tenth of a cent is refused.
    #[test]
    fn amounts() {
        let of = |number: i128, scale| cents(&number.to_be_bytes(), scale);
        for (number, scale, expected) in [
            (125, 2, 125),
            (-125, 2, -125),
            (150, 0, 15_000),
            (495, 1, 4_950),
            (499_900, 4, 4_999),
            (-499_900, 4, -4_999),
            (25 * 10i128.pow(28), 30, 25),
            (i64::MAX as i128, 2, i64::MAX),
            (i64::MIN as i128, 2, i64::MIN),
            (i64::MAX as i128 + 1, 2, i64::MAX),
            (i64::MIN as i128 - 1, 2, i64::MIN),
            (i64::MIN as i128 - 1, 1, i64::MIN),
            (i128::MIN, 2, i64::MIN),
            (10i128.pow(38), 10, i64::MAX),
        ] {
            assert_eq!(of(number, scale), Ok(expected), "{number} {scale}");
        }
        assert_eq!(of(1, 3), Err(Box::new(Broken::Cents)));
        assert_eq!(of(-1_001, 3), Err(Box::new(Broken::Cents)));
        assert_eq!(cents(b"\x80", 2), Ok(-128));
        assert_eq!(cents(b"", 2), Ok(0));
    }
}
