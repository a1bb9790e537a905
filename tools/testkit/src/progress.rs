//! The progress of a long command, on stderr: one changing line on a terminal, otherwise one line a step.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The shortest time between two updates of the line.
const EVERY: Duration = Duration::from_millis(250);

/// Shows the progress of a command.
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
    /// Starts a step.
    pub fn step(&mut self, what: &str) {
        (self.what, self.shown) = (what.to_owned(), None);
        if !self.is_terminal {
            eprintln!("{what}");
        }
    }

    /// Shows the progress of the step.
    pub fn show(&mut self, how_far: &str) {
        if self.is_terminal && self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            self.line(&format!("{}, {how_far}", self.what));
        }
    }

    /// Clears the line.
    pub fn clear(&mut self) {
        if self.is_terminal {
            self.line("");
        }
    }

    fn line(&self, text: &str) {
        /// Wider than every line, so that a shorter line overwrites a longer one.
        const WIDTH: usize = 78;
        let mut stderr = io::stderr().lock();
        let end = if text.is_empty() { "\r" } else { "" };
        // A closed stderr must not stop the command.
        let _ = write!(stderr, "\r{text:WIDTH$}{end}").and_then(|()| stderr.flush());
    }
}
