//! The commands around the attendee's own crate, `work`: fill it, check it, hint at what is missing.

/// Prints a line on stdout. A closed stdout means that nobody wants to know.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// Moves what `start` replaces to where it is kept.
mod backup;
/// Builds and runs what is checked.
mod build;
mod check;
mod doctor;
mod hint;
mod list;
/// Where things are.
mod places;
/// What the attendee has done so far.
mod progress;
mod selftest;
mod start;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Look whether this machine has what the workshop needs
    Doctor,
    /// List the stages, their tasks, and what is done
    List,
    /// Fill work/ with the start of a stage; what it replaces is kept
    Start(start::Start),
    /// Check the tasks of a stage, or one task, in work/
    Check(check::Check),
    /// Show a hint for a task
    Hint(hint::Hint),
    /// Prove the checks, the book's commands and the graded benchmarks
    Selftest(selftest::Selftest),
}

pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Doctor => doctor::run(),
        Command::List => list::run(),
        Command::Start(start) => start::run(start),
        Command::Check(check) => check::run(check),
        Command::Hint(hint) => hint::run(hint),
        Command::Selftest(selftest) => selftest::run(selftest),
    }
}
