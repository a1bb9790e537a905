//! The stderr of a process, collected line by line.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::PATIENCE;

/// The stderr of a process so far.
#[derive(Default)]
pub(crate) struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    pub(crate) fn append(&self, line: &str) {
        let mut text = self.lock();
        text.push_str(line);
        text.push('\n');
        self.grown.notify_all();
    }

    /// Waits until the log contains `text`.
    pub(crate) fn wait_for(&self, text: &str) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut log = self.lock();
        while !log.contains(text) {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                let message = format!("{text:?} did not come into the log: {log}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            let (grown, _) = self.grown.wait_timeout(log, rest).unwrap_or_else(PoisonError::into_inner);
            log = grown;
        }
        Ok(())
    }

    /// The first panic in the log, with its message. Later panics are often its consequences.
    pub(crate) fn first_panic(&self) -> Option<String> {
        let log = self.lock();
        let mut lines = log.lines();
        let (_, place) = lines.find_map(|line| line.split_once(" panicked at "))?;
        // The message is on the next line.
        let message = lines.next().unwrap_or_default();
        Some(format!("panicked at {place} {message}"))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
