//! Stops a server: idle connections end at once, busy ones after their exchange.
//!
//! A listener owns [`Connections`]; each connection holds a [`ConnectionGuard`] until it is closed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::sweep::{self, Alarms};
use crate::{Cause, Wait};

/// The open connections of a server, and whether they are asked to end. A clone refers to the same connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    is_closing: AtomicBool,
    alarms: Mutex<Alarms>,
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
    place: u32,
    /// Whether the client is idle, and its task has waited once since it is.
    is_waiting: bool,
    /// The address of the task that the alarm wakes, 0 before the first wait. It stays the same, so the alarm is not
    /// set for each request.
    task: usize,
}

impl Connections {
    /// A server without connections.
    pub fn new() -> Connections {
        Connections::default()
    }

    /// Counts one more connection until the guard is dropped.
    pub fn guard(&self) -> ConnectionGuard {
        let place = self.shared.alarms().add();
        ConnectionGuard { shared: Arc::clone(&self.shared), place, is_waiting: false, task: 0 }
    }

    /// Asks all connections to end: idle ones now, busy ones after their exchange.
    pub fn close(&self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        self.shared.alarms().wake_all();
    }

    /// The number of open connections.
    pub fn count(&self) -> usize {
        self.shared.alarms().count()
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

    /// The wait of an idle client: ready when the server stops, or when `deadline` has passed.
    ///
    /// The first call after an exchange takes no lock and reads no clock: the alarm is set for an earlier deadline.
    pub(super) fn poll_end(
        &mut self,
        cx: &Context<'_>,
        deadline: Instant,
        idle_timeout: Duration,
    ) -> Poll<Cause> {
        let task = cx.waker().data().addr();
        if self.is_waiting || self.task != task {
            if Instant::now() >= deadline {
                return Poll::Ready(Cause::TimedOut(Wait::Head));
            }
            let sweep = || tokio::spawn(sweep::run(Arc::downgrade(&self.shared), idle_timeout));
            self.shared.alarms().set(self.place, cx.waker().clone(), deadline, sweep);
            self.task = task;
        }
        self.is_waiting = true;
        // Read after the alarm was set: `close` sets the flag before it wakes the tasks.
        match self.shared.is_closing.load(Ordering::SeqCst) {
            true => Poll::Ready(Cause::Stopped),
            false => Poll::Pending,
        }
    }

    /// Ends the wait of an idle client: bytes have arrived.
    pub(super) fn end_wait(&mut self) {
        self.is_waiting = false;
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.shared.alarms().remove(self.place);
        self.shared.one_left.notify_waiters();
    }
}

impl Shared {
    pub(super) fn alarms(&self) -> MutexGuard<'_, Alarms> {
        // A panic under the lock leaves no alarm half set.
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
