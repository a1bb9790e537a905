//! Starts a proxy that is none of the stages, from a command line that says where it listens.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::{Process, StartError};

/// How often it is started, if it ends at once: somebody else may have taken its port in between, and it can hardly
/// be asked to choose one itself.
const ATTEMPTS: usize = 5;

impl Process {
    /// Starts any proxy from a command line that holds `{listen}` and `{backend}`, and waits until its port
    /// accepts connections. Words are separated by white space.
    pub fn foreign(command_line: &str, backend: SocketAddr) -> Result<Process, StartError> {
        let mut started = start(command_line, backend);
        for _ in 1..ATTEMPTS {
            if started.as_ref().err().and_then(|error| error.exit_code).is_none() {
                break;
            }
            started = start(command_line, backend);
        }
        started
    }
}

fn start(command_line: &str, backend: SocketAddr) -> Result<Process, StartError> {
    let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let fill_in =
        |word: &str| word.replace("{listen}", &listen.to_string()).replace("{backend}", &backend.to_string());
    let mut words = command_line.split_whitespace().map(fill_in);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    Process::listening(command, listen)
}
