//! The date of responses, formatted once a second.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::FieldSection;
use crate::names::Name;

thread_local! {
    static DATE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Calls `use_date` with the date that a response with these fields lacks: if it has one, with nothing, and without
/// asking for the time.
pub(crate) fn with_date_for<T>(fields: &FieldSection, use_date: impl FnOnce(&str) -> T) -> T {
    if fields.has(Name::Date) { use_date("") } else { with_date(use_date) }
}

/// Calls `use_date` with the current time as `Date` has it (RFC 9110 section 5.6.7).
pub(crate) fn with_date<T>(use_date: impl FnOnce(&str) -> T) -> T {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(second, date)| {
        if *second != seconds || date.is_empty() {
            *second = seconds;
            *date = httpdate::fmt_http_date(now);
        }
        use_date(date)
    })
}
