//! Connections to the backend that are kept for the next request, in a channel.
//!
//! A request receives a connection from the channel and sends it back when it is done.
//!
//! Invariant: a connection returns to the channel only when the codec reports that it is clean.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender};
use codec::tokio::{BackendConnection, Borrow, Borrows};
use codec::{BackendAddress, Blame, Cause, Error, Limits};
use tokio::time::{sleep, timeout};

/// The interval between two sweeps of the idle connections: they exceed `--pool-idle` and `--pool-size` by at most
/// this time.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// The flags of the pool.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How many idle connections to the backend are kept
    #[arg(long, value_name = "NUMBER", default_value = "64", value_parser = stage::parse_size)]
    pool_size: usize,

    /// How long to wait for a borrowed connection before a new one is opened
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = stage::parse_duration)]
    pool_wait: Duration,

    /// How long a connection may be idle; choose less than the idle timeout of the backend
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = stage::parse_duration)]
    pool_idle: Duration,
}

/// The connections to one backend.
pub struct Pool {
    backend: BackendAddress,
    wait: Duration,
    pub idle: Arc<IdleConnections>,
    /// Connections that may come back, including those that are being opened.
    borrows: Borrows,
}

/// The channel of idle connections.
pub struct IdleConnections {
    size: usize,
    max_age: Duration,
    sender: Sender<Idle>,
    pub receiver: Receiver<Idle>,
    /// Held by the sweep, which takes each connection out of the channel to check it.
    sweeping: Mutex<()>,
}

/// A connection, and since when it is idle.
pub struct Idle {
    pub connection: BackendConnection,
    pub since: Instant,
}

/// A connection that is borrowed from a pool. If this is dropped and not put back, the connection is closed.
pub struct Borrowed<'a> {
    pool: &'a Pool,
    connection: BackendConnection,
    is_reused: bool,
}

impl Pool {
    pub fn new(backend: BackendAddress, flags: &Flags) -> Pool {
        let idle = Arc::new(IdleConnections::new(flags.pool_size, flags.pool_idle));
        let borrows = Borrows::new(flags.pool_size);
        tokio::spawn(sweep(Arc::downgrade(&idle), borrows.clone()));
        Pool { backend, wait: flags.pool_wait, idle, borrows }
    }

    /// A connection to the backend: an idle one if there is one, otherwise a new one.
    pub async fn get(&self) -> Result<Borrowed<'_>, Error> {
        let borrow = self.borrow().await;
        match self.idle.take() {
            Some(connection) => Ok(self.reuse(connection, borrow)),
            None => self.connect(borrow).await,
        }
    }

    /// Waits while as many connections are borrowed as the pool holds, and may come back. Requests wait in the order
    /// in which they came. After the wait, the pool is too small: it grows by a connection.
    async fn borrow(&self) -> Borrow {
        if let Some(borrow) = self.borrows.try_begin() {
            return borrow;
        }
        timeout(self.wait, self.borrows.begin()).await.unwrap_or_else(|_| self.borrows.begin_beyond_size())
    }

    /// Discards a connection that has failed, and opens a new one.
    pub async fn replace(&self, mut failed: Borrowed<'_>) -> Result<Borrowed<'_>, Error> {
        // It never returns, so the new one takes its turn.
        let borrow = failed.take_borrow().unwrap_or_else(|| self.borrows.begin_beyond_size());
        drop(failed);
        self.connect(borrow).await
    }

    async fn connect(&self, borrow: Borrow) -> Result<Borrowed<'_>, Error> {
        let mut connection = BackendConnection::connect(&self.backend, &Limits::DEFAULT).await?;
        connection.set_borrow(borrow);
        Ok(Borrowed { pool: self, connection, is_reused: false })
    }

    fn reuse(&self, mut connection: BackendConnection, borrow: Borrow) -> Borrowed<'_> {
        connection.set_borrow(borrow);
        Borrowed { pool: self, connection, is_reused: true }
    }
}

impl Borrowed<'_> {
    /// Puts the connection back for the next request, or closes it if it cannot be used again.
    pub fn put_back(self) {
        let Borrowed { pool, mut connection, .. } = self;
        if !connection.is_reusable() {
            return;
        }
        let borrow = connection.take_borrow();
        pool.idle.put(Idle { connection, since: Instant::now() });
        if let Some(borrow) = borrow {
            borrow.returned();
        }
    }

    /// Whether the connection was reused, and the backend closed it before any byte of the response came.
    ///
    /// A backend may close an idle connection at any time, also while a request is on its way to it. It may have
    /// acted on that request, so only an idempotent request is sent again (RFC 9112 section 9.3.1). This is `false`
    /// for a new connection: a broken backend gets a request twice at most.
    pub fn has_died(&self, outcome: &Result<(), Error>) -> bool {
        let was_closed = outcome.as_ref().is_err_and(|error| {
            error.blame() == Blame::Backend && matches!(error.cause(), Cause::Closed(_) | Cause::Io(_))
        });
        self.is_reused && was_closed && !self.connection.has_answered()
    }
}

impl IdleConnections {
    pub fn new(size: usize, max_age: Duration) -> IdleConnections {
        let (sender, receiver) = async_channel::unbounded();
        IdleConnections { size, max_age, sender, receiver, sweeping: Mutex::default() }
    }

    /// A usable connection, if one is idle.
    pub fn take(&self) -> Option<BackendConnection> {
        self.receive().or_else(|| {
            // The sweep may have taken the last one out of the channel.
            let _swept = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
            self.receive()
        })
    }

    fn receive(&self) -> Option<BackendConnection> {
        while let Ok(idle) = self.receiver.try_recv() {
            if self.is_usable(&idle) {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Whether a connection may serve a request: the backend has not closed it, and will not soon.
    fn is_usable(&self, idle: &Idle) -> bool {
        idle.since.elapsed() < self.max_age && !idle.connection.is_stale()
    }

    pub fn put(&self, idle: Idle) {
        // It never fails: the channel has no bound, and is open because the receiver is here.
        drop(self.sender.try_send(idle));
    }

    /// Closes the connections that are not usable, and of those beyond the size at most `surplus`. A channel cannot be
    /// looked into, so each is taken out once.
    pub fn sweep(&self, surplus: usize) {
        let _sweeping = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.receiver.len();
        let surplus = surplus.min(count.saturating_sub(self.size));
        for number in 0..count {
            match self.receiver.try_recv() {
                Ok(idle) if number >= surplus && self.is_usable(&idle) => self.put(idle),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// Sweeps until the pool is dropped.
async fn sweep(idle: Weak<IdleConnections>, borrows: Borrows) {
    loop {
        sleep(SWEEP_INTERVAL).await;
        let Some(idle) = idle.upgrade() else {
            return;
        };
        // Connections beyond the size are kept while requests wait for them.
        idle.sweep(borrows.shrink());
    }
}

impl Deref for Borrowed<'_> {
    type Target = BackendConnection;

    fn deref(&self) -> &BackendConnection {
        &self.connection
    }
}

impl DerefMut for Borrowed<'_> {
    fn deref_mut(&mut self) -> &mut BackendConnection {
        &mut self.connection
    }
}
