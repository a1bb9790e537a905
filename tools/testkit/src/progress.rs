//! How far a long command is, on stderr: a line that changes on a terminal, else a line a step.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(250);

/// Shows how far a command is.
pub struct Progress {
    is_terminal: bool,
    what: String,
    shown: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress { is_terminal: io::stderr().is_terminal(), what: String::new(), shown: None }
    }
}

impl Progress {
    /// A step begins.
    pub fn step(&mut self, what: &str) {
        (self.what, self.shown) = (what.to_owned(), None);
        if !self.is_terminal {
            eprintln!("{what}");
        }
    }

    /// How far the step is.
    pub fn show(&mut self, how_far: &str) {
        if self.is_terminal && self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            self.line(&format!("{}, {how_far}", self.what));
        }
    }

    /// Nothing of the line stays.
    pub fn clear(&mut self) {
        if self.is_terminal {
            self.line("");
        }
    }

    fn line(&self, text: &str) {
        /// Enough for every line, so that nothing stays of a longer one.
        const WIDTH: usize = 78;
        let mut stderr = io::stderr().lock();
        let end = if text.is_empty() { "\r" } else { "" };
        // A stderr that is closed is no reason to stop.
        let _ = write!(stderr, "\r{text:WIDTH$}{end}").and_then(|()| stderr.flush());
    }
}
