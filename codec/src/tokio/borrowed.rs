//! Tracks which of the connections that a pool has handed out may still return.
//!
//! Invariant: [`Borrows::count`] is the number of [`Borrow`]s that are alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::{BodyFraming, Persistence, ResponseHead, is_media_type};

/// The connections of one pool that are borrowed and may return. A request that finds the pool empty may wait
/// for one of them.
#[derive(Clone, Debug, Default)]
pub struct Borrows(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: AtomicUsize,
    lost: Notify,
}

/// One borrowed connection. If this is dropped before it is returned, the connection is lost and will not return.
#[derive(Debug)]
pub struct Borrow {
    shared: Arc<Shared>,
    is_returned: bool,
}

impl Borrows {
    /// Counts one more connection.
    pub fn begin(&self) -> Borrow {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Borrow { shared: Arc::clone(&self.0), is_returned: false }
    }

    /// The number of connections that may return.
    pub fn count(&self) -> usize {
        // Pairs with the release in `drop`: a caller that no longer counts a connection finds it in the pool.
        self.0.count.load(Ordering::Acquire)
    }

    /// Completes when a connection is lost, or [`wake`](Borrows::wake) is called, after this call. Call it
    /// before [`count`](Borrows::count), so that no loss is missed. May be dropped.
    pub fn loss(&self) -> impl Future<Output = ()> {
        self.0.lost.notified()
    }

    /// Makes all callers that wait for a loss count again, because an idle connection may have been closed.
    pub fn wake(&self) {
        self.0.lost.notify_waiters();
    }
}

impl Borrow {
    /// Ends the borrow: the connection is in the pool again.
    pub fn returned(mut self) {
        self.is_returned = true;
    }
}

impl Drop for Borrow {
    fn drop(&mut self) {
        self.shared.count.fetch_sub(1, Ordering::Release);
        if !self.is_returned {
            self.shared.lost.notify_waiters();
        }
    }
}

/// Whether the connection may serve another request soon after this response.
///
/// A body of unknown length may still be short. An event stream rarely is (WHATWG HTML section 9.2).
pub(super) fn may_return(head: &ResponseHead, persistence: Persistence) -> bool {
    let is_event_stream = || {
        let value = head.fields.get("Content-Type");
        value.is_some_and(|value| is_media_type(value, "text/event-stream"))
    };
    match (persistence, head.framing()) {
        (Persistence::Close, _) | (_, BodyFraming::CloseDelimited) => false,
        (_, BodyFraming::Empty | BodyFraming::ContentLength(_)) => true,
        (_, BodyFraming::Chunked) => !is_event_stream(),
    }
}
