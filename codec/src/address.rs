//! The address of a backend.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::Host;

/// The address of a backend: its name as given, and all addresses that the name resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BackendAddress {
    authority: Host,
    addresses: Vec<SocketAddr>,
}

/// The reason why a text is not the address of a backend.
#[derive(Debug)]
pub enum AddressError {
    /// The text is neither `host:port` nor `http://host:port`.
    Invalid,
    /// The name could not be resolved.
    Unresolved(io::Error),
}

impl BackendAddress {
    /// Parses `host:port` or `http://host:port`, and resolves the name once, in this call. docs/src/limits.md
    /// explains why once, and why there is no TLS.
    pub fn resolve(text: &str) -> Result<BackendAddress, AddressError> {
        let authority = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = Host::new(authority).map_err(|_| AddressError::Invalid)?;
        if !has_port {
            return Err(AddressError::Invalid);
        }
        let addresses: Vec<_> = authority.to_socket_addrs().map_err(AddressError::Unresolved)?.collect();
        if addresses.is_empty() {
            return Err(AddressError::Unresolved(io::Error::from(io::ErrorKind::NotFound)));
        }
        Ok(BackendAddress { authority: host, addresses })
    }

    /// The host and port as given: the value of `Host` for a request without one.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.authority
    }

    /// All addresses, in the order in which they are tried.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl fmt::Display for BackendAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.authority.fmt(f)
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Invalid => f.write_str("it is not host:port, nor http://host:port"),
            AddressError::Unresolved(error) => write!(f, "the name cannot be resolved: {error}"),
        }
    }
}

impl std::error::Error for AddressError {}
