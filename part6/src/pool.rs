//! Connections to the backend that are kept for the next request, in a channel.
//!
//! Who needs a connection receives one, who is done sends it back. Whoever edits this: a connection is only put
//! back if the codec says that nothing of an exchange is left in it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, TrySendError};
use codec::tokio::BackendConnection;
use codec::{BackendAddress, Blame, Cause, Error, Limits, RequestHead};
use tokio::time::timeout;

/// How long a connection may wait for room in a full pool before it is closed.
const PUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The flags of the pool.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How many idle connections to the backend are kept
    #[arg(long, value_name = "NUMBER", default_value = "64", value_parser = stage::parse_size)]
    pool_size: usize,

    /// How long to wait for a connection that comes back before a new one is opened
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = stage::parse_duration)]
    pool_wait: Duration,

    /// How old an idle connection may be: younger than the backend lets it become
    #[arg(long, value_name = "TIME", default_value = "4s", value_parser = stage::parse_duration)]
    pool_idle: Duration,
}

/// The connections to one backend.
pub struct Pool {
    backend: BackendAddress,
    size: usize,
    wait: Duration,
    max_age: Duration,
    sender: Sender<Idle>,
    receiver: Receiver<Idle>,
    /// Connections that may come back, those that are being opened among them.
    lent: Arc<AtomicUsize>,
}

struct Idle {
    connection: BackendConnection,
    since: Instant,
}

/// A connection that was taken from the pool. Dropped instead of put back, it is closed.
pub struct Lent {
    connection: BackendConnection,
    is_reused: bool,
    /// `None` once an exchange on it has failed.
    _counted: Option<Counted>,
}

/// Counts a lent connection until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Pool {
    pub fn new(backend: BackendAddress, flags: &Flags) -> Pool {
        let (sender, receiver) = async_channel::bounded(flags.pool_size);
        Pool {
            backend,
            size: flags.pool_size,
            wait: flags.pool_wait,
            max_age: flags.pool_idle,
            sender,
            receiver,
            lent: Arc::default(),
        }
    }

    /// A connection to the backend: an idle one if there is one, else a new one.
    ///
    /// Only if as many are lent as the pool holds, it waits a little for one of them to come back. Otherwise
    /// there is nothing to wait for: a cold pool costs no time.
    pub async fn get(&self) -> Result<Lent, Error> {
        while let Ok(idle) = self.receiver.try_recv() {
            if let Some(connection) = self.usable(idle) {
                return Ok(connection);
            }
        }
        if self.lent.load(Ordering::Relaxed) >= self.size
            && let Ok(Ok(idle)) = timeout(self.wait, self.receiver.recv()).await
            && let Some(connection) = self.usable(idle)
        {
            return Ok(connection);
        }
        self.connect().await
    }

    /// Puts a connection back for the next request, or closes it if it cannot be used again.
    pub fn put(&self, lent: Lent) {
        let Lent { connection, _counted, .. } = lent;
        if !connection.is_reusable() {
            return;
        }
        match self.sender.try_send(Idle { connection, since: Instant::now() }) {
            // More were opened than the pool holds. One may be taken out soon.
            Err(TrySendError::Full(idle)) => {
                let sender = self.sender.clone();
                tokio::spawn(async move { timeout(PUT_TIMEOUT, sender.send(idle)).await });
            }
            Ok(()) | Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Replaces a kept connection that turned out to be dead by a new one, and says whether the request may be
    /// sent again on it.
    ///
    /// A backend may close an idle connection at any time, also while a request is on its way to it (RFC 9112
    /// section 9.3.1). Nothing has come back then, but the backend may have acted: only what changes nothing when
    /// it is done twice is sent twice, and only once more, or a broken backend would be asked for ever.
    pub async fn renew(
        &self,
        lent: &mut Lent,
        request: &RequestHead,
        outcome: &Result<(), Error>,
    ) -> Result<bool, Error> {
        let Err(error) = outcome else {
            return Ok(false);
        };
        // It will not come back: nobody is to wait for it, least of all who gets another in its place.
        lent._counted = None;
        let was_closed =
            error.blame() == Blame::Backend && matches!(error.cause(), Cause::Closed(_) | Cause::Io(_));
        let has_died = lent.is_reused && was_closed && !lent.has_answered();
        if !has_died || !is_repeatable(request) {
            return Ok(false);
        }
        *lent = self.connect().await?;
        Ok(true)
    }

    async fn connect(&self) -> Result<Lent, Error> {
        let counted = Counted::new(&self.lent);
        let connection = BackendConnection::connect(&self.backend, &Limits::DEFAULT).await?;
        Ok(Lent { connection, is_reused: false, _counted: Some(counted) })
    }

    /// An idle connection, unless the backend has closed it, or soon will.
    fn usable(&self, idle: Idle) -> Option<Lent> {
        let Idle { connection, since } = idle;
        let is_usable = since.elapsed() < self.max_age && !connection.is_stale();
        is_usable.then(|| Lent { connection, is_reused: true, _counted: Some(Counted::new(&self.lent)) })
    }
}

/// Whether doing it twice is the same as doing it once (RFC 9110 section 9.2.2), and no body has been read from
/// the client that could not be read again.
pub fn is_repeatable(request: &RequestHead) -> bool {
    matches!(request.method(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE") && !request.has_body()
}

impl Counted {
    fn new(lent: &Arc<AtomicUsize>) -> Counted {
        lent.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(lent))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Deref for Lent {
    type Target = BackendConnection;

    fn deref(&self) -> &BackendConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut BackendConnection {
        &mut self.connection
    }
}
