//! How many bytes of body went to clients, by path.
//!
//! A `std` mutex, not an async one: the lock is held for a few instructions and never across an `.await`, so waiting
//! for it takes less time than suspending the task. The compiler helps: a guard of this mutex cannot be held across an
//! `.await` in a task that may move between threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codec::{BodyFraming, RequestHead, ResponseHead};

/// Paths that are counted under their own name. A client can request any path, so without a bound the map could fill
/// the memory.
const MAX_PATHS: usize = 10_000;
/// The longest path that is counted under its own name.
const MAX_PATH_BYTES: usize = 1024;
/// The name under which all other paths are counted.
const OTHER: &str = "(other)";

/// Path -> bytes of body sent to clients.
#[derive(Default)]
pub struct Stats {
    /// `Arc<str>`: a copy of the map shares its paths, so copying it takes little time under the lock.
    bytes: Mutex<HashMap<Arc<str>, u64>>,
}

/// Counts the bytes of one response while they are sent. The total is final when this is dropped.
pub struct Count<'a> {
    stats: &'a Stats,
    path: &'a str,
    announced: u64,
    sent: u64,
}

impl Stats {
    /// Starts to count a response, and sets its `X-Bytes` to the total of its path.
    ///
    /// A body of known length is counted now, so that two concurrent responses have different totals. A body of unknown
    /// length is counted when it has been sent, so its `X-Bytes` is the total before it.
    pub fn count<'a>(&'a self, request: &'a RequestHead, response: &mut ResponseHead) -> Count<'a> {
        let announced = match response.framing() {
            BodyFraming::ContentLength(length) => length,
            BodyFraming::Empty | BodyFraming::Chunked | BodyFraming::CloseDelimited => 0,
        };
        let path = request.path();
        let total = self.add(path, announced);
        response.fields.set("X-Bytes", total.to_string());
        Count { stats: self, path, announced, sent: 0 }
    }

    /// The current totals of all paths.
    pub fn snapshot(&self) -> HashMap<Arc<str>, u64> {
        self.lock().clone()
    }

    /// Adds to the total of a path, and returns the new total.
    fn add(&self, path: &str, bytes: u64) -> u64 {
        let mut totals = self.lock();
        let has_room = totals.len() < MAX_PATHS && path.len() <= MAX_PATH_BYTES;
        let total = match totals.get_mut(path) {
            Some(total) => total,
            None => totals.entry(Arc::from(if has_room { path } else { OTHER })).or_default(),
        };
        // Wrapping, because `drop` subtracts the bytes that were not sent by adding a negative number.
        *total = total.wrapping_add(bytes);
        *total
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, u64>> {
        // Nothing that can panic runs under the lock, so the map is consistent even if a task has panicked.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count<'_> {
    /// Counts bytes of the body that were sent.
    pub fn add(&mut self, bytes: u64) {
        self.sent += bytes;
    }
}

impl Drop for Count<'_> {
    /// Replaces the announced count by the count of sent bytes, also if the body was cut or the client disconnected.
    fn drop(&mut self) {
        if self.sent != self.announced {
            self.stats.add(self.path, self.sent.wrapping_sub(self.announced));
        }
    }
}
