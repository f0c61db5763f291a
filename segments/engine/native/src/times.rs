//! Instants and durations: whole milliseconds.

/// An instant that does not come.
pub const NEVER: i64 = 1 << 62;

/// The instant of a customer of whom nothing was applied yet, and the clock of a partition that applied nothing.
pub const BEFORE_ALL: i64 = -NEVER;

/// 24 hours.
pub const DAY: i64 = 86_400_000;

/// The UTC date of an instant, such as 2026-11-22 (proleptic Gregorian).
pub fn date(at: i64) -> String {
    let (year, month, day) = crate::zone::civil(at.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dates of both sides of 1970, of leap years and of the ends of years.
    #[test]
    fn dates() {
        for (at, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400_000, "2000-02-29"),
            (1_795_305_600_000, "2026-11-22"),
            (1_798_761_599_999, "2026-12-31"),
            (1_798_761_600_000, "2027-01-01"),
            (-62_135_596_800_000, "0001-01-01"),
        ] {
            assert_eq!(date(at), text);
        }
    }
}
