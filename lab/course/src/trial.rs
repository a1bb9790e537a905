//! The proxy under check, started again for each check, and what the check observes.
//!
//! Invariant: checks count and do not measure time. Each wait has a deadline and reports its reason.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use testkit::{Backend, Client, KeptPort, Process, Program, Response};

use crate::observed::{MAX_WORD, Seen, cause_of_silence, ensure, shortened, silence};
use crate::{Ability, Stage, Task, plain};

/// How long a client of a check waits for the next byte. A working proxy answers in a hundredth of this time.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(4);

/// The response of a good backend.
pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// A valid request.
pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// The most characters of a word in the log: with it, the line of a request fits into 80 columns.
const MAX_LOG_WORD: usize = 35;
/// The most lines of the proxy's log below an observation.
const LOG_LINES: usize = 3;

/// What is said below a panic if everything that the check looked at was right.
const ONLY_A_PANIC: &str = "All that the check looked at was right, but a panic drops a client, or ends the proxy. Is an \
                            error unwrapped that `?` would return?";

/// A program under one check.
pub struct Subject<'a> {
    program: &'a Program,
    /// Whether its stage has a stats RPC, which listens on a port of its own.
    has_rpc: bool,
    said: Arc<Mutex<Said>>,
}

/// What the proxies of a check said.
#[derive(Default)]
struct Said {
    started: usize,
    panic: Option<String>,
    /// Of the proxies that are no longer used, the one that started last, and its number. It may still panic.
    last: Option<(usize, Process)>,
}

/// A running proxy.
pub struct Running {
    /// Taken when this is dropped.
    proxy: Option<Process>,
    address: SocketAddr,
    rpc: Option<SocketAddr>,
    /// Counts the proxies of the check.
    number: usize,
    said: Arc<Mutex<Said>>,
}

impl Task {
    /// Runs the check on a program.
    ///
    /// # Errors
    /// The promise does not hold, or the proxy has panicked. The error says what was seen: first the panic, if there
    /// was one, because a guess at the cause would mislead. Otherwise the last lines of the log are below it.
    pub fn check(&self, program: &Program) -> Result<(), String> {
        let has_rpc = Stage::find(self.stage()).is_some_and(|stage| stage.can(Ability::Rpc));
        let subject = Subject { program, has_rpc, said: Arc::default() };
        let holds = self.holds.map_or(Ok(()), |holds| holds(&subject));
        let outcome = holds.and_then(|()| plain::holds(&subject, &self.name));
        let mut said = lock(&subject.said);
        let seen = match (outcome, said.panic()) {
            (Ok(()), None) => return Ok(()),
            (Ok(()), Some(panic)) => format!("it {panic}\n{ONLY_A_PANIC}"),
            (Err(seen), Some(panic)) => format!("it {panic}\n{}", seen.text),
            (Err(seen), None) => seen.text + &said.log_until(seen.at),
        };
        Err(shortened(&seen, MAX_WORD))
    }
}

impl Said {
    /// Ends a proxy that is no longer used, unless it is the one that started last.
    fn end(&mut self, number: usize, proxy: Process) {
        let ended = match &self.last {
            Some((last, _)) if *last > number => Some(proxy),
            _ => self.last.replace((number, proxy)).map(|(_, proxy)| proxy),
        };
        if let Some(mut ended) = ended {
            self.panic = ended.end().or(self.panic.take());
        }
    }

    /// Ends the last proxy, and returns a panic.
    fn panic(&mut self) -> Option<String> {
        self.last.as_mut().and_then(|(_, last)| last.end()).or(self.panic.take())
    }

