//! The contract of the stats RPC, and a typed client for it.
//!
//! JSON-RPC 2.0 over HTTP: a POST to [`PATH`] with the method [`GET_STATS`] and no parameters is answered with
//! [`Stats`]. Any JSON-RPC client of any language can call it, and so can curl.

mod client;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use client::{ClientError, get_stats};

/// The path that the RPC is served at.
pub const PATH: &str = "/rpc";
/// The method that returns [`Stats`].
pub const GET_STATS: &str = "RpcServer.GetStats";

/// What a proxy has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Path of a request -> bytes of body that were sent to clients for it.
    #[serde(rename = "RequestBytes")]
    pub request_bytes: BTreeMap<String, u64>,
}

impl Stats {
    /// All paths and their bytes, the most first; those with as many by name.
    pub fn by_bytes(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> =
            self.request_bytes.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        rows.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
        rows
    }
}
