//! Instants and durations: whole milliseconds.

/// An instant that does not come.
pub const NEVER: i64 = 1 << 62;

/// The instant of a customer of whom nothing was applied yet, and the clock of a partition that applied nothing.
pub const BEFORE_ALL: i64 = -NEVER;

/// 24 hours.
pub const DAY: i64 = 86_400_000;

/// The UTC date of an instant, such as 2026-11-22 (proleptic Gregorian).
pub fn date(at: i64) -> String {
    // Howard Hinnant, days_from_civil, turned round; eras of 146,097 days begin on 1 March of a year 400 n.
    let shifted = at.div_euclid(DAY) + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let (month, day) = ((month + 2) % 12 + 1, of_year - (153 * month + 2) / 5 + 1);
    let year = of_era + era * 400 + i64::from(month <= 2);
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
