//! How a server stops: idle connections end at once, busy ones behind their exchange.
//!
//! A listener owns a [`House`]; each connection holds a [`Guest`] until it is closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::Notify;

/// The open connections of a server, and whether they are asked to end.
#[derive(Debug, Default)]
pub struct House {
    shared: Arc<Shared>,
    next_id: u64,
}

#[derive(Debug, Default)]
struct Shared {
    is_closing: AtomicBool,
    guests: Mutex<HashMap<u64, Option<Waker>>>,
    one_left: Notify,
}

/// One open connection. It counts until it is dropped.
#[derive(Debug)]
pub struct Guest {
    shared: Arc<Shared>,
    id: u64,
    /// The task that was told to the house: it stays the same, so it is told once.
    waker: Option<Waker>,
}

impl House {
    /// A server without connections.
    pub fn new() -> House {
        House::default()
    }

    /// Lets a connection in.
    pub fn admit(&mut self) -> Guest {
        let id = self.next_id;
        self.next_id += 1;
        self.shared.guests().insert(id, None);
        Guest { shared: Arc::clone(&self.shared), id, waker: None }
    }

    /// Asks all connections to end: idle ones now, busy ones behind their exchange.
    pub fn close(&self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        for waker in self.shared.guests().values_mut().filter_map(Option::take) {
            waker.wake();
        }
    }

    /// The number of open connections.
    pub fn guests(&self) -> usize {
        self.shared.guests().len()
    }

    /// Waits until fewer than `most` connections are open. May be dropped and called again.
    pub async fn wait_for_fewer_than(&self, most: usize) {
        loop {
            let one_left = self.shared.one_left.notified();
            if self.guests() < most {
                return;
            }
            one_left.await;
        }
    }
}

impl Guest {
    /// Whether the connection is asked to end.
    pub(super) fn is_asked_to_leave(&self) -> bool {
        self.shared.is_closing.load(Ordering::Relaxed)
    }

    /// Whether the connection is asked to end; if not, the task is woken when it is.
    pub(super) fn poll_asked_to_leave(&mut self, cx: &Context<'_>) -> bool {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            self.shared.guests().insert(self.id, self.waker.clone());
        }
        // Behind the insertion: who closes sets the flag first and looks for wakers then.
        self.shared.is_closing.load(Ordering::SeqCst)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared.guests().remove(&self.id);
        self.shared.one_left.notify_one();
    }
}

impl Shared {
    fn guests(&self) -> MutexGuard<'_, HashMap<u64, Option<Waker>>> {
        // No code that can panic runs under the lock.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
