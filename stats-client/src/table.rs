//! The answers of the RPC as people read them.

use codec::printable;
use stats_client::{Availability, Backends, Stats};

/// The `top` paths with the most bytes, a line each: bytes, path.
pub fn paths(stats: &Stats, top: usize) -> String {
    let rows = stats.by_bytes();
    if rows.is_empty() {
        return "0 paths yet. Send a request: cargo lab get /\n".to_owned();
    }
    let mut text = String::new();
    for (path, bytes) in rows.iter().take(top) {
        text += &format!("{bytes:10} {}\n", printable(path));
    }
    text
}

/// The backends of a proxy, a line each, in the order in which they were given to it.
pub fn backends(backends: &Backends) -> String {
    let mut text = "state  in flight   requests   failures  backend\n".to_owned();
    for backend in &backends.backends {
        let state = match backend.state {
            Availability::Up => "up",
            Availability::Down => "down",
        };
        let address = printable(&backend.address);
        let last_error = backend.last_error.as_deref().map(|error| format!("  ({})", printable(error)));
        text += &format!(
            "{state:5}  {:9} {:10} {:10}  {address}{}\n",
            backend.in_flight,
            backend.requests,
            backend.failures,
            last_error.unwrap_or_default()
        );
    }
    text
}
