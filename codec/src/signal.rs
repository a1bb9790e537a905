//! Signals from one direction of an exchange to the other.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Cause;

/// A flag that stays set until it is cleared.
#[derive(Debug, Default)]
pub(crate) struct Signal(AtomicBool);

impl Signal {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Clears the signal. Returns whether it was set.
    pub(crate) fn clear(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The end of a response, as the upload of the same exchange sees it.
#[derive(Debug, Default)]
pub(crate) struct ResponseEnd {
    has_come: Signal,
    stops_upload: Signal,
}

impl ResponseEnd {
    /// Reports that the response is complete. If `stops_upload` is true, no more of the request is forwarded.
    pub(crate) fn complete(&self, stops_upload: bool) {
        if stops_upload {
            self.stops_upload.set();
        }
        self.has_come.set();
    }

    /// Reports that the direction of the response has ended. If the response is not complete, it has failed,
    /// and the upload stops.
    pub(crate) fn complete_or_stop(&self) {
        if !self.has_come() {
            self.complete(true);
        }
    }

    pub(crate) fn has_come(&self) -> bool {
        self.has_come.is_set()
    }

    /// Returns an error if the upload must stop.
    pub(crate) fn check(&self) -> Result<(), Cause> {
        if self.stops_upload.is_set() { Err(Cause::Stopped) } else { Ok(()) }
    }

    /// Prepares for another response.
    pub(crate) fn clear(&self) {
        self.has_come.clear();
        self.stops_upload.clear();
    }
}
