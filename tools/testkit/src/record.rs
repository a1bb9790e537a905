//! What a backend received, and how to wait for it.

use std::io::{self, ErrorKind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Head;
use crate::wire::End;

/// A request as a backend received it.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The request line, the fields, and the raw bytes of both.
    pub head: Head,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The byte count of the body, including bytes that were not kept.
    pub body_bytes: u64,
    /// The trailer section; without fields if there is none.
    pub trailers: Head,
    /// How the body ended; `None` if it is still being received.
    pub ended: Option<End>,
}

/// Everything that a backend records.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) accepted: usize,
    pub(crate) closed: usize,
    pub(crate) in_flight: usize,
    pub(crate) in_flight_max: usize,
    pub(crate) requests: Vec<Received>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) faults: Vec<String>,
    pub(crate) released: usize,
    pub(crate) stopping: bool,
}

impl Record {
    fn summary(&self) -> String {
        let Record { accepted, closed, in_flight, requests, faults, .. } = self;
        let requests = requests.len();
        format!(
            "{accepted} connections, {closed} closed, {requests} requests, {in_flight} in flight, {faults:?}"
        )
    }
}

/// The record, and the notification of its waiters.
#[derive(Default)]
pub(crate) struct Shared {
    record: Mutex<Record>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(crate) fn wait_until(
        &self,
        what: &str,
        patience: Duration,
        mut is_so: impl FnMut(&mut Record) -> bool,
    ) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        let mut record = self.lock();
        while !is_so(&mut record) {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                let message = format!("the backend waited in vain for {what}: {}", record.summary());
                return Err(io::Error::new(ErrorKind::TimedOut, message));
            }
            let (changed, _) =
                self.changed.wait_timeout(record, rest).unwrap_or_else(PoisonError::into_inner);
            record = changed;
        }
        Ok(())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
