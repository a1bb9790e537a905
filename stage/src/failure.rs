//! Errors that a person can act on, and the exit codes: 0 done, 1 a failure, 2 bad usage, 3 the environment.

use std::fmt;
use std::process::ExitCode;

use crate::stderr;

/// A failure that says what was wrong, where, and what to do next: none can be created without the next step.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    problem: String,
    next: String,
}

/// What failed; its number is the exit code.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Attempt = 1,
    Usage = 2,
    Environment = 3,
}

impl Failure {
    /// The command was tried and failed: exit code 1. `next` is what to try: a command, a flag or advice.
    pub fn new(problem: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { kind: Kind::Attempt, problem: problem.into(), next: next.into() }
    }

    /// The value of a flag is invalid: exit code 2.
    pub fn usage(problem: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { kind: Kind::Usage, ..Failure::new(problem, next) }
    }

    /// The machine lacks something that is needed, such as a free port: exit code 3.
    pub fn environment(problem: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { kind: Kind::Environment, ..Failure::new(problem, next) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. Try: {}", self.problem, self.next)
    }
}

impl std::error::Error for Failure {}

/// Makes a [`Failure`] of any other error.
pub trait OrTry<T> {
    /// Adds what to do next to an error, which is shown with its causes.
    ///
    /// # Errors
    /// [`Failure::new`] in place of the error.
    fn or_try(self, next: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrTry<T> for Result<T, E> {
    fn or_try(self, next: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("{:#}", error.into()), next))
    }
}

/// Converts the result of `main` into an exit code, and prints one line on stderr if it is an error. Waits
/// until all output on stderr is written, for 1 s at most.
pub fn exit(result: Result<(), impl Into<anyhow::Error>>) -> ExitCode {
    let code = match result.map_err(Into::into) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stderr::print(format!("error: {error:#}\n").as_bytes());
            match error.downcast_ref::<Failure>() {
                Some(failure) => ExitCode::from(failure.kind as u8),
                None => ExitCode::FAILURE,
            }
        }
    };
    stderr::flush();
    code
}
