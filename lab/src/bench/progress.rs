//! How far the measuring is, on stderr: a line that changes on a terminal, else a line a step.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(250);

pub(super) struct Progress {
    is_terminal: bool,
    what: String,
    requests: u64,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        let is_terminal = io::stderr().is_terminal();
        Progress { is_terminal, what: String::new(), requests: 0, shown: None }
    }

    /// A run begins.
    pub(super) fn step(&mut self, what: &str, requests: u64) {
        (self.what, self.requests, self.shown) = (what.to_owned(), requests, None);
        if !self.is_terminal {
            eprintln!("{what}");
        }
    }

    /// So many requests of the run are done.
    pub(super) fn done(&mut self, requests: u64) {
        if self.is_terminal && self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            self.line(&format!("{}, {requests} of {} requests", self.what, self.requests));
        }
    }

    /// Nothing of the line stays.
    pub(super) fn clear(&mut self) {
        if self.is_terminal {
            self.line("");
        }
    }

    fn line(&self, text: &str) {
        /// Enough for every line, so that nothing stays of a longer one.
        const WIDTH: usize = 78;
        let mut stderr = io::stderr().lock();
        let end = if text.is_empty() { "\r" } else { "" };
        // A stderr that is closed is no reason to stop measuring.
        let _ = write!(stderr, "\r{text:WIDTH$}{end}").and_then(|()| stderr.flush());
    }
}
