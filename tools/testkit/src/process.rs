//! A proxy as a separate process: starts it, waits until it listens, watches it and stops it.
//!
//! It ends at the latest when its handle is dropped, see `child.rs`.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::child::Child;
use crate::log::Log;
use crate::peer::Folder;
use crate::poll;
use crate::ready_line::{listening_address, rpc_address};

/// How long to wait for the last output of a process that has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A child process that listens.
pub struct Process {
    child: Child,
    address: SocketAddr,
    ready_line: String,
    log: Arc<Log>,
    /// The threads that read its output; they end with it.
    readers: Vec<JoinHandle<()>>,
    /// Its files, removed after it ends.
    _folder: Option<Folder>,
}

/// Why a process does not listen.
#[derive(Debug)]
pub struct StartError {
    /// What went wrong, with the last line of stderr.
    pub message: String,
    /// Its exit code, if it ended by itself.
    pub exit_code: Option<i32>,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All its output on stdout.
    pub stdout: String,
    /// All its output on stderr.
    pub stderr: String,
}

impl Process {
    /// Starts a stage and waits for its ready line.
    pub fn stage(binary: impl AsRef<Path>, arguments: &[&str]) -> Result<Process, StartError> {
        let mut command = Command::new(binary.as_ref());
        // The log that a test checks must not depend on the environment of the user.
        command.args(arguments).env_remove("RUST_LOG");
        Process::start(command, |_| ())
    }

    /// As [`Process::stage`], with a limit of open files; only on systems with a shell that can set it.
    pub fn stage_with_open_files(
        binary: impl AsRef<Path>,
        limit: usize,
        arguments: &[&str],
    ) -> Result<Process, StartError> {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let binary = binary.as_ref().to_string_lossy();
        Process::stage("sh", &[&["-c", &script, &binary], arguments].concat())
    }

