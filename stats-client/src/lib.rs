//! The contract of the stats RPC, and a typed client for it.
//!
//! JSON-RPC 2.0 over HTTP: a POST to [`PATH`] with a method and no parameters. The answer to [`GET_STATS`] is
//! [`Stats`]. The answer to [`GET_BACKENDS`], which a proxy with several backends has, is [`Backends`]. Any JSON-RPC
//! client of any language can call it, and so can curl.

mod client;
mod http;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use client::{ClientError, get_backends, get_stats};
pub use http::check_request;

/// The path that the RPC is served at.
pub const PATH: &str = "/rpc";
/// The method that returns [`Stats`].
pub const GET_STATS: &str = "RpcServer.GetStats";
/// The method that returns [`Backends`], of a proxy that has several.
pub const GET_BACKENDS: &str = "RpcServer.GetBackends";

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

/// Whether a backend gets requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// It gets requests.
    Up,
    /// It gets no requests until a check passes.
    Down,
}

impl Stats {
    /// All paths and their bytes: descending by bytes, ties by path.
    pub fn by_bytes(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> = self.request_bytes.iter().map(|(path, bytes)| (&**path, *bytes)).collect();
        rows.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
        rows
    }
}
