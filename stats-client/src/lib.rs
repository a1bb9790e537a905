//! The contract of the stats RPC, and a typed client for it.
//!
//! JSON-RPC 2.0 over HTTP: a POST to [`PATH`] with a method and no parameters. The answer to [`GET_STATS`] is
//! [`Stats`]; the other methods, which only later stages have, return [`Backends`], [`Requests`] and [`Queue`]. Any
//! JSON-RPC client of any language can call it, and so can curl.

mod client;
mod http;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use codec::printable;
use serde::{Deserialize, Serialize};

pub use client::{ClientError, get_backends, get_queue, get_request_stats, get_stats};
pub use http::check_request;

/// The path that the RPC is served at.
pub const PATH: &str = "/rpc";
/// The method that returns [`Stats`].
pub const GET_STATS: &str = "RpcServer.GetStats";
/// The method that returns [`Backends`], of a proxy that has several.
pub const GET_BACKENDS: &str = "RpcServer.GetBackends";

/// The method that returns [`Requests`], of a proxy that measures how long they take.
pub const GET_REQUEST_STATS: &str = "RpcServer.GetRequestStats";
/// The method that returns [`Queue`], of a proxy that has one.
pub const GET_QUEUE: &str = "RpcServer.GetQueue";

/// What a proxy has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Path of a request -> bytes of body that were sent to clients for it.
    #[serde(rename = "RequestBytes")]
    pub request_bytes: BTreeMap<Arc<str>, u64>,
}

/// The backends of a proxy, in the order in which they were given to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Backends {
    /// One entry for each backend.
    pub backends: Vec<Backend>,
}

/// What a proxy knows of one backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Backend {
    /// Host and port, as they were given.
    pub address: String,
    /// Whether it gets requests.
    pub state: Availability,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests that were sent to it. One that was retried on the same backend counts once.
    pub requests: u64,
    /// Failed attempts at requests through its fault.
    pub failures: u64,
    /// The last error of a request or a check; `None` if there was none.
    pub last_error: Option<String>,
}

/// What a proxy has measured of the requests for each path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Requests {
    /// By path.
    pub requests: BTreeMap<Arc<str>, RequestStats>,
}

/// What a proxy has measured of the requests for one path. Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RequestStats {
    /// Bytes of body that were sent to clients.
    pub total_bytes: u64,
    /// Requests that have ended.
    pub request_count: u64,
    /// The sum of all times from the first byte of a request to the last byte of its response.
    pub response_total_millis: f64,
    /// The sum of all times from the first byte of a request until the head of its response was sent.
    pub response_first_byte_millis: f64,
    /// The time that half of all requests did not exceed: estimated from the counts of a few ranges of times.
    pub p50: f64,
    /// The time that 90 % of all requests did not exceed.
    pub p90: f64,
    /// The time that 99 % of all requests did not exceed.
    pub p99: f64,
}

/// How many requests a proxy serves, and how many wait for that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Queue {
    /// Requests that are being served.
    pub in_flight: u64,
    /// The most that are served at once; `None` if there is no bound but that of the clients.
    pub most_in_flight: Option<u64>,
    /// Requests that wait to be served.
    pub waiting: u64,
    /// The most that may wait.
    pub most_waiting: u64,
    /// Requests that were refused, because too many waited or because they had waited for too long.
    pub refused: u64,
}

/// Whether a backend gets requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// It gets requests.
    Up,
    /// It gets no requests until a check passes.
    Down,
}

/// A line for each path, in the columns of the original and with percentiles.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "   count     total bytes   avg bytes    avg ms first ms      p50      p90      p99  path"
        )?;
        for (path, stats) in &self.requests {
            // An answer may come from any server, so the count may be 0.
            let count = stats.request_count.max(1);
            writeln!(
                f,
                "{:8} {:15} {:11} {:9.2} {:8.2} {:8.2} {:8.2} {:8.2}  {}",
                stats.request_count,
                stats.total_bytes,
                stats.total_bytes / count,
                stats.response_total_millis / count as f64,
                stats.response_first_byte_millis / count as f64,
                stats.p50,
                stats.p90,
                stats.p99,
                printable(path)
            )?;
        }
        Ok(())
    }
}

impl Stats {
    /// All paths and their bytes: descending by bytes, ties by path.
    pub fn by_bytes(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> = self.request_bytes.iter().map(|(path, bytes)| (&**path, *bytes)).collect();
        rows.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
        rows
    }
}
