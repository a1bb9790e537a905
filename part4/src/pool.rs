//! Connections to the backend that are kept for the next request, in a channel.
//!
//! A request receives a connection from the channel and sends it back when it is done.
//!
//! Invariant: a connection returns to the channel only when the codec reports that it is clean.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, TrySendError};
use codec::tokio::{BackendConnection, Borrows};
use codec::{BackendAddress, Blame, Cause, Error, Limits};
use tokio::select;
use tokio::time::{sleep, timeout};

/// How long a connection may wait for room in a full pool before it is closed.
const PUT_TIMEOUT: Duration = Duration::from_secs(1);
/// The interval between two sweeps of the idle connections: `--pool-idle` is exceeded by at most this time.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// The flags of the pool.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How many idle connections to the backend are kept
    #[arg(long, value_name = "NUMBER", default_value = "64", value_parser = stage::parse_size)]
    pool_size: usize,

    /// How long to wait for a borrowed connection before a new one is opened
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = stage::parse_duration)]
    pool_wait: Duration,

    /// How long a connection may be idle; choose less than the idle timeout of the backend
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = stage::parse_duration)]
    pool_idle: Duration,
}

/// The connections to one backend.
pub struct Pool {
    backend: BackendAddress,
    size: usize,
    wait: Duration,
    pub idle: Arc<IdleConnections>,
    /// Connections that may come back, including those that are being opened.
    borrows: Borrows,
}

/// The channel of idle connections.
pub struct IdleConnections {
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
        let borrows = Borrows::default();
        tokio::spawn(sweep(Arc::downgrade(&idle), borrows.clone()));
        Pool { backend, size: flags.pool_size, wait: flags.pool_wait, idle, borrows }
    }

    /// A connection to the backend: an idle one if there is one, otherwise a new one.
    ///
    /// A request waits only while as many connections are borrowed as the pool holds, and may come back. Otherwise it
    /// connects at once, as with an empty pool.
    pub async fn get(&self) -> Result<Borrowed<'_>, Error> {
        if let Some(connection) = self.idle.take() {
            return Ok(self.reuse(connection));
        }
        match timeout(self.wait, self.wait_for_return()).await {
            Ok(Some(connection)) => Ok(self.reuse(connection)),
            Ok(None) | Err(_) => self.connect().await,
        }
    }

    /// A connection that has come back; `None` if fewer are borrowed than the pool holds, and none is idle.
    async fn wait_for_return(&self) -> Option<BackendConnection> {
        loop {
            let loss = self.borrows.loss();
            // Read before the channel, because a returned connection is first sent into the channel and then uncounted.
            let may_return = self.borrows.count() >= self.size;
            let idle = self.idle.take();
            if idle.is_some() || !may_return {
                return idle;
            }
            select! {
                Ok(idle) = self.idle.receiver.recv() => {
                    if self.idle.is_usable(&idle) {
                        return Some(idle.connection);
                    }
                }
                () = loss => {}
            }
        }
    }

    /// Discards a connection that has failed, and opens a new one.
    pub async fn replace(&self, failed: Borrowed<'_>) -> Result<Borrowed<'_>, Error> {
        // It never returns, so it must not count as borrowed while the new one is opened.
        drop(failed);
        self.connect().await
    }

    async fn connect(&self) -> Result<Borrowed<'_>, Error> {
        let borrow = self.borrows.begin();
        let mut connection = BackendConnection::connect(&self.backend, &Limits::DEFAULT).await?;
        connection.set_borrow(borrow);
        Ok(Borrowed { pool: self, connection, is_reused: false })
    }

    fn reuse(&self, mut connection: BackendConnection) -> Borrowed<'_> {
        connection.set_borrow(self.borrows.begin());
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
        let (sender, receiver) = async_channel::bounded(size);
        IdleConnections { max_age, sender, receiver, sweeping: Mutex::default() }
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
        // More were opened than the pool holds. One may be taken out soon.
        if let Err(TrySendError::Full(idle)) = self.sender.try_send(idle) {
            let sender = self.sender.clone();
            tokio::spawn(async move { timeout(PUT_TIMEOUT, sender.send(idle)).await });
        }
    }

    /// Closes the connections that are not usable. A channel cannot be looked into, so each is taken out once.
    pub fn sweep(&self) {
        let _sweeping = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..self.receiver.len() {
            match self.receiver.try_recv() {
                Ok(idle) if self.is_usable(&idle) => self.put(idle),
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
        idle.sweep();
        borrows.wake();
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
