//! How long a write may wait. The adapters share the rule, and each waits in its own way.

use std::time::Duration;

use crate::Cause;
use crate::backend_state::BackendSignals;

/// How long a write may wait until the other side accepts more.
#[derive(Clone, Copy)]
pub(crate) enum Patience<'a> {
    /// This long without any progress.
    For(Duration),
    /// Without a bound until the response ends, and then this long without any progress. Each progress is signalled.
    WithResponse(&'a BackendSignals, Duration),
}

impl Patience<'_> {
    /// Returns an error if the response stops the write.
    pub(crate) fn check(self) -> Result<(), Cause> {
        match self {
            Patience::For(_) => Ok(()),
            Patience::WithResponse(signals, _) => signals.response_end.check(),
        }
    }

    /// The longest time without any progress; `None` while the response has not ended.
    pub(crate) fn timeout(self) -> Option<Duration> {
        match self {
            Patience::WithResponse(signals, _) if !signals.response_end.has_come() => None,
            Patience::For(timeout) | Patience::WithResponse(_, timeout) => Some(timeout),
        }
    }

    /// Reports that some bytes were written.
    pub(crate) fn progressed(self) {
        if let Patience::WithResponse(signals, _) = self {
            signals.request_progressed.set();
        }
    }
}
