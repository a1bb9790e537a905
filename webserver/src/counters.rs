//! The counters of `/_lab/counters`: tests count what a proxy did, and do not measure time.
//!
//! Invariant: a request leaves `in_flight` before the last bytes of its response are written. Otherwise a request could
//! be counted after its client has the complete response, and sequential requests would look concurrent.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counters of all connections.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<Counts>,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub accepted: u64,
    pub in_flight: u64,
    pub in_flight_max: u64,
    pub requests: u64,
}

impl Counters {
    pub fn counts(&self) -> Counts {
        *self.lock()
    }

    pub fn json(&self) -> String {
        let Counts { accepted, in_flight, in_flight_max, requests } = self.counts();
        format!(
            r#"{{"accepted":{accepted},"in_flight":{in_flight},"in_flight_max":{in_flight_max},"requests":{requests}}}"#
        )
    }

    /// Resets the counters to zero, except for the requests in flight.
    pub fn reset(&self) {
        let mut counts = self.lock();
        let in_flight = counts.in_flight;
        *counts = Counts { in_flight, in_flight_max: in_flight, ..Counts::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Each change is complete in itself, so a panic elsewhere leaves nothing half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, counted from its first request that is not for `/_lab`.
#[derive(Debug)]
pub struct CountedConnection<'a> {
    counters: &'a Counters,
    is_counted: bool,
}

impl<'a> CountedConnection<'a> {
    pub fn new(counters: &'a Counters) -> CountedConnection<'a> {
        CountedConnection { counters, is_counted: false }
    }

    /// Counts a request that could not be read.
    pub fn bad_request(&mut self) {
        let mut counts = self.counters.lock();
        counts.accepted += u64::from(!self.is_counted);
        self.is_counted = true;
    }

    /// Counts a request whose head was read.
    pub fn begin_request(&mut self) -> InFlight<'a> {
        let mut counts = self.counters.lock();
        counts.accepted += u64::from(!self.is_counted);
        self.is_counted = true;
        counts.requests += 1;
        counts.in_flight += 1;
        counts.in_flight_max = counts.in_flight_max.max(counts.in_flight);
        InFlight { counters: self.counters }
    }
}

/// A request in flight; dropping it, by an error or a panic too, removes it from the count.
#[derive(Debug)]
pub struct InFlight<'a> {
    counters: &'a Counters,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.counters.lock().in_flight -= 1;
    }
}
