//! The date of responses, formatted once a second.

use std::cell::Cell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::FieldSection;
use crate::names::Name;

/// The first second since 1970 that a `Date` cannot represent.
const YEAR_10000: u64 = 253_402_300_800;

/// `Sun, 06 Nov 1994 08:49:37 GMT`
const DATE_BYTES: usize = 29;

thread_local! {
    static LAST: Cell<Option<(u64, Date)>> = const { Cell::new(None) };
}

/// The value of a `Date` field (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date([u8; DATE_BYTES]);

impl Date {
    /// The current time. `None` if the clock is obviously wrong.
    pub fn now() -> Option<Date> {
        Date::at(SystemTime::now())
    }

    /// The given time, in whole seconds. `None` before 1970 and after 9999.
    pub fn at(time: SystemTime) -> Option<Date> {
        // RFC 9110 section 6.6.1: a server without a clock sends no Date. A device without a battery may
        // start before 1970, and a broken clock may show a year with more than four digits.
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        if seconds >= YEAR_10000 {
            return None;
        }
        if let Some((second, date)) = LAST.get()
            && second == seconds
        {
            return Some(date);
        }
        let date = Date(httpdate::fmt_http_date(time).into_bytes().try_into().ok()?);
        LAST.set(Some((seconds, date)));
        Some(date)
    }

    /// The date to add to a response with these fields. Returns `None`, without reading the clock, if they have a date.
    pub(crate) fn lacking(fields: &FieldSection) -> Option<Date> {
        if fields.has(Name::Date) { None } else { Date::now() }
    }

    /// The date as text.
    pub fn as_str(&self) -> &str {
        // The bytes were made from text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Date, YEAR_10000};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_clock_that_cannot_be_right_gives_no_date_and_stops_no_response() {
        // RFC 9110 section 6.6.1
        let second = Duration::from_secs(1);
        let year_10000 = UNIX_EPOCH + Duration::from_secs(YEAR_10000);
        for wrong in [UNIX_EPOCH - second, UNIX_EPOCH - second / 2, year_10000] {
            assert_eq!(Date::at(wrong), None, "{wrong:?}");
        }
        // Each is formatted anew, also if another was formatted before.
        for (time, text) in [
            (UNIX_EPOCH, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (year_10000 - second, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (UNIX_EPOCH + second / 2, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(Date::at(time).map(|date| date.to_string()).as_deref(), Some(text));
        }
    }
}
