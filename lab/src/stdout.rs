//! Handles failed writes to stdout.

use std::io::{self, ErrorKind};

use stage::{Failure, OrTry};

/// The result of a command whose last act was this write. A closed stdout, as in a pipe to `head`, is not an error.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.or_try("print to another place: stdout accepts no more output"),
    }
}
