//! The attempts at one request: after a failure the same backend once more, then another.
//!
//! Whoever edits this: a request is sent again only if that is safe, and as it came: what was changed in it for the
//! way was changed once, before the first attempt.

use std::sync::atomic::Ordering;
use std::time::Duration;

use codec::{Blame, Cause, Error, RequestHead};
use tokio::select;
use tokio::time::sleep;

use crate::balancer::{Backend, Balancer};
use crate::health::was_unreached;
use crate::pool::{Lent, is_repeatable};

/// The most backends that one request is given to. A request that breaks three would break them all.
const MAX_TRIED: u32 = 3;
/// How often one request waits to be given to the same backend again. With [`RETRY_PAUSE`] it is 30 ms in all, so that
/// a client learns within 50 ms that no backend is there.
const MAX_RETRIES: u32 = 3;
/// How long a backend that has failed is left alone: one that is being restarted may be back by then.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The attempts at one request: used as a pool, it gives connections to one backend after the other.
pub struct Attempts<'a> {
    balancer: &'a Balancer,
    request: &'a RequestHead,
    chosen: Option<Chosen<'a>>,
    /// A bit for each backend that has had the request.
    tried: u64,
    retries_left: u32,
}

/// A backend that has the request, which is in flight until this is dropped.
struct Chosen<'a>(&'a Backend);

impl<'a> Attempts<'a> {
    pub fn new(balancer: &'a Balancer, request: &'a RequestHead) -> Attempts<'a> {
        Attempts { balancer, request, chosen: None, tried: 0, retries_left: MAX_RETRIES }
    }

    /// A connection to a backend that is up, from its pool.
    pub async fn get(&mut self) -> Result<Lent, Error> {
        loop {
            let backend = self.backend()?;
            let taken = select! {
                // In this order: mostly there is an idle connection, and nothing is waited for.
                biased;
                taken = backend.pool.get() => taken,
                // No connection will come back, and none will be accepted.
                () = backend.health.wait_until_down() => {
                    self.chosen = None;
                    continue;
                }
            };
            let error = match taken {
                Ok(lent) => return Ok(lent),
                Err(error) => error,
            };
            // Boxed, because few requests get here.
            if !Box::pin(self.goes_on_after(backend, &error, false)).await {
                return Err(error);
            }
        }
    }

    /// Counts what came of an exchange. If it failed, replaces the connection by one to the same backend or to
    /// another, and says whether the request may be sent again on it.
    pub async fn renew(&mut self, lent: &mut Lent, outcome: &Result<(), Error>) -> Result<bool, Error> {
        let backend = self.backend()?;
        match outcome {
            // The request was answered, and that was counted when the tunnel began. How a tunnel ends does not count.
            _ if lent.has_switched_protocols() => Ok(false),
            Ok(()) => {
                backend.health.succeeded();
                Ok(false)
            }
            // Boxed, for the same reason.
            Err(error) => Box::pin(self.recover(backend, lent, outcome, error)).await,
        }
    }

    /// Puts the connection back into the pool that it is from.
    pub fn put(&mut self, lent: Lent) {
        if let Some(Chosen(backend)) = &self.chosen {
            backend.pool.put(lent);
        }
    }

    async fn recover(
        &mut self,
        backend: &'a Backend,
        lent: &mut Lent,
        outcome: &Result<(), Error>,
        error: &Error,
    ) -> Result<bool, Error> {
        // That a kept connection was dead says nothing about the backend.
        let renewed = backend.pool.renew(lent, self.request, outcome).await;
        let error = match &renewed {
            Ok(true) => return renewed,
            Ok(false) => error,
            Err(error) => error,
        };
        if !self.goes_on_after(backend, error, lent.has_sent_head()).await {
            return renewed;
        }
        *lent = self.get().await?;
        Ok(true)
    }

    /// Whether the request may be sent again after an error before anything of a response came.
    fn is_safe_after(&self, error: &Error) -> bool {
        match error.cause() {
            _ if was_unreached(error) => true,
            // It may still be at work on it, and another backend would take as long.
            Cause::TimedOut(_) => false,
            _ => is_repeatable(self.request),
        }
    }

    /// Counts a failure, and says whether there is another attempt: at the same backend after a pause, while it is
    /// up; else at another.
    async fn goes_on_after(&mut self, backend: &Backend, error: &Error, has_sent_head: bool) -> bool {
        if error.blame() != Blame::Backend {
            return false;
        }
        backend.health.failed(error, self.balancer.is_last(backend));
        let is_safe = !has_sent_head && self.is_safe_after(error);
        if !is_safe || self.balancer.backends.len() == 1 {
            return false;
        }
        // One that takes no connection in time would only take as long again.
        let is_late = matches!(error.cause(), Cause::TimedOut(_));
        let tries_again = !is_late && self.retries_left > 0 && backend.health.is_up();
        if tries_again {
            self.retries_left -= 1;
            sleep(RETRY_PAUSE).await;
        }
        if !tries_again || !backend.health.is_up() {
            self.chosen = None;
        }
        true
    }

    /// The backend that has the request, or else the next to get it.
    fn backend(&mut self) -> Result<&'a Backend, Error> {
        if let Some(Chosen(backend)) = self.chosen {
            return Ok(backend);
        }
        let balancer = self.balancer;
        let index = if self.tried.count_ones() < MAX_TRIED { balancer.choose(self.tried) } else { None };
        let index = index.ok_or_else(|| Error::unavailable(balancer.retry_after))?;
        self.tried |= 1 << index;
        self.chosen = Some(Chosen::new(&balancer.backends[index]));
        Ok(&balancer.backends[index])
    }
}

impl<'a> Chosen<'a> {
    fn new(backend: &'a Backend) -> Chosen<'a> {
        backend.requests.fetch_add(1, Ordering::Relaxed);
        backend.in_flight.fetch_add(1, Ordering::Relaxed);
        Chosen(backend)
    }
}

impl Drop for Chosen<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
