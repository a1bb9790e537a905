//! Errors that a person can act on, and the exit codes: 0 done, 1 a failure, 2 bad usage, 3 the environment.

use std::fmt;
use std::process::ExitCode;

use crate::stderr;

/// A failure that says what was wrong, where, and what to do next.
#[derive(Debug)]
pub enum Failure {
    /// The value of a flag is invalid: exit code 2.
    Usage(String),
    /// The machine lacks something that is needed, such as a free port: exit code 3.
    Environment(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message) | Failure::Environment(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

/// Converts the result of `main` into an exit code, and prints one line on stderr if it is an error. Waits
/// until all output on stderr is written, for 1 s at most.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stderr::print(format!("error: {error:#}\n").as_bytes());
            match error.downcast_ref::<Failure>() {
                Some(Failure::Usage(_)) => ExitCode::from(2),
                Some(Failure::Environment(_)) => ExitCode::from(3),
                None => ExitCode::FAILURE,
            }
        }
    };
    stderr::flush();
    code
}
