//! Runs a plan: starts the subjects and measures them in turns, round by round.
//!
//! Turns spread a temporary disturbance of the machine over all subjects.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use stage::{Failure, OrTry, printable};

use crate::bench::connection::{Expected, PATIENCE};
use crate::bench::figures::{Metric, Series};
use crate::bench::latencies::Latencies;
use crate::bench::load::{self, Load};
use crate::bench::plan::{Plan, Program, Subject};
use crate::bench::usage;
use crate::places::DOCTOR;
use testkit::progress::Progress;
use testkit::{Client, Peer, Process, Settings, StartError, run_to_end};

/// The package of the demo backend, and its binary.
pub(super) const BACKEND: &str = "webserver";

/// One run: a subject, a number of clients, a round.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) throughput: f64,
    pub(super) latencies: Latencies,
    /// The latencies of the refused requests.
    pub(super) refused: Latencies,
    pub(super) elapsed: Duration,
    pub(super) proxy_cpu: Option<Duration>,
    pub(super) generator_cpu: Option<Duration>,
    /// The connections that the clients opened.
    pub(super) client_connections: u64,
    /// The new connections that the backend saw.
    pub(super) backend_connections: u64,
    /// The most requests that the backend had in flight.
    pub(super) in_flight_max: u64,
}

/// All rounds of a subject with one number of clients.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) clients: u32,
    pub(super) runs: Vec<Run>,
    pub(super) peak_memory_kib: Option<u64>,
}

/// The reason why there are no figures.
#[derive(Debug)]
pub(super) struct Invalid {
    pub(super) subject: String,
    pub(super) clients: u32,
    pub(super) round: u32,
    pub(super) errors: BTreeMap<String, u64>,
    /// The stderr of the proxy.
    pub(super) log: String,
}

impl Case {
    pub(super) fn series(&self, value: impl Fn(&Run) -> f64) -> Series {
        Series::new(self.runs.iter().map(value))
    }

    pub(super) fn metric(&self, metric: Metric) -> Series {
        self.series(|run| match metric {
            Metric::Throughput => run.throughput,
            Metric::P99 => run.latencies.quantile(0.99),
        })
    }

    /// The latencies of all rounds together.
    pub(super) fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        self.runs.iter().for_each(|run| all.add(&run.latencies));
        all
    }

    /// The latencies of the refused requests of all rounds together.
    pub(super) fn refused(&self) -> Latencies {
        let mut all = Latencies::default();
        self.runs.iter().for_each(|run| all.add(&run.refused));
        all
    }

    /// Microseconds for each request over all rounds, because a single round may be too short for the clock.
    pub(super) fn cpu_per_request(&self, cpu: impl Fn(&Run) -> Option<Duration>) -> Option<f64> {
        let sum: Duration = self.runs.iter().map(cpu).sum::<Option<Duration>>()?;
        let requests: u64 = self.runs.iter().map(|run| run.latencies.count()).sum();
        (requests > 0).then(|| sum.as_secs_f64() * 1e6 / requests as f64)
    }
}

/// Runs the plan. The cases are ordered by level, then by subject.
pub(super) fn run(
    plan: &Plan,
    binaries: &BTreeMap<String, PathBuf>,
    progress: &mut Progress,
) -> Result<Result<Vec<Case>, Invalid>, Failure> {
    let backend = start_backend(plan, binaries)?;
    let expected =
        Expected { or_refusal: plan.counts_refusals, ..ask_backend(backend.address(), &plan.load.path)? };
    let start = |subject: &Subject| start(subject, binaries, backend.address());
    let mut running = Vec::new();
    if !plan.load.cold {
        running = plan.subjects.iter().map(start).collect::<Result<Vec<_>, Failure>>()?;
    }
    let mut cases: Vec<Case> = Vec::new();
    for &clients in &plan.levels {
        let names = plan.subjects.iter().map(|subject| subject.name.clone());
        cases.extend(names.map(|name| Case { name, clients, runs: Vec::new(), peak_memory_kib: None }));
    }
    for round in 1..=plan.rounds {
        for (level, &clients) in plan.levels.iter().enumerate() {
            for (index, subject) in plan.subjects.iter().enumerate() {
                let fresh = if plan.load.cold { Some(start(subject)?) } else { None };
                let process = fresh.as_ref().unwrap_or_else(|| &running[index]);
                let what = format!("round {round} of {}: {}, clients {clients}", plan.rounds, subject.name);
                progress.step(&what);
                let case = &mut cases[level * plan.subjects.len() + index];
                match measure(plan, subject, clients, process, backend.address(), &expected, progress)? {
                    Ok(run) => case.runs.push(run),
                    Err(errors) => {
                        let (subject, log) = (subject.name.clone(), process.log());
                        return Ok(Err(Invalid { subject, clients, round, errors, log }));
                    }
                }
                case.peak_memory_kib = case.peak_memory_kib.max(process.peak_memory_kib());
            }
        }
    }
    Ok(Ok(cases))
}

