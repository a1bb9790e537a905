//! The load generator: one thread for each client, each with one connection at a time.
//!
//! Closed loop: a client sends its next request when it has the response. Open loop: request number i is due
//! at i / rate, and its latency counts from then. Invariant: latencies of an open loop include the wait for
//! an idle client, because the worst latencies would otherwise be hidden.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{OnceLock, RwLock};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crate::bench::connection::{Answer, Connection, Expected, Persistence};
use crate::bench::latencies::Latencies;
use crate::bench::usage;

/// A run ends after this many errors, because it is invalid anyway.
const MOST_ERRORS: u64 = 20;
/// The interval between two progress reports to the caller.
const TICK: Duration = Duration::from_millis(20);
/// The stack size of a client. Clients need little, and there may be hundreds.
const STACK_BYTES: usize = 256 * 1024;

/// The schedule of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pacing {
    /// Each client sends its next request when it has received the last response.
    Closed,
    /// This many requests a second, independent of the responses.
    Open(f64),
}

/// The requests to send, and the expected response.
#[derive(Clone, Debug)]
pub struct Load {
    /// The address of the proxy.
    pub address: SocketAddr,
    /// The complete request.
    pub request: Vec<u8>,
    /// The expected response.
    pub expected: Expected,
    /// The maximum number of requests in flight.
    pub clients: usize,
    /// The number of measured requests.
    pub requests: u64,
    /// The number of requests before the measurement, in a closed loop. They are only verified.
    pub warm_up: u64,
    /// The schedule of the requests.
    pub pacing: Pacing,
    /// Whether each request gets a new connection.
    pub close: bool,
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One latency for each successful request, without warm-up.
    pub latencies: Latencies,
    /// One latency for each refused request, without warm-up.
    pub refused: Latencies,
    /// The time from the start to the end of the last response.
    pub elapsed: Duration,
    /// Errors and their counts, including those of the warm-up.
    pub errors: BTreeMap<String, u64>,
    /// The number of opened connections, without warm-up.
    pub connections: u64,
    /// The CPU time of the clients themselves; `None` where the system does not report it.
    pub cpu: Option<Duration>,
}

/// The shared state of the clients of a run.
#[derive(Default)]
struct Shared {
    warm_up_taken: AtomicU64,
    taken: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    is_over: AtomicBool,
    started: OnceLock<Instant>,
    /// Locked for writing until all clients are warm.
    gate: RwLock<()>,
}

/// Runs a load to its end. Calls `on_start` when all clients are warm, and `on_progress` regularly with the
/// number of completed requests.
///
/// # Errors
/// A thread cannot be started. Failed requests are in the outcome.
pub fn run(load: &Load, on_start: &mut dyn FnMut(), on_progress: &mut dyn FnMut(u64)) -> io::Result<Outcome> {
    let shared = &Shared::default();
    let mut outcome = Outcome::default();
    let (warm, warmed) = channel();
    thread::scope(|scope| {
        let gate = shared.gate.write();
        let mut threads = Vec::new();
        for _ in 0..load.clients {
            let warm = warm.clone();
            let client = move || {
                let mut client = Client { load, shared, connection: None, outcome: Outcome::default() };
                client.warm_up();
                // The receiver is dropped only if another client could not be started.
                let _ = warm.send(());
                drop(shared.gate.read());
                let before = usage::of_this_thread();
                client.measure();
                let after = usage::of_this_thread();
                client.outcome.cpu = after.zip(before).map(|(after, before)| after.saturating_sub(before));
                client.outcome
            };
            match Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, client) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    shared.is_over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        warmed.iter().take(load.clients).for_each(drop);
        on_start();
        shared.started.get_or_init(Instant::now);
        drop(gate);
        while threads.iter().any(|thread| !thread.is_finished()) {
            on_progress(shared.done.load(Ordering::Relaxed));
            thread::sleep(TICK);
        }
        let (mut elapsed, mut cpu) = (Duration::ZERO, Some(Duration::ZERO));
        for thread in threads {
            let part = thread.join().map_err(|_| io::Error::other("a client of the load has panicked"))?;
            elapsed = elapsed.max(part.elapsed);
            cpu = cpu.zip(part.cpu).map(|(sum, part)| sum + part);
            outcome.add(&part);
        }
        (outcome.elapsed, outcome.cpu) = (elapsed, cpu);
        Ok(())
    })?;
    Ok(outcome)
}

struct Client<'a> {
    load: &'a Load,
    shared: &'a Shared,
    connection: Option<Connection>,
    outcome: Outcome,
}

impl Client<'_> {
    fn warm_up(&mut self) {
        while !self.is_over() && self.shared.warm_up_taken.fetch_add(1, Ordering::Relaxed) < self.load.warm_up
        {
            if let Err(error) = self.exchange() {
                self.fail(error);
            }
        }
        self.outcome.connections = 0;
    }

    fn measure(&mut self) {
        // `started` is set before the gate opens.
        let Some(&started) = self.shared.started.get() else {
            return;
        };
        while !self.is_over() {
            let number = self.shared.taken.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.requests {
                break;
            }
            let due = match self.load.pacing {
                Pacing::Closed => Instant::now(),
                Pacing::Open(rate) => {
                    let due = started + Duration::from_secs_f64(number as f64 / rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    due
                }
            };
            match self.exchange() {
                Ok(Answer::Expected) => self.outcome.latencies.record(due.elapsed()),
                Ok(Answer::Refusal) => self.outcome.refused.record(due.elapsed()),
                Err(error) => self.fail(error),
            }
            self.shared.done.fetch_add(1, Ordering::Relaxed);
            self.outcome.elapsed = started.elapsed();
        }
    }

    fn exchange(&mut self) -> Result<Answer, String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.outcome.connections += 1;
                Connection::open(self.load.address)?
            }
        };
        let (answer, persistence) = connection.exchange(&self.load.request, &self.load.expected)?;
        if persistence == Persistence::KeepAlive && !self.load.close {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn fail(&mut self, error: String) {
        *self.outcome.errors.entry(error).or_default() += 1;
        if self.shared.failed.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_ERRORS {
            self.shared.is_over.store(true, Ordering::Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Relaxed)
    }
}

impl Outcome {
    fn add(&mut self, part: &Outcome) {
        self.latencies.add(&part.latencies);
        self.refused.add(&part.refused);
        self.connections += part.connections;
        for (error, count) in &part.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
    }
}
