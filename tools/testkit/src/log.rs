//! The stderr of a process, collected line by line.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::PATIENCE;

/// The stderr of a process so far.
#[derive(Default)]
pub(crate) struct Log {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Default)]
struct Lines {
    text: String,
    /// When each line arrived.
    arrivals: Vec<Instant>,
}

impl Log {
    pub(crate) fn append(&self, line: &str) {
        let mut lines = self.lock();
        lines.text.push_str(line);
        lines.text.push('\n');
        lines.arrivals.push(Instant::now());
        self.grown.notify_all();
    }

    /// All lines.
    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The lines that arrived before `end`.
    pub(crate) fn until(&self, end: Instant) -> Vec<String> {
        let lines = self.lock();
        let arrived = lines.arrivals.iter().take_while(|&&arrival| arrival < end);
        lines.text.lines().zip(arrived).map(|(line, _)| line.to_owned()).collect()
    }

    /// Waits until the log contains `text`.
    pub(crate) fn wait_for(&self, text: &str) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lock();
        while !lines.text.contains(text) {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                let message = format!("{text:?} did not come into the log: {}", lines.text);
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            let (grown, _) = self.grown.wait_timeout(lines, rest).unwrap_or_else(PoisonError::into_inner);
            lines = grown;
        }
        Ok(())
    }

    /// The first panic in the log, with its message. Later panics are often its consequences.
    pub(crate) fn first_panic(&self) -> Option<String> {
        let text = self.text();
        let mut lines = text.lines();
        let (_, place) = lines.find_map(|line| line.split_once(" panicked at "))?;
        // The message is on the next line.
        let message = lines.next().unwrap_or_default();
        Some(format!("panicked at {place} {message}"))
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
