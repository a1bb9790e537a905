//! Stops a server: idle connections end at once, busy ones after their exchange.
//!
//! A listener owns [`Connections`]; each connection holds a [`ConnectionGuard`] until it is closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The open connections of a server, and whether they are asked to end. A clone refers to the same connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_closing: AtomicBool,
    next_id: AtomicU64,
    wakers: Mutex<HashMap<u64, Option<Waker>>>,
    one_left: Notify,
}

/// An accepted connection to a client: its socket, and its place among the open connections.
#[derive(Debug)]
pub struct ClientStream {
    /// The socket.
    pub stream: TcpStream,
    /// The connection counts as open until this is dropped.
    pub guard: ConnectionGuard,
}

/// One open connection. It counts until it is dropped.
#[derive(Debug)]
pub struct ConnectionGuard {
    shared: Arc<Shared>,
    id: u64,
    /// The task to wake. It stays the same, so it is registered once.
    waker: Option<Waker>,
}

impl Connections {
    /// A server without connections.
    pub fn new() -> Connections {
        Connections::default()
    }

    /// Counts one more connection until the guard is dropped.
    pub fn guard(&self) -> ConnectionGuard {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        self.shared.wakers().insert(id, None);
        ConnectionGuard { shared: Arc::clone(&self.shared), id, waker: None }
    }

    /// Asks all connections to end: idle ones now, busy ones after their exchange.
    pub fn close(&self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        for waker in self.shared.wakers().values_mut().filter_map(Option::take) {
            waker.wake();
        }
    }

    /// The number of open connections.
    pub fn count(&self) -> usize {
        self.shared.wakers().len()
    }

    /// Waits until fewer than `most` connections are open. May be dropped and called again. Several tasks may
    /// wait at once.
    pub async fn wait_for_fewer_than(&self, most: usize) {
        loop {
            // Created before the count: it is notified from now on, even while it is not polled.
            let one_left = self.shared.one_left.notified();
            if self.count() < most {
                return;
            }
            one_left.await;
        }
    }
}

impl ConnectionGuard {
    /// Whether the connection is asked to end.
    pub(super) fn is_closing(&self) -> bool {
        self.shared.is_closing.load(Ordering::Relaxed)
    }

    /// Whether the connection is asked to end; if not, the task is woken when it is.
    pub(super) fn poll_closing(&mut self, cx: &Context<'_>) -> bool {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            self.shared.wakers().insert(self.id, self.waker.clone());
        }
        // Read after the insertion: `close` sets the flag before it takes the wakers.
        self.shared.is_closing.load(Ordering::SeqCst)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.shared.wakers().remove(&self.id);
        self.shared.one_left.notify_waiters();
    }
}

impl Shared {
    fn wakers(&self) -> MutexGuard<'_, HashMap<u64, Option<Waker>>> {
        // No code that can panic runs under the lock.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
