//! The date of responses, formatted once a second.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::FieldSection;
use crate::names::Name;

/// The first second, counted from 1970, that a `Date` cannot show.
const YEAR_10000: u64 = 253_402_300_800;

thread_local! {
    static DATE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Calls `use_date` with the date that a response with these fields lacks: if it has one, with nothing, and without
/// asking for the time.
pub(crate) fn with_date_for<T>(fields: &FieldSection, use_date: impl FnOnce(&str) -> T) -> T {
    if fields.has(Name::Date) { use_date("") } else { with_date(use_date) }
}

/// Calls `use_date` with the current time as `Date` has it (RFC 9110 section 5.6.7); with nothing if the clock cannot
/// be right.
pub(crate) fn with_date<T>(use_date: impl FnOnce(&str) -> T) -> T {
    with_date_at(SystemTime::now(), use_date)
}

fn with_date_at<T>(now: SystemTime, use_date: impl FnOnce(&str) -> T) -> T {
    // RFC 9110 section 6.6.1: no Date without a clock. A device without a battery may start before 1970, and a broken
    // clock may show a year that a date of four digits cannot.
    let since_1970 = now.duration_since(UNIX_EPOCH).map(|since| since.as_secs());
    let Some(seconds) = since_1970.ok().filter(|&seconds| seconds < YEAR_10000) else {
        return use_date("");
    };
    DATE.with_borrow_mut(|(second, date)| {
        if *second != seconds || date.is_empty() {
            *second = seconds;
            *date = httpdate::fmt_http_date(now);
        }
        use_date(date)
    })
}

#[cfg(test)]
mod tests {
    use super::{YEAR_10000, with_date_at};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_clock_that_cannot_be_right_gives_no_date_and_stops_no_response() {
        // RFC 9110 section 6.6.1
        let date = |time| with_date_at(time, str::to_owned);
        let second = Duration::from_secs(1);
        let year_10000 = UNIX_EPOCH + Duration::from_secs(YEAR_10000);
        for wrong in [UNIX_EPOCH - second, UNIX_EPOCH - second / 2, year_10000] {
            assert_eq!(date(wrong), "", "{wrong:?}");
        }
        assert_eq!(date(UNIX_EPOCH), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(year_10000 - second), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
