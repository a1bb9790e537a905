//! `cargo lab demo`: a stage in front of one or three demo backends, and what to try next.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{self, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use course::Ability;
use stage::{Failure, parse_number, printable};
use testkit::{Client, MAX_STAGE, Process, Profile, StartError, Workspace, stop};

use crate::get;
use crate::places::{DOCTOR, Places, binary};

#[derive(clap::Args)]
pub struct Demo {
    /// The number of the stage; without it, the highest that there is
    #[arg(value_name = "N", value_parser = parse_number::<u32, 0, MAX_STAGE>)]
    number: Option<u32>,
}

const BACKEND: &str = "webserver";
/// The addresses of the backends: a stage with several backends uses all, other stages the first.
const BACKENDS_LISTEN: [&str; 3] = ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083"];

/// Longer than the 10 s that a stage may take to drain its clients.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);
/// The polling interval for the children.
const TICK: Duration = Duration::from_millis(100);

/// A child process.
struct Part {
    name: String,
    process: Process,
}

pub fn run(demo: &Demo) -> Result<(), Failure> {
    let places = Places::find()?;
    let number = choose_stage(&places.workspace, demo.number)?;
    let stage = format!("part{number}");
    let binaries = places.build(Profile::Own, &[BACKEND, &stage])?;
    let (backend, proxy) = (binary(&binaries, BACKEND)?, binary(&binaries, &stage)?);
    let stop = stop::listen();

    let takes_several = course::find(number).is_some_and(|stage| stage.can(Ability::SeveralBackends));
    let listens = if takes_several { &BACKENDS_LISTEN[..] } else { &BACKENDS_LISTEN[..1] };
    let mut parts = Vec::new();
    for listen in listens {
        let name = if listens.len() == 1 { BACKEND.to_owned() } else { format!("{BACKEND} {listen}") };
        parts.push(start(backend, name, &["--listen", listen])?);
    }
    let proxy = start(proxy, stage.clone(), &["--backend", &listens.join(",")])?;
    let address = proxy.process.address();
    for path in ["/hello/world", "/"] {
        show(address, path, &stage)?;
    }
    println!("Open http://{address}/ in a browser, or in a second terminal try:");
    println!("  cargo lab get /hello/you");
    if listens.len() > 1 {
        println!("  cargo run -q -p stats-client -- --backends");
        let numbers: Vec<String> = parts.iter().map(|part| part.process.id().to_string()).collect();
        println!(
            "End a backend without warning, and look again. Their processes are {}.",
            numbers.join(", ")
        );
    }
    println!("Ctrl-C stops all.");

    parts.insert(0, proxy);
    wait(&mut parts, &stop)?;
    stop_all(&mut parts, &stop)?;
    process::exit(stop::EXIT_CODE)
}

/// The given number if such a stage exists, or the highest number.
fn choose_stage(workspace: &Workspace, number: Option<u32>) -> Result<u32, Failure> {
    let known = workspace.stages();
    let none = || Failure::new("there is no stage in the workspace", DOCTOR);
    let highest = *known.last().ok_or_else(none)?;
    match number {
        None => Ok(highest),
        Some(number) if known.contains(&number) => Ok(number),
        Some(number) => {
            let problem = format!("there is no part{number}, the highest is part{highest}");
            Err(Failure::usage(problem, format!("cargo lab demo {highest}")))
        }
    }
}

/// Starts a binary. `name` is its name in messages.
fn start(binary: &Path, name: String, arguments: &[&str]) -> Result<Part, Failure> {
    let mut command = Command::new(binary);
    command.args(arguments);
    let prefix = name.clone();
    let started = Process::start(command, move |line| eprintln!("[{prefix}] {line}"));
    let process = started.map_err(|error| start_failure(&name, &error))?;
    Ok(Part { name, process })
}

/// The child's own message is already shown. Its exit code for an environment failure is kept.
fn start_failure(name: &str, error: &StartError) -> Failure {
    match error.exit_code {
        Some(3) => Failure::environment(format!("{name} could not start"), "what its message above says"),
        Some(code) => Failure::new(format!("{name} could not start (exit code {code}): {error}"), DOCTOR),
        None => Failure::new(format!("{name} could not start: {error}"), DOCTOR),
    }
}

/// Sends a request through a stage and shows the beginning of the response.
fn show(proxy: SocketAddr, path: &str, stage: &str) -> Result<(), Failure> {
    const SHOWN_FIELDS: [&str; 5] = ["Content-Type", "Content-Length", "Transfer-Encoding", "Via", "X-Bytes"];
    const SHOWN_LINES: usize = 5;

    println!("GET {path}");
    let failed = |why: String| Failure::new(format!("GET {path} through {stage} failed: {why}"), DOCTOR);
    let request = get::request(path, &proxy.to_string())?;
    let response = Client::connect(proxy).and_then(|mut client| client.exchange(request));
    let response = response.map_err(|error| failed(error.to_string()))?;
    println!("  {}", printable(&response.head.start_line));
    if response.status != 200 {
        let text = response.text();
        let first_line = printable(text.lines().next().unwrap_or_default());
        return Err(failed(format!("that is no 200: {first_line}")));
    }
    for name in SHOWN_FIELDS {
        if let Some(value) = response.field(name) {
            println!("  {name}: {}", printable(value));
        }
    }
    println!();
    let text = response.text();
    for line in text.lines().take(SHOWN_LINES) {
        println!("  {}", printable(line));
    }
    if text.lines().count() > SHOWN_LINES {
        println!("  ... {} bytes in all", response.body.len());
    }
    println!();
    Ok(())
}

/// Waits for Ctrl-C. One of several backends may end before, to demonstrate the failover.
fn wait(parts: &mut Vec<Part>, stop: &Receiver<()>) -> Result<(), Failure> {
    let is_only_backend = parts.len() == 2;
    while stop.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let ended = parts.iter_mut().position(|part| !part.process.is_running());
        let Some(index) = ended else {
            continue;
        };
        let mut part = parts.remove(index);
        if index == 0 || is_only_backend {
            let status = part.process.exit_status().map(|status| format!(" ({status})")).unwrap_or_default();
            let last_line = part.process.last_line();
            let problem =
                format!("{} has ended{status}, all are stopped. Its last line: {last_line}", part.name);
            return Err(Failure::new(problem, "cargo lab demo"));
        }
        let listen = part.process.address();
        eprintln!("{} has ended. In another terminal it can be started again:", part.name);
        eprintln!("  cargo run -q -p {BACKEND} -- --listen {listen}");
    }
    Ok(())
}

/// Asks all children to stop, the proxy first, and waits until they end. A second Ctrl-C ends the wait.
fn stop_all(parts: &mut [Part], stop: &Receiver<()>) -> Result<(), Failure> {
    for part in &mut *parts {
        // Fails if the child has just ended, which is the goal.
        let _ = part.process.terminate();
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    while parts.iter_mut().any(|part| part.process.is_running()) {
        if Instant::now() > deadline {
            return Err(Failure::new("not all stopped in time, so they were ended", DOCTOR));
        }
        if stop.recv_timeout(TICK).is_ok() {
            println!("Those that were still running are ended.");
            return Ok(());
        }
    }
    println!("All are stopped.");
    Ok(())
}
