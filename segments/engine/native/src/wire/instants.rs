//! Instants as text: ISO 8601 in UTC with milliseconds and Z.

const DAY: i64 = 86_400_000;
/// The first millisecond of the year 1, and the first of the year 10000.
const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

/// 2026-11-22T09:30:00.000Z; the number itself outside of the years 1 to 9999, which have no such form.
pub fn to_iso(instant: i64) -> String {
    if !YEARS.contains(&instant) {
        return instant.to_string();
    }
    let (year, month, day) = date(instant.div_euclid(DAY));
    let rest = instant.rem_euclid(DAY);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, millisecond) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// Year, month and day of a day since 1970 (Howard Hinnant, chrono-compatible low-level date algorithms).
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leap days, the first and the last year, and what has no such form.
    #[test]
    fn instants() {
        for (instant, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_339_800_250, "2026-11-22T09:30:00.250Z"),
            (YEARS.start, "0001-01-01T00:00:00.000Z"),
            (YEARS.end - 1, "9999-12-31T23:59:59.999Z"),
            (YEARS.end, "253402300800000"),
            (YEARS.start - 1, "-62135596800001"),
        ] {
            assert_eq!(to_iso(instant), text);
        }
    }
}
