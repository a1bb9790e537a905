//! The answers of the RPC as people read them.

use codec::printable;
use stats_client::{Availability, Backends, Queue, Requests, Stats};

/// Printed if no request has ended yet.
const NO_PATHS: &str = "0 paths yet. Send a request: cargo lab get /\n";

/// The `top` paths with the most bytes, a line each: bytes, path.
pub fn paths(stats: &Stats, top: usize) -> String {
    let rows = stats.by_bytes();
    if rows.is_empty() {
        return NO_PATHS.to_owned();
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

/// How long the requests for each path took, a line each.
pub fn latencies(requests: &Requests) -> String {
    if requests.requests.is_empty() { NO_PATHS.to_owned() } else { requests.to_string() }
}

/// The queue of a proxy, in a line.
pub fn queue(queue: &Queue) -> String {
    let Queue { in_flight, most_in_flight, waiting, most_waiting, refused } = queue;
    let most_in_flight = most_in_flight.map(|most| format!(" of at most {most}")).unwrap_or_default();
    format!(
        "{in_flight}{most_in_flight} in flight, {waiting} of at most {most_waiting} waiting, {refused} refused\n"
    )
}
