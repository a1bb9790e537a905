//! Whether a backend is up: a state machine, driven by the outcomes of its requests and its checks.
//!
//! Invariant: the state changes only under the lock, by [`State::after`], and each change is logged once. Every request
//! asks whether the backend is up, so asking takes no lock: two flags mirror the state.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use codec::{BackendAddress, Cause, Error, Wait};
use tokio::sync::Notify;

/// A backend goes down after this many failed requests in a row. Not fewer: one request that breaks every backend that
/// gets it must not take them all down while other requests are answered.
const MAX_FAILURES: u32 = 3;
/// A backend goes down after this many failed checks in a row.
const MAX_FAILED_CHECKS: u32 = 3;

/// The state of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The backend gets requests.
    Up {
        /// Failed requests in a row.
        failures: u32,
        /// Failed checks in a row.
        failed_checks: u32,
    },
    /// The backend gets no requests until a check passes.
    Down {
        /// What the check must prove.
        owes: Proof,
    },
}

/// What a check proves. An answer proves more than a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// The backend accepts connections. A program that hangs does too: the kernel accepts for it.
    Connection,
    /// The backend answers requests.
    Answer,
}

/// The outcome of a request or of a check.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A request was answered.
    Answered,
    /// No connection was made for a request, so nothing was sent.
    Unreached,
    /// The response to a request did not come in time.
    Late,
    /// A request got no valid response: the backend closed the connection, or broke a rule of HTTP.
    BadResponse {
        /// No other backend is up.
        is_last: bool,
    },
    CheckPassed(Proof),
    CheckFailed,
}

/// A change of the state that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    WentDown,
    CameBack,
}

impl State {
    /// A backend is up until it fails.
    pub const NEW: State = State::Up { failures: 0, failed_checks: 0 };

    pub fn is_up(self) -> bool {
        matches!(self, State::Up { .. })
    }

    /// The state after an event, and the change to log.
    pub fn after(self, event: Event) -> (State, Option<Change>) {
        let next = match event {
            Event::Answered => self.after_answer(),
            Event::Unreached => self.after_failure(Proof::Connection),
            // The request may break every backend while other requests are answered, and no other backend is up.
            Event::BadResponse { is_last: true } if self.is_up() => self,
            Event::Late | Event::BadResponse { .. } => self.after_failure(Proof::Answer),
            Event::CheckPassed(proof) => self.after_passed_check(proof),
            Event::CheckFailed => self.after_failed_check(),
        };
        let change = match (self.is_up(), next.is_up()) {
            (true, false) => Some(Change::WentDown),
            (false, true) => Some(Change::CameBack),
            _ => None,
        };
        (next, change)
    }

    fn after_answer(self) -> State {
        match self {
            State::Up { failed_checks, .. } => State::Up { failures: 0, failed_checks },
            // The backend may have gone down after the request was sent.
            State::Down { .. } => self,
        }
    }

    /// The last failure decides what the backend owes, also if it is down already.
    fn after_failure(self, owes: Proof) -> State {
        match self {
            State::Up { failures, failed_checks } if failures + 1 < MAX_FAILURES => {
                State::Up { failures: failures + 1, failed_checks }
            }
            _ => State::Down { owes },
        }
    }

    fn after_passed_check(self, proof: Proof) -> State {
        match self {
            State::Up { failures, .. } => State::Up { failures, failed_checks: 0 },
            State::Down { owes } if proof < owes => self,
            State::Down { .. } => State::NEW,
        }
    }

    fn after_failed_check(self) -> State {
        match self {
            State::Up { failures, failed_checks } if failed_checks + 1 < MAX_FAILED_CHECKS => {
                State::Up { failures, failed_checks: failed_checks + 1 }
            }
            // The requests have not failed, so the backend is up again as soon as it accepts a connection.
            State::Up { .. } => State::Down { owes: Proof::Connection },
            State::Down { .. } => self,
        }
    }
}

/// The health of one backend.
pub struct Health {
    name: String,
    can_go_down: bool,
    record: Mutex<Record>,
    /// Mirrors the state.
    is_up: AtomicBool,
    /// Mirrors the state: it is up, and an answer would change it.
    has_failures: AtomicBool,
    went_down: Notify,
}

/// The record of one backend.
#[derive(Clone)]
pub struct Record {
    pub state: State,
    /// Failed requests in all.
    pub failures: u64,
    /// The error of the last request or check that failed.
    pub last_error: Option<String>,
}

impl Health {
    /// The health of a backend that has got no request yet.
    pub fn new(address: &BackendAddress, can_go_down: bool) -> Health {
        Health {
            name: address.to_string(),
            can_go_down,
            record: Mutex::new(Record { state: State::NEW, failures: 0, last_error: None }),
            is_up: AtomicBool::new(true),
            has_failures: AtomicBool::new(false),
            went_down: Notify::new(),
        }
    }

    /// Whether the backend gets requests.
    pub fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// Returns once the backend is down. May be dropped.
    pub async fn wait_until_down(&self) {
        // Created before the state is read, so that no change between the two is missed.
        let went_down = self.went_down.notified();
        if self.is_up() {
            went_down.await;
        }
    }

    /// A copy of the record.
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// What the next check must prove.
    pub fn owes(&self) -> Proof {
        match self.lock().state {
            State::Up { .. } => Proof::Connection,
            State::Down { owes } => owes,
        }
    }

    /// A request was answered.
    pub fn succeeded(&self) {
        // Read first: usually there is nothing to change, and no lock is taken.
        if self.has_failures.load(Ordering::Relaxed) {
            self.apply(self.lock(), Event::Answered);
        }
    }

    /// A request has failed through the fault of the backend. `is_last`: no other backend is up.
    pub fn failed(&self, error: &Error, is_last: bool) {
        let event = match error.cause() {
            _ if was_unreached(error) => Event::Unreached,
            Cause::TimedOut(_) => Event::Late,
            _ => Event::BadResponse { is_last },
        };
        let mut record = self.lock();
        record.failures += 1;
        record.last_error = Some(error.to_string());
        self.apply(record, event);
    }

    /// A check has passed.
    pub fn check_passed(&self, proof: Proof) {
        self.apply(self.lock(), Event::CheckPassed(proof));
    }

    /// A check has failed.
    pub fn check_failed(&self, error: String) {
        let mut record = self.lock();
        record.last_error = Some(error);
        self.apply(record, Event::CheckFailed);
    }

    fn apply(&self, mut record: MutexGuard<'_, Record>, event: Event) {
        if !self.can_go_down {
            return;
        }
        let (state, change) = record.state.after(event);
        record.state = state;
        self.is_up.store(state.is_up(), Ordering::Relaxed);
        let has_failures = matches!(state, State::Up { failures: 1.., .. });
        self.has_failures.store(has_failures, Ordering::Relaxed);
        // Logged under the lock, so that the lines have the order of the changes.
        match change {
            Some(Change::WentDown) => {
                let error = record.last_error.as_deref().unwrap_or_default();
                log::warn!("backend {} is down: {error}", self.name);
                drop(record);
                self.went_down.notify_waiters();
            }
            Some(Change::CameBack) => log::warn!("backend {} is up again", self.name),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // A record is complete after each assignment, so it is valid even if a task has panicked.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether no connection was made: nothing was sent.
pub fn was_unreached(error: &Error) -> bool {
    matches!(error.cause(), Cause::Connect { .. } | Cause::TimedOut(Wait::Connect))
}
