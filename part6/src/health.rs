//! Whether a backend is up, from what its requests and its checks came to.
//!
//! Whoever edits this: all requests ask, so asking takes no lock. Whoever makes a change logs it, once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use codec::{BackendAddress, Cause, Error, Wait};
use tokio::sync::Notify;

/// So many requests in a row that fail put a backend out. Not fewer: one request that breaks whatever backend it gets
/// to must not put them all out while other requests are answered.
const MAX_FAILURES: u32 = 3;
/// So many checks in a row that fail put a backend out.
const MAX_BAD_CHECKS: u32 = 3;

/// What is known of one backend.
pub struct Health {
    name: String,
    can_go_down: bool,
    is_up: AtomicBool,
    went_down: Notify,
    failures_in_a_row: AtomicU32,
    bad_checks_in_a_row: AtomicU32,
    failures: AtomicU64,
    /// The last request that failed did so on a connection that it had accepted. If it goes down then, accepting one
    /// proves nothing.
    must_answer: AtomicBool,
    last_error: Mutex<Option<String>>,
}

impl Health {
    /// Of a backend that was never asked: it is up until it fails.
    pub fn new(address: &BackendAddress, can_go_down: bool) -> Health {
        Health {
            name: address.to_string(),
            can_go_down,
            is_up: AtomicBool::new(true),
            went_down: Notify::new(),
            failures_in_a_row: AtomicU32::new(0),
            bad_checks_in_a_row: AtomicU32::new(0),
            failures: AtomicU64::new(0),
            must_answer: AtomicBool::new(false),
            last_error: Mutex::default(),
        }
    }

    /// Whether it gets requests.
    pub fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// Returns once it is down. May be dropped.
    pub async fn wait_until_down(&self) {
        // Made before the look, so that it cannot go down unseen between the two.
        let went_down = self.went_down.notified();
        if self.is_up() {
            went_down.await;
        }
    }

    /// How many requests have failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// What failed last, a request or a check.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has to answer a request before it gets more, and not only to accept a connection.
    pub fn must_answer(&self) -> bool {
        !self.is_up() && self.must_answer.load(Ordering::Relaxed)
    }

    /// A request was answered. That alone does not bring it back: it may have gone down since the request was sent.
    pub fn succeeded(&self) {
        // Looked at first, because a write takes the value away from all other threads.
        if self.failures_in_a_row.load(Ordering::Relaxed) != 0 {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// A request has failed, by the fault of the backend. `is_last`: no other backend is up.
    pub fn failed(&self, error: &Error, is_last: bool) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let is_unreached = was_unreached(error);
        self.must_answer.store(!is_unreached, Ordering::Relaxed);
        let is_bad_response = !is_unreached && !matches!(error.cause(), Cause::TimedOut(_));
        let error = error.to_string();
        self.set_last_error(&error);
        if is_last && is_bad_response {
            // Perhaps this request breaks every backend, and others would be answered. No other one would do better.
            return;
        }
        if self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) >= MAX_FAILURES - 1 {
            self.go_down(&error);
        }
    }

    /// A check found it well, which brings it back.
    pub fn check_passed(&self) {
        self.bad_checks_in_a_row.store(0, Ordering::Relaxed);
        if !self.is_up() {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
            self.is_up.store(true, Ordering::Relaxed);
            log::warn!("backend {} is up again", self.name);
        }
    }

    /// A check has failed.
    pub fn check_failed(&self, why: &str) {
        self.set_last_error(why);
        if self.bad_checks_in_a_row.fetch_add(1, Ordering::Relaxed) >= MAX_BAD_CHECKS - 1 {
            if self.is_up() {
                // No request puts it out, but that it cannot be reached: it is back when it can.
                self.must_answer.store(false, Ordering::Relaxed);
            }
            self.go_down(why);
        }
    }

    fn go_down(&self, why: &str) {
        if self.can_go_down && self.is_up.swap(false, Ordering::Relaxed) {
            self.went_down.notify_waiters();
            log::warn!("backend {} is down: {why}", self.name);
        }
    }

    fn set_last_error(&self, error: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_owned());
    }
}

/// Whether no connection was made: nothing was sent.
pub fn was_unreached(error: &Error) -> bool {
    matches!(error.cause(), Cause::Connect { .. } | Cause::TimedOut(Wait::Connect))
}
