//! What goes wrong at the front door: an address that cannot be listened on, a client that cannot be accepted.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Failure;

/// Waits longer after each failure in a row, and says so once: an error such as "too many open files" comes back
/// at once, and a loop that does not wait does nothing else.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    last_failure: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);
    /// Failures with less than that between them are one trouble: clients that come and go at the limit let one in
    /// now and then, and each would be a line.
    const ONE_TROUBLE: Duration = Duration::from_secs(10);

    /// A connection was accepted.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Accepting failed: how long to wait before the next try.
    pub(crate) fn failed(&mut self, error: &io::Error) -> Duration {
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(Self::LONGEST);
        let last_failure = self.last_failure.replace(Instant::now());
        if last_failure.is_none_or(|last| last.elapsed() > Self::ONE_TROUBLE) {
            log::warn!(
                "cannot accept a client: {error}. Trying again, after at most {:?} each time",
                Self::LONGEST
            );
        }
        self.failures += 1;
        wait
    }
}

/// Why an address cannot be listened on, and the flag that helps.
pub(crate) fn bind_failure(flag: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let free = SocketAddr::new(address.ip(), if address.port() == 8090 { 8091 } else { 8090 });
    let what = match error.kind() {
        ErrorKind::AddrInUse => {
            "the port is in use: another stage may still be running. Stop it, or take another port".to_owned()
        }
        ErrorKind::PermissionDenied => "ports below 1024 are for root. Take another port".to_owned(),
        _ => format!("{error}. Take another address"),
    };
    Failure::Environment(format!("cannot listen on {address}: {what}: {flag} {free}"))
}
