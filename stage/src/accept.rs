//! Handles the failures to listen on an address and to accept a client.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Failure;

/// Waits longer after each consecutive failure, and logs failures in quick succession once. An error such as
/// "too many open files" returns at once, so a loop without a wait would be busy. An error of one connection
/// removed that connection from the queue, so it cannot recur and needs no wait.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    last_failure: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);
    /// Failures closer together than this are logged once. At the limit, a client that leaves lets the next
    /// one in, so each further failure would be a log line.
    const ONE_TROUBLE: Duration = Duration::from_secs(10);

    /// A connection was accepted.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Returns how long to wait before the next call of `accept`; `None` after an error of one connection.
    pub(crate) fn failed(&mut self, error: &io::Error) -> Option<Duration> {
        if !is_exhaustion(error) {
            log::debug!("a connection failed before it was accepted: {error}");
            return None;
        }
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(Self::LONGEST);
        let last_failure = self.last_failure.replace(Instant::now());
        if last_failure.is_none_or(|last| last.elapsed() > Self::ONE_TROUBLE) {
            log::warn!(
                "cannot accept a client: {error}. Trying again, after at most {:?} each time",
                Self::LONGEST
            );
        }
        self.failures += 1;
        Some(wait)
    }
}

/// Whether `accept` failed because the process or the machine has no descriptor or no memory left. All other
/// errors that accept(2) lists concern the connection: it was reset, or its network failed.
fn is_exhaustion(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 105 } else { 55 };
    const WSAEMFILE: i32 = 10024;
    const WSAENOBUFS: i32 = 10055;
    // ENOMEM has an `ErrorKind`.
    error.kind() == ErrorKind::OutOfMemory
        || matches!(error.raw_os_error(), Some(ENFILE | EMFILE | ENOBUFS | WSAEMFILE | WSAENOBUFS))
}

/// The failure to listen on an address, with the flag that helps.
pub(crate) fn bind_failure(flag: &str, address: SocketAddr, error: &io::Error) -> Failure {
    /// Ports below this one are reserved for root.
    const FIRST_UNRESERVED: u16 = 1024;

    let port = address.port();
    // The same port as `cargo lab doctor` suggests: the ports of the default addresses do not collide.
    let other_port = port.checked_add(10).filter(|&port| port >= FIRST_UNRESERVED).unwrap_or(8090);
    let elsewhere = SocketAddr::new(address.ip(), other_port);
    // Every machine has this address.
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    let (what, next, helps) = match error.kind() {
        ErrorKind::AddrInUse => {
            let what = "the port is in use by another program, perhaps by a stage";
            (what.to_owned(), "stop it, or choose another port", elsewhere)
        }
        ErrorKind::PermissionDenied if port < FIRST_UNRESERVED => {
            (format!("only root may listen on ports below {FIRST_UNRESERVED}"), "another port", elsewhere)
        }
        ErrorKind::AddrNotAvailable if address.ip() != loopback.ip() => {
            ("this machine does not have that address".to_owned(), "one of its own addresses", loopback)
        }
        _ if address.ip() == loopback.ip() => (error.to_string(), "another port", elsewhere),
        _ => (error.to_string(), "another address", loopback),
    };
    Failure::environment(format!("cannot listen on {address}: {what}"), format!("{next}: {flag} {helps}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long `accept` waits after each of these errors.
    fn waits(errors: impl IntoIterator<Item = io::Error>) -> Vec<Option<Duration>> {
        let mut backoff = Backoff::default();
        errors.into_iter().map(|error| backoff.failed(&error)).collect()
    }

    #[test]
    fn an_error_of_one_connection_does_not_delay_the_next() {
        // The kinds that platforms report, and what accept(2) of Linux lists: EPERM, EPROTO, ENOPROTOOPT,
        // EOPNOTSUPP, ENETDOWN, ENETUNREACH, ECONNABORTED, ECONNRESET, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENONET.
        let kinds = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::Interrupted];
        let ten_times = kinds.iter().cycle().take(30).map(|&kind| io::Error::from(kind));
        assert!(waits(ten_times).iter().all(Option::is_none));
        if cfg!(target_os = "linux") {
            let numbers = [1, 71, 92, 95, 100, 101, 103, 104, 110, 112, 113, 64];
            let listed = numbers.map(io::Error::from_raw_os_error);
            assert_eq!(waits(listed), [None; 12]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn accept_backs_off_on_a_lack_of_descriptors_or_memory() {
        let no_buffers = if cfg!(target_os = "linux") { 105 } else { 55 };
        // ENFILE, EMFILE, ENOMEM, ENOBUFS.
        let errors = [23, 24, 12, no_buffers].map(io::Error::from_raw_os_error);
        assert_eq!(waits(errors), [10, 20, 40, 80].map(|wait| Some(Duration::from_millis(wait))));
    }

    #[test]
    fn a_skipped_connection_does_not_reset_the_backoff() {
        let (lack, reset) = (ErrorKind::OutOfMemory, ErrorKind::ConnectionReset);
        let waits = waits([lack, reset, lack].map(io::Error::from));
        assert_eq!(waits, [Some(Duration::from_millis(10)), None, Some(Duration::from_millis(20))]);
    }
}
