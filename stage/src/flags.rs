//! The flags that all stages have. A flag never changes its meaning between stages.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use codec::BackendAddress;

use crate::Failure;

/// The largest size that a flag accepts: each connection takes a port, and an address has no more ports.
const MAX_SIZE: u64 = 65_535;
/// The longest time that a flag accepts, one day. A longer time is a mistake, and could overflow the clock.
const MAX_MINUTES: u64 = 24 * 60;

/// The end of every stage's `--help`.
pub const EXAMPLES: &str = "\
Examples (`N` is the number of the stage):
  cargo run -p webserver                                  the demo backend, in a terminal of its own
  cargo run -p partN                                      the stage, in front of that backend
  cargo run -p partN -- --listen 127.0.0.1:8090 --log debug";

/// The flags that all stages have.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // The group would have the name of the binary's own `Flags`.
pub struct Flags {
    /// Where to listen for clients; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,

    /// The address of the backend: HOST:PORT or http://HOST:PORT; several, for part6, with commas
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', default_value = "127.0.0.1:8081")]
    pub backend: Vec<String>,

    /// What to log: error, warn, info, debug (the variable RUST_LOG has precedence)
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,
}

impl Flags {
    /// The address of the backend, for a stage that takes one.
    ///
    /// # Errors
    /// [`Failure::usage`] if the flag names no backend, several, or the proxy itself.
    pub fn backend(&self) -> Result<BackendAddress, Failure> {
        match &self.backend[..] {
            [given] => self.resolve_backend(given),
            several => {
                let (count, first) = (several.len(), several.first().map_or("", String::as_str));
                let problem = format!("--backend names {count} backends, and this stage takes one");
                Err(Failure::usage(problem, format!("--backend {first}")))
            }
        }
    }

    /// The addresses of all backends: at least one.
    ///
    /// # Errors
    /// [`Failure::usage`] as for one.
    pub fn backends(&self) -> Result<Vec<BackendAddress>, Failure> {
        self.backend.iter().map(|given| self.resolve_backend(given)).collect()
    }

    fn resolve_backend(&self, given: &str) -> Result<BackendAddress, Failure> {
        let backend = resolve_address("--backend", given, "127.0.0.1:8081")?;
        let listen = resolve_listen("--listen", &self.listen)?;
        if listen.port() != 0 && backend.addresses().iter().any(|address| is_same(address, &listen)) {
            let problem =
                format!("--backend and --listen are both {listen}: the proxy would be its own backend");
            return Err(Failure::usage(problem, "choose another port for one of them"));
        }
        Ok(backend)
    }
}

/// Resolves the address after a flag that names a server: `HOST:PORT` or `http://HOST:PORT`, with all
/// addresses of the name.
///
/// # Errors
/// [`Failure::usage`], which suggests `example`, if it is not such an address, or the name cannot be resolved.
pub fn resolve_address(flag: &str, text: &str, example: &str) -> Result<BackendAddress, Failure> {
    let usage = |why: &str| Failure::usage(format!("{flag} {text}: {why}"), format!("{flag} {example}"));
    let address = BackendAddress::resolve(text).map_err(|error| usage(&error.to_string()))?;
    // A listener at port 0 gets any free port, but no client can connect to port 0.
    match address.addresses().iter().any(|address| address.port() == 0) {
        true => Err(usage("no server can be reached at port 0")),
        false => Ok(address),
    }
}

/// Resolves the address after a flag such as `--listen`.
pub(crate) fn resolve_listen(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    let usage = |why: &str| Failure::usage(format!("{flag} {text}: {why}"), format!("{flag} 127.0.0.1:8090"));
    let is_host_and_port = |(host, port): (&str, &str)| {
        !host.is_empty() && !host.contains(['/', '@', ' ']) && port.parse::<u16>().is_ok()
    };
    if !text.rsplit_once(':').is_some_and(is_host_and_port) {
        return Err(usage("it is not host:port"));
    }
    let resolved = text
        .to_socket_addrs()
        .and_then(|mut addresses| addresses.next().ok_or_else(|| io::Error::other("it has no address")));
    let address = resolved.map_err(|error| usage(&format!("the name cannot be resolved: {error}")))?;
    match address.ip() {
        ip if ip.is_multicast() || ip == Ipv4Addr::BROADCAST => {
            Err(usage("it is a multicast or broadcast address, to which no client can connect"))
        }
        _ => Ok(address),
    }
}

/// Whether a connection to `backend` would reach a listener at `listen`.
fn is_same(backend: &SocketAddr, listen: &SocketAddr) -> bool {
    // An unspecified address listens on all addresses, and is reachable through the loopback.
    let is_here = |ip: IpAddr| ip.is_unspecified() || ip.is_loopback();
    let is_anywhere = backend.ip().is_unspecified() || listen.ip().is_unspecified();
    let reaches =
        backend.ip() == listen.ip() || (is_anywhere && is_here(backend.ip()) && is_here(listen.ip()));
    reaches && backend.port() == listen.port()
}

/// Parses a number from `LEAST` to `MOST`, for a flag.
///
/// # Errors
/// If the text is not such a number. The error names the range.
pub fn parse_number<T: TryFrom<u64>, const LEAST: u64, const MOST: u64>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("it is not a number from {LEAST} to {MOST}"))
}

/// Parses a number of connections, at least 1, for a flag.
///
/// # Errors
/// As [`parse_number`].
pub fn parse_size(text: &str) -> Result<usize, String> {
    parse_number::<usize, 1, MAX_SIZE>(text)
}

/// Parses a time such as `100ms`, `4s` or `2m`, at most a day, for a flag.
///
/// # Errors
/// If the text is not such a time. The error names the format.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let milliseconds = match &text[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    let duration = milliseconds.zip(number).and_then(|(unit, number)| number.checked_mul(unit));
    let duration = duration.filter(|&milliseconds| milliseconds <= MAX_MINUTES * 60_000);
    duration
        .map(Duration::from_millis)
        .ok_or_else(|| format!("it is not a time such as 100ms, 4s or 2m, up to {MAX_MINUTES}m"))
}
