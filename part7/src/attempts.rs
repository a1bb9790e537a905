//! The attempts at one request: after a failure the same backend again, then another.
//!
//! Invariant: a request is sent again only if that is safe, and its head is the same in each attempt. Forwarding edits
//! the head once, before the first attempt.

use std::sync::atomic::Ordering;
use std::time::Duration;

use codec::{Blame, Cause, Error, RequestHead};
use tokio::select;
use tokio::time::sleep;

use crate::balancer::{Backend, Balancer};
use crate::health::was_unreached;
use crate::pool::Borrowed;

/// The most backends that get one request. A request that breaks three would break them all.
const MAX_TRIED: u32 = 3;
/// How often one request is sent to the same backend again. With [`RETRY_PAUSE`] these are 30 ms in all, so that a
/// client learns within 50 ms that no backend is available.
const MAX_RETRIES: u32 = 3;
/// The pause before the same backend gets the request again: a backend that restarts may be back by then.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The attempts at one request. Connections come from the pool of one backend after the other.
pub struct Attempts<'a> {
    balancer: &'a Balancer,
    request: &'a RequestHead,
    chosen: Option<Chosen<'a>>,
    /// A bit for each backend that has got the request.
    tried: u64,
    retries_left: u32,
}

/// The backend that has the request. The request counts as in flight there until this is dropped.
struct Chosen<'a>(&'a Backend);

/// How a request is sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// On a new connection to the same backend, at once: the reused connection had died.
    NewConnection,
    /// To the same backend, after a pause.
    SameBackend,
    /// To another backend, at once.
    OtherBackend,
}

impl<'a> Attempts<'a> {
    pub fn new(balancer: &'a Balancer, request: &'a RequestHead) -> Attempts<'a> {
        Attempts { balancer, request, chosen: None, tried: 0, retries_left: MAX_RETRIES }
    }

    /// A connection to a backend that is up, from its pool.
    pub async fn get(&mut self) -> Result<Borrowed<'a>, Error> {
        loop {
            let backend = self.backend()?;
            let borrowed = select! {
                // In this order: usually a connection is idle, and nothing is waited for.
                biased;
                borrowed = backend.pool.get() => borrowed,
                // No connection will come back, and the backend will accept none.
                () = backend.health.wait_until_down() => {
                    self.chosen = None;
                    continue;
                }
            };
            let error = match borrowed {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let Some(retry) = self.retry_after_error(backend, &error, false) else {
                return Err(error);
            };
            self.prepare(retry).await;
        }
    }

    /// Counts the outcome of an exchange for the backend. Returns how to send the request again; `None` if the outcome
    /// is final.
    pub fn retry_after(&self, connection: &Borrowed<'_>, outcome: &Result<(), Error>) -> Option<Retry> {
        let Chosen(backend) = self.chosen.as_ref()?;
        match outcome {
            // A 101 counts as an answer when its tunnel begins. How the tunnel ends does not count.
            _ if connection.has_switched_protocols() => None,
            Ok(()) => {
                backend.health.succeeded();
                None
            }
            // A reused connection that has died says nothing about the backend.
            Err(_) if connection.has_died(outcome) && self.is_repeatable() => Some(Retry::NewConnection),
            Err(error) => self.retry_after_error(backend, error, connection.has_sent_head()),
        }
    }

    /// Discards a connection whose exchange failed, and returns one for the next attempt.
    pub async fn replace(&mut self, failed: Borrowed<'a>, retry: Retry) -> Result<Borrowed<'a>, Error> {
        let retry = match (retry, &self.chosen) {
            (Retry::NewConnection, Some(Chosen(backend))) => match backend.pool.replace(failed).await {
                Ok(connection) => return Ok(connection),
                Err(error) => self.retry_after_error(backend, &error, false).ok_or(error)?,
            },
            _ => {
                // It never returns, so it must not count as borrowed while the next attempt waits for a connection.
                drop(failed);
                retry
            }
        };
        self.prepare(retry).await;
        self.get().await
    }

    /// Counts a failure for the backend. Returns how to send the request again; `None` if it may not be.
    fn retry_after_error(&self, backend: &Backend, error: &Error, has_sent_head: bool) -> Option<Retry> {
        if error.blame() != Blame::Backend {
            return None;
        }
        backend.health.failed(error, self.balancer.is_last(backend));
        if has_sent_head || !self.is_safe_after(error) || self.balancer.backends.len() == 1 {
            return None;
        }
        // After a timeout, the next attempt would probably take as long.
        let is_late = matches!(error.cause(), Cause::TimedOut(_));
        let has_another_try = !is_late && self.retries_left > 0 && backend.health.is_up();
        Some(if has_another_try { Retry::SameBackend } else { Retry::OtherBackend })
    }

    /// Whether the request may be sent again after an error, if no head of a response has come.
    fn is_safe_after(&self, error: &Error) -> bool {
        match error.cause() {
            _ if was_unreached(error) => true,
            // The backend may still work on the request, and another backend would take as long.
            Cause::TimedOut(_) => false,
            _ => self.is_repeatable(),
        }
    }

    /// Whether the request may reach backends twice, and can: the proxy keeps no body to send it again.
    fn is_repeatable(&self) -> bool {
        self.request.is_idempotent() && !self.request.has_body()
    }

    /// Pauses, or leaves the backend, as the retry asks.
    async fn prepare(&mut self, retry: Retry) {
        if retry == Retry::SameBackend {
            self.retries_left -= 1;
            sleep(RETRY_PAUSE).await;
        }
        let is_up = self.chosen.as_ref().is_some_and(|Chosen(backend)| backend.health.is_up());
        if retry != Retry::SameBackend || !is_up {
            self.chosen = None;
        }
    }

    /// The backend that has the request; if there is none, the next one gets it.
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
