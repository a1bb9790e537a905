//! A signal from one direction of an exchange to the other.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Cause;

/// Given once, seen until it is taken back.
#[derive(Debug, Default)]
pub(crate) struct Signal(AtomicBool);

impl Signal {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once the signal was given.
    pub(crate) fn check(&self) -> Result<(), Cause> {
        if self.is_set() { Err(Cause::Stopped) } else { Ok(()) }
    }

    /// Takes the signal back; true if it was given.
    pub(crate) fn clear(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
