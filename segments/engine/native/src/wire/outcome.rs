//! Outcomes read again, for reports: only what was written by our own schema.

use super::cursor::{Broken, Cursor, Read};

/// What a report takes from a `SegmentOutcome`; times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeFields<'a> {
    /// Whose outcome it is.
    pub customer: &'a str,
    /// Under which id the customer entered.
    pub entered_as: &'a str,
    /// The segment.
    pub segment: &'a str,
    /// Of a segment with values.
    pub value: Option<&'a str>,
    /// The sequence of the enter.
    pub episode: i64,
    /// Whether the window of the goal is over.
    pub matured: bool,
    /// Of the enter.
    pub reason: &'a str,
    /// None without a control group.
    pub arm: Option<&'a str>,
    /// By whose name the arms are drawn.
    pub experiment: Option<&'a str>,
    /// The percentage of customers in the control group.
    pub control: Option<&'a str>,
    /// In the words of the rule.
    pub goal: &'a str,
    /// The instant of the enter.
    pub entered_at: i64,
    /// The instant of the first event of the goal.
    pub first_goal_at: Option<i64>,
    /// The instant of the outcome.
    pub occurred_at: i64,
    /// How many events of the goal.
    pub goals: i64,
    /// Hundredths of the currency's unit.
    pub revenue: Option<i128>,
}

/// The outcome in the bytes that follow the schema id, written by the schema that we write by.
pub fn outcome(bytes: &[u8]) -> Read<OutcomeFields<'_>> {
    let mut from = Reading {
        data: bytes,
        cursor: Cursor::new(bytes, 0),
    };
    from.text()?;
    let (customer, entered_as, segment) = (from.text()?, from.text()?, from.text()?);
    from.text()?;
    let value = from.optional(Reading::text)?;
    let episode = from.cursor.long()?;
    let matured = from.text()? == "matured";
    let reason = from.text()?;
    let arm = from.optional(Reading::text)?;
    let (experiment, control) = (from.optional(Reading::text)?, from.optional(Reading::text)?);
    let (goal, entered_at) = (from.text()?, from.cursor.long()?);
    let first_goal_at = from.optional(|from| from.cursor.long())?;
    let occurred_at = from.cursor.long()?;
    from.cursor.long()?;
    let goals = from.cursor.long()?;
    let revenue = from.optional(Reading::decimal)?;
    from.cursor.end()?;
    Ok(OutcomeFields {
        customer,
        entered_as,
        segment,
        value,
        episode,
        matured,
        reason,
        arm,
        experiment,
        control,
        goal,
        entered_at,
        first_goal_at,
        occurred_at,
        goals,
        revenue,
    })
}

struct Reading<'a> {
    data: &'a [u8],
    cursor: Cursor<'a>,
}

impl<'a> Reading<'a> {
    fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = self.cursor.length()?;
        let start = self.cursor.at();
        self.cursor.skip(length);
        Ok(&self.data[start..start + length])
    }

    fn text(&mut self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Box::new(Broken::Text("a text of an outcome")))
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        match self.cursor.long()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            branch => Err(Box::new(Broken::Branch(branch))),
        }
    }

    /// A whole number in two's complement, the highest byte first, as long as it fits.
    fn decimal(&mut self) -> Read<i128> {
        let bytes = self.bytes()?;
        let negative = bytes.first().ok_or(Box::new(Broken::Decimal))? & 128 != 0;
        if bytes.len() > size_of::<i128>() {
            return Err(Box::new(Broken::Decimal));
        }
        let mut number = [if negative { 255 } else { 0 }; size_of::<i128>()];
        number[size_of::<i128>() - bytes.len()..].copy_from_slice(bytes);
        Ok(i128::from_be_bytes(number))
    }
}