    /// The last lines that came into the log of the last proxy before `end`.
    fn log_until(&self, end: Instant) -> String {
        let lines = self.last.as_ref().map_or_else(Vec::new, |(_, last)| last.log_until(end));
        let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
        last.iter().map(|line| format!("\nits log: {}", shortened(line, MAX_LOG_WORD))).collect()
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subject<'_> {
    /// Whether it is a stage, which takes its flags. A program given as a command line may be any proxy.
    pub(crate) fn is_stage(&self) -> bool {
        !matches!(self.program, Program::Command(_))
    }

    /// Starts it in front of a backend.
    pub(crate) fn start(&self, backend: &Backend) -> Result<Running, Seen> {
        self.start_with(&[backend.address()], &[])
    }

    /// Starts it in front of several backends, with flags if it takes them.
    pub(crate) fn start_with(&self, backends: &[SocketAddr], flags: &[&str]) -> Result<Running, Seen> {
        let rpc: &[&str] = if self.has_rpc { &["--rpc", "127.0.0.1:0"] } else { &[] };
        let flags = &[rpc, flags].concat();
        let (proxy, rpc) = match self.program {
            Program::Command(line) => {
                let rpc = KeptPort::bind()?;
                let line = line.replace("{rpc}", &rpc.address().to_string());
                (Program::Command(line).start(backends, flags)?, Some(rpc.address()))
            }
            program => {
                let proxy = program.start(backends, flags)?;
                let rpc = proxy.rpc_address();
                (proxy, rpc)
            }
        };
        let mut said = lock(&self.said);
        said.started += 1;
        Ok(Running {
            address: proxy.address(),
            proxy: Some(proxy),
            rpc,
            number: said.started,
            said: Arc::clone(&self.said),
        })
    }
}

impl Running {
    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Result<Client, Seen> {
        let client = Client::connect_with(self.address(), CLIENT_PATIENCE);
        client.map_err(|error| Seen::new(format!("no connection to the proxy: {error}")))
    }

    /// Sends a request on a new connection. The error names the request if there is no response.
    pub(crate) fn exchange(&self, request: impl AsRef<[u8]>) -> Result<Response, Seen> {
        exchange(&mut self.client()?, request)
    }

    /// Connects to its stats RPC.
    pub(crate) fn rpc_client(&self) -> Result<Client, Seen> {
        let rpc = self.rpc.ok_or_else(|| Seen::new("its ready line names no stats RPC"))?;
        let client = Client::connect_with(rpc, CLIENT_PATIENCE);
        client.map_err(|error| Seen::new(format!("no connection to its stats RPC: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            lock(&self.said).end(self.number, proxy);
        }
    }
}

/// Checks that clients which reset their connections within a body end their exchanges.
///
/// The body begins with many small chunks, so that the proxy is writing a piece when the reset comes, and a piece fails.
/// A proxy that waits for the backend at that moment would end the exchange because of `wait_for_reset`. It also looks
/// for a reset after some hundred pieces, so there are several clients.
pub(crate) fn leave_within_body(subject: &Subject<'_>) -> Result<(), Seen> {
    const CLIENTS: usize = 3;
    const SMALL_CHUNKS: usize = 40_000;
    // More than all buffers between the backend and a client hold.
    const MIB: usize = 32;
    let (end, ended) = channel();
    let backend = Backend::script(move |connection| {
        connection.read_request()?;
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let large = ["100000\r\n".as_bytes(), &[b'x'; 1 << 20], b"\r\n"].concat();
        let small = "1\r\nx\r\n".repeat(SMALL_CHUNKS);
        let mut send = |bytes: &[u8]| connection.send(bytes).is_ok();
        let sent = if send(small.as_bytes()) { (0..MIB).take_while(|_| send(&large)).count() } else { 0 };
        // Fails if the check has already given up.
        let _ = end.send(sent);
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    for _ in 0..CLIENTS {
        let mut client = running.client()?;
        client.send(GET)?;
        client.read_head()?;
        client.read_bytes(SMALL_CHUNKS / 10)?;
        client.reset()?;
        let sent = ended.recv_timeout(CLIENT_PATIENCE).unwrap_or(MIB);
        ensure(sent < MIB, || {
            format!(
                "a client left, and the proxy still read {MIB} MiB for it from the backend. Is an error of `write_piece` \
                 returned with `?`?"
            )
        })?;
    }
    Ok(())
}

/// Sends a request and reads its response. The error names the request if there is no response.
pub(crate) fn exchange(client: &mut Client, request: impl AsRef<[u8]>) -> Result<Response, Seen> {
    let request = request.as_ref();
    client.exchange(request).map_err(|error| {
        let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let (line, why) = (line.escape_ascii(), silence(&error));
        Seen::new(format!("no response to \"{line}\": {why}. {}", cause_of_silence(&error)))
    })
}

/// A GET of this path.
pub(crate) fn get(path: &str) -> String {
    GET.replacen('/', path, 1)
}

/// Bytes that differ from their neighbours.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8).collect()
}
