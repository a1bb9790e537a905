//! The listener over tokio.

use std::net::SocketAddr;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context;
use codec::Limits;
use codec::tokio::{ClientConnection, ClientStream, Connections, MAX_PIPES, limit_pipes};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::accept::{Backoff, bind_failure};
use crate::flags::{parse_number, resolve_listen};
use crate::open_files::raise_open_files_limit;
use crate::stderr;

/// How long requests in flight may take to complete after a stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that the kernel keeps until they are accepted, so that a burst of clients is not refused.
const BACKLOG: u32 = 4096;

/// Descriptors for everything but clients: the standard streams, the runtime, listeners, a pool.
const RESERVED_DESCRIPTORS: u64 = 64;

/// The fewest open files at which long bodies go through pipes, of two descriptors each. With fewer, all descriptors are
/// for clients, and bodies are copied.
const OPEN_FILES_FOR_PIPES: u64 = 1024;

/// The most clients that are served at once if the system sets no limit.
const MAX_CLIENTS_WITHOUT_LIMIT: u64 = 100_000;

/// The largest `--max-clients`. A process of Linux has at most 1,048,576 descriptors, and each client takes one or two.
const MAX_CLIENTS: u64 = 1_000_000;

/// The flag that says where to listen for clients.
const LISTEN: &str = "--listen";

/// The connections of every listener of this process and the flag of the listener, so that a drain waits for all of them.
static ALL_CONNECTIONS: Mutex<Vec<(&str, Connections)>> = Mutex::new(Vec::new());

/// Runs a program on a runtime with one thread for each available core. With one core, the runtime has no
/// threads of its own, which saves each request the cost of synchronization.
///
/// # Errors
/// The error of `program`, or the failure to start the runtime.
pub fn block_on(program: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut runtime = match available_parallelism() {
        Ok(cores) if cores.get() == 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    runtime.enable_all().build().context("cannot start the runtime")?.block_on(program)
}

/// The flags that a stage with many clients has.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How many clients are served at once; the next one waits [default: as many as open files allow]
    #[arg(long, value_name = "NUMBER", value_parser = parse_number::<u64, 1, MAX_CLIENTS>)]
    pub max_clients: Option<u64>,
}

/// Accepts clients until the process is asked to stop.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    max_clients: usize,
    connections: Connections,
    limits: &'static Limits,
    stop: Arc<Notify>,
    backoff: Backoff,
}

impl Listener {
    /// Listens at `listen`, the value of a `--listen` flag, catches Ctrl-C and SIGTERM, and raises the limit
    /// of open files as far as allowed.
    ///
    /// # Errors
    /// [`Failure`](crate::Failure) if the address cannot be used. It names the flag that helps.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn bind(listen: &str, flags: &Flags) -> anyhow::Result<Listener> {
        Listener::bind_flag(LISTEN, listen, flags.max_clients)
    }

    /// As [`Listener::bind`], for a flag other than `--listen`, and for `max_clients` at once. `None` means
    /// as many as open files allow.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub fn bind_flag(flag: &'static str, listen: &str, max_clients: Option<u64>) -> anyhow::Result<Listener> {
        let wanted = resolve_listen(flag, listen)?;
        let listener = listen_on(wanted).map_err(|error| bind_failure(flag, wanted, &error))?;
        let address = listener.local_addr().context("cannot determine the address of the listener")?;
        let allowed = clients_allowed();
        let max_clients = max_clients.unwrap_or(allowed);
        let stop = Arc::new(Notify::new());
        let signals = Signals::catch().context("cannot catch Ctrl-C")?;
        tokio::spawn(stop_on_signal(signals, Arc::clone(&stop)));
        let connections = Connections::new();
        all_connections().push((flag, connections.clone()));
        Ok(Listener {
            listener,
            address,
            max_clients: usize::try_from(max_clients).unwrap_or(usize::MAX),
            connections,
            limits: &Limits::DEFAULT,
            stop,
            backoff: Backoff::default(),
        })
    }

    /// Serves clients with limits other than [`Limits::DEFAULT`].
    #[must_use]
    pub fn with_limits(self, limits: &'static Limits) -> Listener {
        Listener { limits, ..self }
    }

    /// The URL that clients connect to, for people: `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the next client once fewer than `--max-clients` are connected, or `None` once the process was
    /// asked to stop. Idle connections are closed then. Logs failures, and retries.
    pub async fn accept(&mut self) -> Option<ClientConnection> {
        loop {
            let accept = async {
                self.connections.wait_for_fewer_than(self.max_clients).await;
                self.listener.accept().await
            };
            let accepted = tokio::select! {
                accepted = accept => accepted,
                () = self.stop.notified() => {
                    // Close idle connections before the port is released: a client that is refused must not
                    // see a connection that continues.
                    self.connections.close();
                    return None;
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    self.backoff.succeeded();
                    let stream = ClientStream { stream, guard: self.connections.guard() };
                    return Some(ClientConnection::new(stream, self.limits));
                }
                Err(error) => {
                    if let Some(wait) = self.backoff.failed(&error) {
                        sleep(wait).await;
                    }
                }
            }
        }
    }

    /// Closes the idle connections of all listeners of this process at once, and waits for their requests in
    /// flight, for 10 s at most.
    pub async fn drain(self) {
        let all: Vec<_> = all_connections().iter().map(|(_, connections)| connections.clone()).collect();
        // Before the port is released, as in `accept`. Another listener may not have seen the signal yet.
        all.iter().for_each(Connections::close);
        drop(self);
        let count = || all.iter().map(Connections::count).sum::<usize>();
        if count() > 0 {
            log::info!("stopping: waiting up to {DRAIN_TIMEOUT:?} for the requests of {} clients", count());
        }
        let drained = async {
            for connections in &all {
                connections.wait_for_fewer_than(1).await;
            }
        };
        if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            log::warn!("stopped: {} clients were cut off", count());
        }
    }
}

/// The clients that are connected now, without those of other ports such as the RPC's.
pub fn client_count() -> usize {
    let clients =
        |(flag, connections): &(&str, Connections)| if *flag == LISTEN { connections.count() } else { 0 };
    all_connections().iter().map(clients).sum()
}

fn all_connections() -> MutexGuard<'static, Vec<(&'static str, Connections)>> {
    ALL_CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // On Windows this option would let two listeners share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the limit of open files as far as allowed. Returns the number of clients that it permits at two
/// descriptors each, besides the pipes.
fn clients_allowed() -> u64 {
    match raise_open_files_limit() {
        Ok(limit) => {
            let pipes = if limit < OPEN_FILES_FOR_PIPES { 0 } else { MAX_PIPES };
            limit_pipes(pipes);
            let for_clients = limit.saturating_sub(RESERVED_DESCRIPTORS + 2 * pipes as u64);
            (for_clients / 2).clamp(1, MAX_CLIENTS_WITHOUT_LIMIT)
        }
        Err(error) => {
            log::warn!("cannot raise the limit of open files: {error}");
            MAX_CLIENTS_WITHOUT_LIMIT
        }
    }
}

/// The first signal stops the listener, the second ends the process.
async fn stop_on_signal(mut signals: Signals, stop: Arc<Notify>) {
    signals.next().await;
    stop.notify_one();
    signals.next().await;
    stderr::flush();
    process::exit(1);
}

/// Ctrl-C and SIGTERM, caught from the moment that this value is created.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    #[cfg(unix)]
    fn catch() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(windows)]
    fn catch() -> std::io::Result<Signals> {
        Ok(Signals { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
