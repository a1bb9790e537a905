//! The proxy under check, started again for each check, and what the check observes.
//!
//! Invariant: checks count and do not measure time. Each wait has a deadline and reports its reason.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use testkit::KeptPort;
use testkit::{Backend, Client, Process, Program, Response, StartError};

use super::Task;

/// How long a client of a check waits for the next byte. A working proxy answers in a hundredth of this time.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(4);

/// The response of a good backend.
pub(super) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// A valid request.
pub(super) const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// A program under one check.
pub struct Subject<'a> {
    program: &'a Program,
    panic: Panic,
}

/// A panic of the proxies that a check started.
type Panic = Arc<Mutex<Option<String>>>;

/// A running proxy.
pub struct Running {
    proxy: Process,
    rpc: Option<SocketAddr>,
    panic: Panic,
}

/// A wrong observation, in one sentence.
#[derive(Debug)]
pub struct Seen(pub String);

impl Task {
    /// Runs the check on a program. If the proxy panicked, the observation ends with the place and reason.
    ///
    /// # Errors
    /// The promise does not hold.
    pub fn check(&self, program: &Program) -> Result<(), Seen> {
        let subject = Subject { program, panic: Panic::default() };
        let outcome = (self.holds)(&subject);
        let panic = subject.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (outcome, panic) {
            (Err(Seen(seen)), Some(panic)) => Err(Seen(format!("{seen}\nit {panic}"))),
            (outcome, _) => outcome,
        }
    }
}

impl Subject<'_> {
    /// Starts it in front of a backend.
    pub(super) fn start(&self, backend: &Backend) -> Result<Running, Seen> {
        self.start_with(backend, &[])
    }

    /// Starts it with a stats RPC.
    pub(super) fn start_with_rpc(&self, backend: &Backend) -> Result<Running, Seen> {
        self.start_with(backend, &["--rpc", "127.0.0.1:0"])
    }

    fn start_with(&self, backend: &Backend, flags: &[&str]) -> Result<Running, Seen> {
        self.run(&[backend.address()], flags)
    }

    /// Starts it with a stats RPC before several backends. A program given as a command line ignores `flags`.
    pub(super) fn start_before(&self, backends: &[SocketAddr], flags: &[&str]) -> Result<Running, Seen> {
        self.run(backends, &[&["--rpc", "127.0.0.1:0"], flags].concat())
    }

    fn run(&self, backends: &[SocketAddr], flags: &[&str]) -> Result<Running, Seen> {
        let (proxy, rpc) = match self.program {
            Program::Command(line) => {
                let rpc = KeptPort::bind()?;
                let line = line.replace("{rpc}", &rpc.address().to_string());
                (Program::Command(line).start(backends, flags)?, Some(rpc.address()))
            }
            program => {
                let proxy = program.start(backends, flags)?;
                let rpc = proxy.ready_line().split("stats RPC on http://").nth(1);
                let rpc = rpc.and_then(|url| url.split('/').next()?.parse().ok());
                (proxy, rpc)
            }
        };
        Ok(Running { proxy, rpc, panic: Arc::clone(&self.panic) })
    }
}

impl Running {
    /// The address that it listens on.
    pub(super) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    pub(super) fn client(&self) -> Result<Client, Seen> {
        Ok(Client::connect_with(self.address(), CLIENT_PATIENCE)?)
    }

    /// Sends a request on a new connection. The error names the request if there is no response.
    pub(super) fn exchange(&self, request: impl AsRef<[u8]>) -> Result<Response, Seen> {
        exchange(&mut self.client()?, request)
    }

    /// Connects to its stats RPC.
    pub(super) fn rpc_client(&self) -> Result<Client, Seen> {
        let rpc = self.rpc.ok_or_else(|| Seen("its ready line names no stats RPC".to_owned()))?;
        let client = Client::connect_with(rpc, CLIENT_PATIENCE);
        client.map_err(|error| Seen(format!("no connection to its stats RPC: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(panic) = self.proxy.end() {
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
    }
}

/// Sends a request and reads its response. The error names the request if there is no response.
pub(super) fn exchange(client: &mut Client, request: impl AsRef<[u8]>) -> Result<Response, Seen> {
    let request = request.as_ref();
    client.exchange(request).map_err(|error| {
        let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
        Seen(format!("no response to \"{}\": {}", line.escape_ascii(), silence(&error)))
    })
}

/// Describes why no response arrived. For a timeout, suggests what to look for.
pub(super) fn silence(error: &io::Error) -> String {
    let seconds = CLIENT_PATIENCE.as_secs();
    match error.kind() {
        io::ErrorKind::TimedOut => {
            format!(
                "nothing came for {seconds} seconds. Does it wait for what never comes, or go round for ever?"
            )
        }
        _ => error.to_string(),
    }
}

/// A count in words.
pub(super) fn times(count: usize) -> String {
    match count {
        0 => "not".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

/// A GET of this path.
pub(super) fn get(path: &str) -> String {
    GET.replacen('/', path, 1)
}

/// Returns the observation as an error unless `is_so` is true.
pub(super) fn ensure(is_so: bool, seen: impl FnOnce() -> String) -> Result<(), Seen> {
    if is_so { Ok(()) } else { Err(Seen(seen())) }
}

/// Bytes that differ from their neighbours.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8).collect()
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Seen {
    fn from(error: io::Error) -> Seen {
        Seen(error.to_string())
    }
}

impl From<StartError> for Seen {
    fn from(error: StartError) -> Seen {
        match error.exit_code {
            // The last line of its flag parser only says how to get help.
            Some(2) => Seen("it did not start: it does not take the flags of this stage".to_owned()),
            _ => Seen(format!("it did not start: {error}")),
        }
    }
}