fn measure(
    plan: &Plan,
    subject: &Subject,
    clients: u32,
    process: &Process,
    backend: SocketAddr,
    expected: &Expected,
    progress: &mut Progress,
) -> Result<Result<Run, BTreeMap<String, u64>>, Failure> {
    let connection = if plan.load.close { "close" } else { "keep-alive" };
    let address = process.address();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: lab-bench\r\nConnection: {connection}\r\n\r\n",
        plan.load.path
    );
    let load = Load {
        address,
        request: request.into_bytes(),
        expected: expected.clone(),
        clients: clients as usize,
        requests: plan.requests,
        warm_up: plan.warm_up,
        pacing: subject.pacing,
        close: plan.load.close,
    };
    let mut before = None;
    let mut reset = Ok(());
    let mut on_start = || {
        // Sent directly to the backend: the proxy must see only the requests of the clients.
        reset = lab_request(backend, "POST", "/_lab/counters/reset").map(drop);
        before = usage::of_process(process);
    };
    let outcome = load::run(&load, &mut on_start, &mut |done| {
        progress.show(&format!("{done} of {} requests", plan.requests));
    })
    .or_try(DOCTOR)?;
    let after = usage::of_process(process);
    reset?;
    if !outcome.errors.is_empty() {
        return Ok(Err(outcome.errors));
    }
    let counters = lab_request(backend, "GET", "/_lab/counters")?;
    let counters: serde_json::Value =
        serde_json::from_slice(&counters).context("the counters are not JSON").or_try(DOCTOR)?;
    let counter = |name: &str| counters[name].as_u64().unwrap_or_default();
    // More requests are correct, because a pool may resend a request.
    let answered = outcome.latencies.count();
    if counter("requests") < answered {
        let reached = counter("requests");
        let problem = format!("of {answered} requests only {reached} reached the backend");
        return Err(Failure::new(problem + ": another program answered", "cargo lab get /"));
    }
    Ok(Ok(Run {
        throughput: answered as f64 / outcome.elapsed.as_secs_f64(),
        elapsed: outcome.elapsed,
        proxy_cpu: after.zip(before).map(|(after, before)| after.saturating_sub(before)),
        generator_cpu: outcome.cpu,
        client_connections: outcome.connections,
        backend_connections: counter("accepted"),
        in_flight_max: counter("in_flight_max"),
        latencies: outcome.latencies,
        refused: outcome.refused,
    }))
}

fn start_backend(plan: &Plan, binaries: &BTreeMap<String, PathBuf>) -> Result<Process, Failure> {
    let load = &plan.load;
    let mut arguments: Vec<String> = ["--listen", "127.0.0.1:0", "--log", "warn"].map(str::to_owned).to_vec();
    let times = [
        ("--delay", Some(load.delay)),
        ("--accept-delay", Some(load.accept_delay)),
        ("--stall", load.stall),
        ("--stall-every", load.stall_every),
    ];
    for (flag, value) in times {
        if let Some(value) = value {
            arguments.extend([flag.to_owned(), value.to_string()]);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Process::stage(&binaries[BACKEND], &arguments).map_err(|error| start_failure(BACKEND, &error))
}

fn start(
    subject: &Subject,
    binaries: &BTreeMap<String, PathBuf>,
    backend: SocketAddr,
) -> Result<Process, Failure> {
    if let Program::Peer(peer) = subject.program {
        return start_peer(peer, backend);
    }
    let binary = &binaries[&subject.name];
    let backend = backend.to_string();
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--backend", &backend, "--log", "warn"];
    arguments.extend(subject.flags);
    // From part5 on there is a second port. `work` may be at any stage, so its `--help` decides.
    if run_to_end(binary, &["--help"]).is_ok_and(|help| help.stdout.contains("--rpc ")) {
        arguments.extend(["--rpc", "127.0.0.1:0"]);
    }
    Process::stage(binary, &arguments).map_err(|error| start_failure(&subject.name, &error))
}

fn start_peer(peer: Peer, backend: SocketAddr) -> Result<Process, Failure> {
    peer.start(backend, Settings::Fast).map_err(|error| {
        let problem = format!("{peer} could not start: {error}");
        Failure::environment(problem, format!("without --peer {peer}"))
    })
}

fn start_failure(name: &str, error: &StartError) -> Failure {
    Failure::new(format!("{name} could not start: {error}"), DOCTOR)
}

/// The direct response of the backend, which every proxy must return unchanged.
fn ask_backend(backend: SocketAddr, path: &str) -> Result<Expected, Failure> {
    let ask = || {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {backend}\r\nConnection: close\r\n\r\n");
        let response =
            Client::connect_with(backend, PATIENCE).and_then(|mut client| client.exchange(request));
        response.with_context(|| format!("the backend gives no valid response to GET {path}")).or_try(DOCTOR)
    };
    let (first, second) = (ask()?, ask()?);
    if !first.is_complete() || first.body != second.body {
        let problem = format!("the backend answers GET {path} differently each time");
        return Err(Failure::new(problem + ", so no response can be verified", "another --path"));
    }
    if first.status != 200 {
        let (status, reason) = (first.status, &first.reason);
        let reason = printable(reason);
        let problem =
            format!("the backend answers GET {path} with {status} {reason}, and only a 200 is measured");
        return Err(Failure::usage(problem, "--path /hello/you"));
    }
    Ok(Expected { status: first.status, body: first.body, or_refusal: false })
}

fn lab_request(backend: SocketAddr, method: &str, path: &str) -> Result<Vec<u8>, Failure> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {backend}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let response = Client::connect_with(backend, PATIENCE).and_then(|mut client| client.exchange(request));
    let response = response.context("the backend shows no counters").or_try(DOCTOR)?;
    if !(200..300).contains(&response.status) {
        let problem = format!("the backend answers {method} {path} with {}", response.status);
        return Err(Failure::new(problem, DOCTOR));
    }
    Ok(response.body)
}
