//! How a listener goes on when accepting a connection fails.

use std::io;
use std::time::Duration;

/// Waits longer after each failure in a row, and says so once: an error such as "too many open files" comes back
/// at once, and a loop that does not wait does nothing else.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    /// A connection was accepted.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Accepting failed: how long to wait before the next try.
    pub(crate) fn failed(&mut self, error: &io::Error) -> Duration {
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(Self::LONGEST);
        if self.failures == 0 {
            log::warn!(
                "cannot accept a client: {error}. Trying again, after at most {:?} each time",
                Self::LONGEST
            );
        }
        self.failures += 1;
        wait
    }
}
