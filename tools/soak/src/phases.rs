//! The phases of a soak, in sequence on the same proxy process.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use crate::backend::FaultyBackend;
use crate::clients::{Crew, Mischief};
use crate::outcome::{Circumstances, Tally};
use crate::slow::{self, Slow};
use crate::{Plan, deaf};
use testkit::Process;
use testkit::progress::Progress;

/// The time between two kills or whole stalls of the backend.
const BETWEEN_FAULTS: Duration = Duration::from_secs(1);
/// How long the backend is down.
const DOWN: Duration = Duration::from_millis(200);
/// How long the whole backend stalls.
const STILL: Duration = Duration::from_millis(500);
/// The polling interval.
const TICK: Duration = Duration::from_millis(20);

/// A proxy in front of a backend, and the numbers of its clients.
pub(crate) struct Phases<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) proxy: &'a Process,
    pub(crate) backend: &'a FaultyBackend,
    pub(crate) progress: &'a mut Progress,
    /// The number of the next client. Numbers are unique.
    pub(crate) next_client: u32,
}

/// The results of the clients and backends that make the proxy wait.
pub(crate) struct Waits {
    pub(crate) slow: Slow,
    /// The results of a normal client at the same time.
    pub(crate) normal: Tally,
    /// The results of requests to a backend that stalled forever.
    pub(crate) stalled: Tally,
    /// The shortest and longest time until clients that read nothing were cut; `None` without such clients.
    pub(crate) cut_after: Option<(Duration, Duration)>,
}

/// The results of the phase with faults.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) tally: Tally,
    pub(crate) killed: u64,
    pub(crate) stood_still: u64,
}

impl<'a> Phases<'a> {
    /// All clients, without faults.
    pub(crate) fn load(&mut self, duration: Duration) -> anyhow::Result<Tally> {
        self.progress.step(&format!("{} clients", self.plan.clients));
        let run = Run::default();
        let clients = self.numbers(self.plan.clients);
        let crew = self.crew(&run, clients, Mischief::Nothing, Circumstances::Calm);
        thread::scope(|scope| {
            let crew = scope.spawn(move || crew.run());
            run.wait(self.progress, duration, &mut |_| Ok(true))?;
            crew.join().map_err(|_| anyhow!("the clients have panicked"))
        })
    }

    /// Slow clients, clients that read nothing, and a backend that stalls forever, next to a normal client.
    pub(crate) fn waits(&mut self) -> anyhow::Result<Waits> {
        let (slow_clients, deaf_clients) = (self.plan.slow_clients, self.plan.deaf_clients);
        self.progress.step(&format!("{slow_clients} slow clients, {deaf_clients} that read nothing"));
        let run = Run::default();
        let (normal, deaf) = (self.numbers(1), self.numbers(deaf_clients));
        let normal = self.crew(&run, normal, Mischief::Nothing, Circumstances::Calm);
        let stalled = self.numbers(self.plan.stalled_clients);
        let stalled = self.crew(&run, stalled, Mischief::Stalls, Circumstances::Calm);
        let (proxy, backend) = (self.proxy.address(), self.backend);
        thread::scope(|scope| {
            let slow = scope.spawn(|| slow::run(proxy, slow_clients, &run.is_over));
            let normal = scope.spawn(move || normal.run());
            let stalled = scope.spawn(move || stalled.run());
            let deaf = (deaf_clients > 0).then(|| scope.spawn(move || deaf::run(proxy, backend, deaf)));
            run.wait(self.progress, self.plan.slow, &mut |_| {
                Ok(stalled.is_finished() && deaf.as_ref().is_none_or(|deaf| deaf.is_finished()))
            })?;
            let panicked = || anyhow!("a client has panicked");
            let cut_after = match deaf {
                Some(deaf) => Some(deaf.join().map_err(|_| panicked())??),
                None => None,
            };
            Ok(Waits {
                slow: slow.join().map_err(|_| panicked())?,
                normal: normal.join().map_err(|_| panicked())?,
                stalled: stalled.join().map_err(|_| panicked())?,
                cut_after,
            })
        })
    }

    /// A backend that fails in every phase of an exchange and is killed, restarted and stalled as a whole.
    pub(crate) fn faults(&mut self) -> anyhow::Result<Faults> {
        let plan = self.plan;
        self.progress.step(&format!("{} clients of a failing backend", plan.faulty_clients));
        let run = Run::default();
        let clients = self.numbers(plan.faulty_clients);
        let crew = self.crew(&run, clients, Mischief::Faults, Circumstances::DeadConnections);
        let backend = self.backend;
        let mut faults = Faults::default();
        thread::scope(|scope| {
            let crew = scope.spawn(move || crew.run());
            let mut due = BETWEEN_FAULTS;
            run.wait(self.progress, plan.faults, &mut |elapsed| {
                if elapsed < due {
                    return Ok(true);
                }
                due = elapsed + BETWEEN_FAULTS;
                if faults.killed == faults.stood_still {
                    backend.kill();
                    thread::sleep(DOWN);
                    backend.restart().context("the backend cannot listen again")?;
                    faults.killed += 1;
                } else {
                    let still = backend.stall();
                    thread::sleep(STILL);
                    drop(still);
                    faults.stood_still += 1;
                }
                Ok(true)
            })?;
            faults.tally = crew.join().map_err(|_| anyhow!("the clients have panicked"))?;
            Ok(faults)
        })
    }

    fn numbers(&mut self, count: usize) -> Range<u32> {
        let first = self.next_client;
        self.next_client += count as u32;
        first..self.next_client
    }

    fn crew<'b>(
        &self,
        run: &'b Run,
        clients: Range<u32>,
        mischief: Mischief,
        circumstances: Circumstances,
    ) -> Crew<'b>
    where
        'a: 'b,
    {
        let (proxy, backend) = (self.proxy.address(), self.backend);
        Crew { proxy, backend, clients, mischief, circumstances, is_over: &run.is_over, done: &run.done }
    }
}

/// Whether a phase is over, and how many requests are complete.
#[derive(Default)]
struct Run {
    is_over: AtomicBool,
    done: AtomicU64,
}

impl Run {
    /// Waits for `duration`, then until `tick`, which is called repeatedly, returns true. The phase is over
    /// on every return.
    fn wait(
        &self,
        progress: &mut Progress,
        duration: Duration,
        tick: &mut dyn FnMut(Duration) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let outcome = loop {
            let elapsed = started.elapsed();
            match tick(elapsed) {
                Ok(is_done) if is_done && elapsed >= duration => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            let done = self.done.load(Ordering::Relaxed);
            let (elapsed, all) = (elapsed.as_secs(), duration.as_secs());
            progress.show(&format!("{elapsed} of {all} s, {done} requests"));
            thread::sleep(TICK);
        };
        self.is_over.store(true, Ordering::Relaxed);
        outcome
    }
}