    /// Runs `command` and waits for the ready line `NAME listening on http://ADDRESS` on its stdout. Calls
    /// `relay` with each line of stdout and stderr.
    pub fn start(
        mut command: Command,
        relay: impl Fn(&str) + Clone + Send + 'static,
    ) -> Result<Process, StartError> {
        let mut child = spawn(&mut command)?;
        let log = Arc::new(Log::default());
        let (line, lines) = channel();
        let mut readers = Vec::new();
        if let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) {
            let (relay_stdout, collecting) = (relay.clone(), Arc::clone(&log));
            readers.push(each_line(stdout, move |text| {
                relay_stdout(text);
                // Fails after the ready line, when the receiver is gone.
                let _ = line.send(text.to_owned());
            }));
            readers.push(each_line(stderr, move |text| {
                relay(text);
                collecting.append(text);
            }));
        }
        // From here on the child is ended in every case.
        let mut process = Process {
            child,
            address: ([0, 0, 0, 0], 0).into(),
            ready_line: String::new(),
            log,
            readers,
            _folder: None,
        };
        process.address = process.wait_for_ready_line(&lines)?;
        Ok(process)
    }

    /// Runs `command` and waits until the port `listen`, which it was told to use, accepts connections.
    pub fn listening(mut command: Command, listen: SocketAddr) -> Result<Process, StartError> {
        let mut child = spawn(&mut command)?;
        let log = Arc::new(Log::default());
        let mut readers = Vec::new();
        if let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) {
            let collecting = Arc::clone(&log);
            readers.push(each_line(stdout, |_| ()));
            readers.push(each_line(stderr, move |text| collecting.append(text)));
        }
        let mut process =
            Process { child, address: listen, ready_line: String::new(), log, readers, _folder: None };
        let mut accepts = false;
        poll(PATIENCE, || {
            accepts = TcpStream::connect_timeout(&listen, PATIENCE).is_ok();
            accepts || !process.is_running()
        });
        match accepts {
            true => Ok(process),
            false => Err(process.start_error("it does not accept connections")),
        }
    }

    pub(crate) fn with_folder(self, folder: Folder) -> Process {
        Process { _folder: Some(folder), ..self }
    }

    /// Its ready line; empty for a foreign proxy, which is not required to print one.
    pub fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of its stats RPC, which its ready line names; `None` if it names none.
    pub fn rpc_address(&self) -> Option<SocketAddr> {
        rpc_address(&self.ready_line)
    }

    /// Its stderr so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The lines of its stderr that arrived before `end`.
    pub fn log_until(&self, end: Instant) -> Vec<String> {
        self.log.until(end)
    }

    /// The last line of its stderr so far; the final line if it has ended.
    pub fn last_line(&mut self) -> String {
        self.wait_for_last_words();
        self.log.text().lines().last().unwrap_or("it said nothing").to_owned()
    }

    /// Ends it and returns its first panic.
    pub fn end(&mut self) -> Option<String> {
        self.child.kill();
        self.wait_for_last_words();
        self.log.first_panic()
    }

    /// If it has ended, waits until its log is complete.
    fn wait_for_last_words(&mut self) {
        // The readers end with the process, unless a child of it still holds the pipes.
        poll(LAST_WORDS, || self.is_running() || self.readers.iter().all(JoinHandle::is_finished));
    }

    /// Waits until its stderr contains `text`.
    pub fn wait_for_log(&self, text: &str) -> io::Result<()> {
        self.log.wait_for(text)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its exit status; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop (SIGTERM). Without signals it is killed.
    pub fn terminate(&mut self) -> io::Result<()> {
        self.child.terminate()
    }

    /// Asks it to stop as Ctrl-C does (SIGINT). Without signals it is killed.
    pub fn interrupt(&mut self) -> io::Result<()> {
        self.child.interrupt()
    }

    /// Waits until the process ends.
    pub fn wait_for_exit(&mut self) -> io::Result<ExitStatus> {
        wait_for_exit(&mut self.child)
    }

    fn wait_for_ready_line(&mut self, lines: &Receiver<String>) -> Result<SocketAddr, StartError> {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let address = listening_address(&line);
                self.ready_line = line;
                address.ok_or_else(|| {
                    self.start_error(&format!("its first line is not a ready line: {:?}", self.ready_line))
                })
            }
            Err(RecvTimeoutError::Timeout) => Err(self.start_error("its ready line did not come in time")),
            Err(RecvTimeoutError::Disconnected) => {
                // The process closes stdout just before it ends.
                let _ = wait_for_exit(&mut self.child);
                Err(self.start_error("it ended before it was ready"))
            }
        }
    }

    fn start_error(&mut self, what: &str) -> StartError {
        let exit_code = self.exit_status().and_then(|status| status.code());
        let last_line = self.last_line();
        let said = self.log.first_panic().unwrap_or(last_line);
        StartError { message: format!("{what}: {said}"), exit_code }
    }
}

/// Runs a program that is expected to end soon by itself, as after an invalid flag.
pub fn run_to_end(binary: impl AsRef<Path>, arguments: &[&str]) -> io::Result<Finished> {
    let mut command = Command::new(binary.as_ref());
    let mut child = spawn(command.args(arguments).env_remove("RUST_LOG"))?;
    let status = wait_for_exit(&mut child);
    if status.is_err() {
        child.kill();
    }
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.take_stdout().map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut stdout))?;
    child.take_stderr().map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut stderr))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Finished { code: status?.code(), stdout: text(stdout), stderr: text(stderr) })
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    Child::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn wait_for_exit(child: &mut Child) -> io::Result<ExitStatus> {
    let mut status = None;
    poll(PATIENCE, || {
        status = child.try_wait().transpose();
        status.is_some()
    });
    status.unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, "the process did not end in time")))
}

fn each_line(from: impl Read + Send + 'static, line: impl Fn(&str) + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while from.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            line(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    })
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> StartError {
        StartError { message: error.to_string(), exit_code: None }
    }
}
