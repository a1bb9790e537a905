//! Selects the failure to report if a backend cannot be reached: the most informative of those at its addresses.
//!
//! Invariant: the order of the addresses does not matter. Of failures of the same kind, the first is reported.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::{BackendAddress, Cause, Error, Wait};

/// Error numbers differ between Linux, Windows and the other systems, which use those of BSD.
const IS_LINUX: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The failure to report, selected while the addresses of a backend are tried.
#[derive(Debug, Default)]
pub(crate) struct ConnectFailure(Option<(Kind, io::Error)>);

/// The kind of a failure; a later variant is more informative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// This machine cannot reach the address: it lacks the address family, a local address or a route.
    NoWay,
    /// The other side refused or reset the connection, or the network reported that it is not there.
    Refused,
    /// No reply arrived.
    TimedOut,
    /// This proxy has no descriptor, memory or port left.
    Exhausted,
}

impl ConnectFailure {
    /// Adds the failure at one address.
    pub(crate) fn add(&mut self, address: &SocketAddr, error: io::Error) {
        let kind = Kind::from_error(address, &error);
        if self.0.as_ref().is_none_or(|(reported, _)| kind > *reported) {
            self.0 = Some((kind, error));
        }
    }

    /// The error to report: a timeout if no address was tried.
    pub(crate) fn into_error(self, backend: &BackendAddress) -> Error {
        match self.0 {
            None | Some((Kind::TimedOut, _)) => Error::backend(Cause::TimedOut(Wait::Connect)),
            Some((Kind::Exhausted, error)) => Error::proxy(cause(backend, error)),
            Some((Kind::NoWay | Kind::Refused, error)) => Error::backend(cause(backend, error)),
        }
    }
}

fn cause(backend: &BackendAddress, error: io::Error) -> Cause {
    Cause::Connect { backend: backend.to_string(), error }
}

impl Kind {
    fn from_error(address: &SocketAddr, error: &io::Error) -> Kind {
        match error.kind() {
            ErrorKind::TimedOut => Kind::TimedOut,
            // The system reports two cases like this: no port is left, or no local address fits.
            ErrorKind::AddrNotAvailable if has_local_address(address) => Kind::Exhausted,
            _ if is_exhaustion(error) => Kind::Exhausted,
            _ if is_no_way(error) => Kind::NoWay,
            _ => Kind::Refused,
        }
    }
}

/// Whether a local address fits `address`. A UDP socket is used for the check: it takes no TCP port, and
/// connecting it sends nothing.
fn has_local_address(address: &SocketAddr) -> bool {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let connected = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(address));
    !connected.is_err_and(|error| is_no_way(&error))
}

/// Whether the operating system has no descriptor or memory left. Windows reports WSAENOBUFS also if no port is left.
fn is_exhaustion(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const WSAEMFILE: i32 = 10024;
    const ENOBUFS: i32 = if cfg!(windows) {
        10055
    } else if IS_LINUX {
        105
    } else {
        55
    };
    error.kind() == ErrorKind::OutOfMemory
        || matches!(error.raw_os_error(), Some(ENFILE | EMFILE | WSAEMFILE | ENOBUFS))
}

/// Whether this machine lacks an address family, a local address, or a route.
fn is_no_way(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = if cfg!(windows) {
        10047
    } else if IS_LINUX {
        97
    } else {
        47
    };
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::NetworkUnreachable)
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blame;

    const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

    /// What is reported of failures at several addresses, whatever their order.
    #[track_caller]
    fn reported(failures: &[ErrorKind]) -> (Blame, String) {
        let backend = BackendAddress::resolve("127.0.0.1:9").expect("an address");
        let report = |failures: &mut dyn Iterator<Item = &ErrorKind>| {
            let mut failure = ConnectFailure::default();
            failures.for_each(|&kind| failure.add(&LOCAL, kind.into()));
            let error = failure.into_error(&backend);
            (error.blame(), error.to_string())
        };
        let forwards = report(&mut failures.iter());
        assert_eq!(forwards, report(&mut failures.iter().rev()), "the order decides");
        forwards
    }

    #[test]
    fn the_most_telling_failure_is_reported_whatever_the_order_of_the_addresses() {
        use ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable, OutOfMemory, TimedOut};
        let cases = [
            // There is a local address that fits 127.0.0.1, so it is a port that is missing.
            (&[TimedOut, AddrNotAvailable, ConnectionRefused][..], Blame::Proxy, "address not available"),
            (&[OutOfMemory, TimedOut], Blame::Proxy, "out of memory"),
            (&[ConnectionRefused, TimedOut, NetworkUnreachable], Blame::Backend, "waited too long"),
            (&[ConnectionRefused, NetworkUnreachable], Blame::Backend, "connection refused"),
            (&[NetworkUnreachable], Blame::Backend, "network unreachable"),
            (&[], Blame::Backend, "waited too long"),
        ];
        for (failures, blame, text) in cases {
            let reported = reported(failures);
            assert_eq!(reported.0, blame, "{failures:?}: {}", reported.1);
            assert!(reported.1.contains(text), "{failures:?}: {}", reported.1);
        }
    }

    #[cfg(target_os = "linux")] // Elsewhere the error is another one.
    #[test]
    fn an_address_that_no_local_one_fits_is_not_taken_for_a_lack_of_ports() {
        // The loopback interface has no link-local address.
        let unreachable = "[fe80::1%1]:9".parse().expect("an address");
        assert_eq!(Kind::from_error(&unreachable, &ErrorKind::AddrNotAvailable.into()), Kind::NoWay);
        assert_eq!(Kind::from_error(&LOCAL, &ErrorKind::AddrNotAvailable.into()), Kind::Exhausted);
    }
}
