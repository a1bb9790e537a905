//! Starts a proxy that is not a stage, from a command line with placeholders for its addresses.

use std::io;
use std::process::Command;

use crate::port::KeptPort;
use crate::{Process, StartError};

/// How many times the proxy is started if it ends at once.
const ATTEMPTS: usize = 3;

/// A valid command line, as an example.
pub const COMMAND_LINE: &str = "--cmd 'proxy {listen} {backend}'";

/// Checks a command line from `--cmd` for [`Process::foreign`].
///
/// # Errors
/// A quotation mark is not closed, or a placeholder is missing: the proxy would listen elsewhere.
pub fn check_command_line(command_line: &str) -> Result<(), String> {
    if let Err(error) = shell_words::split(command_line) {
        return Err(format!("--cmd is not quoted as for a shell: {error}"));
    }
    if command_line.contains("{listen}") && command_line.contains("{backend}") {
        return Ok(());
    }
    Err("--cmd needs {listen} and {backend}".to_owned())
}

impl Process {
    /// Starts any proxy from a command line that contains `{listen}` and `{backend}`, and waits until its
    /// port accepts connections. Words are split and quoted as in a shell, but no shell runs.
    pub fn foreign(command_line: &str, backend: &str) -> Result<Process, StartError> {
        let mut started = start(command_line, backend, true);
        for _ in 1..ATTEMPTS {
            if started.as_ref().err().and_then(|error| error.exit_code).is_none() {
                break;
            }
            // It may be unable to listen on a kept port. Another program may take a port that is not kept.
            started = start(command_line, backend, false);
        }
        started
    }
}

fn start(command_line: &str, backend: &str, is_kept: bool) -> Result<Process, StartError> {
    let port = KeptPort::bind()?;
    let listen = port.address();
    let _kept = is_kept.then_some(port);
    let fill_in = |word: &str| word.replace("{listen}", &listen.to_string()).replace("{backend}", backend);
    let words = shell_words::split(command_line).map_err(io::Error::other)?;
    let mut words = words.iter().map(|word| fill_in(word));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    Process::listening(command, listen)
}
