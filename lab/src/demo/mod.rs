//! `cargo lab demo`: a stage in front of one or three demo backends, and what to try next.

mod subject;

use std::path::Path;
use std::process::{self, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use course::Ability;
use stage::{Failure, parse_number, printable};
use testkit::text::counted;
use testkit::{Client, MAX_STAGE, Process, Profile, StartError, stop};

use self::subject::Subject;
use crate::clients::{Clients, MAX_CLIENTS};
use crate::get;
use crate::places::{DOCTOR, Places, binary};

#[derive(clap::Args)]
pub struct Demo {
    /// The number of the stage, or `work` [default: the newest stage]
    #[arg(value_name = "N", value_parser = parse_stage)]
    stage: Option<Stage>,

    /// Clients that send slow requests, for the live picture
    #[arg(long, value_name = "NUMBER", value_parser = parse_number::<u32, 1, MAX_CLIENTS>)]
    clients: Option<u32>,

    /// Another proxy: its command, with {listen}, {backend}
    #[arg(long, value_name = "COMMAND", conflicts_with = "stage")]
    cmd: Option<String>,

    /// Flags of the stage, after `--`
    #[arg(value_name = "FLAG", last = true, conflicts_with = "cmd")]
    flags: Vec<String>,
}

#[derive(Clone, Copy)]
enum Stage {
    Number(u32),
    /// The attendee's crate.
    Work,
}

const BACKEND: &str = "webserver";
const WORK: &str = "work";
/// The addresses of the backends: a stage with several backends uses all, other stages the first.
const BACKENDS_LISTEN: [&str; 3] = ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083"];

/// Longer than the 10 s that a stage may take to drain its clients.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);
/// The polling interval for the children.
const TICK: Duration = Duration::from_millis(100);

/// A program of the demo.
struct Started {
    name: String,
    process: Process,
}

pub fn run(demo: &Demo) -> Result<(), Failure> {
    let places = Places::find()?;
    let subject = Subject::choose(&places, demo)?;
    subject.need_ports(&demo.flags)?;
    let packages: Vec<&str> = [BACKEND].into_iter().chain(subject.package()).collect();
    let binaries = places.build(Profile::Own, &packages)?;
    let stop = stop::listen();

    let listens = subject.backends();
    // The lines of a load would hide all others, and the picture shows its requests.
    let log = if demo.clients.is_some() { "warn" } else { "info" };
    let mut programs = Vec::new();
    for listen in listens {
        let name = if listens.len() == 1 { BACKEND.to_owned() } else { format!("{BACKEND} {listen}") };
        programs.push(start(binary(&binaries, BACKEND)?, name, &["--listen", listen, "--log", log])?);
    }
    let list = listens.join(",");
    let proxy = match &subject {
        Subject::Command(line) => start_command(line, &list)?,
        Subject::Package { name, .. } => {
            let mut arguments = vec!["--backend", &list, "--log", log];
            arguments.extend(demo.flags.iter().map(String::as_str));
            start(binary(&binaries, name)?, name.clone(), &arguments)?
        }
    };
    if let Some(page) = subject.page(&proxy.process) {
        println!("The proxy at work, as a live page: {page}");
    }
    let with = if listens.len() == 1 { String::new() } else { format!("?with={list}") };
    println!("What the backend sees, as a live picture: http://{}/live{with}", listens[0]);
    let address = proxy.process.address();
    for path in ["/hello/world", "/"] {
        match show(&proxy, path, &subject) {
            // The proxy may be unfinished, and the live page shows where it fails.
            Err(failure) if subject.may_be_unfinished() => eprintln!("{failure}"),
            shown => shown?,
        }
    }
    let clients = demo.clients.map(|count| Clients::start(count, address));
    println!("Open http://{address}/ in a browser, or in a second terminal try:");
    let proxy_flag = match address.to_string() {
        default if default == get::DEFAULT_PROXY => String::new(),
        other => format!(" --proxy {other}"),
    };
    println!("  cargo lab get /hello/you{proxy_flag}");
    if subject.can(Ability::Rpc) {
        println!("  cargo run -q -p stats-client");
    }
    if subject.can(Ability::Queue) {
        println!("  cargo run -q -p stats-client -- --latencies --queue");
    }
    if listens.len() > 1 {
        println!("  cargo run -q -p stats-client -- --backends");
        let numbers: Vec<String> = programs.iter().map(|program| program.process.id().to_string()).collect();
        println!(
            "To see a failover, kill one of the backends (processes {}) and run this again.",
            numbers.join(", ")
        );
    }
    println!("Ctrl-C stops all programs.");

    programs.insert(0, proxy);
    wait(&mut programs, &stop)?;
    drop(clients);
    stop_all(&mut programs, &stop)?;
    process::exit(stop::EXIT_CODE)
}

/// `work`, or a number as every command takes it.
fn parse_stage(text: &str) -> Result<Stage, String> {
    match text {
        WORK => Ok(Stage::Work),
        _ => parse_number::<u32, 0, MAX_STAGE>(text).map(Stage::Number),
    }
}

/// Starts a foreign proxy.
fn start_command(line: &str, backend: &str) -> Result<Started, Failure> {
    let name = "the command".to_owned();
    let process = Process::foreign(line, backend).map_err(|error| start_failure(&name, &error))?;
    Ok(Started { name, process })
}

/// Starts a binary. `name` is its name in messages.
fn start(binary: &Path, name: String, arguments: &[&str]) -> Result<Started, Failure> {
    let mut command = Command::new(binary);
    command.args(arguments);
    let prefix = name.clone();
    let started = Process::start(command, move |line| eprintln!("[{prefix}] {line}"));
    let process = started.map_err(|error| start_failure(&name, &error))?;
    Ok(Started { name, process })
}

/// The child's own message is already shown. Its exit codes for an environment failure and a wrong flag are kept.
fn start_failure(name: &str, error: &StartError) -> Failure {
    match error.exit_code {
        Some(3) => Failure::environment(format!("{name} could not start"), "do what its message above says"),
        Some(2) => Failure::usage(
            format!("{name} rejects a flag, see its message above"),
            format!("cargo run -q -p {name} -- --help"),
        ),
        Some(code) => Failure::new(format!("{name} could not start (exit code {code}): {error}"), DOCTOR),
        None => Failure::new(format!("{name} could not start: {error}"), DOCTOR),
    }
}

/// Sends a request and shows the beginning of the response.
fn show(proxy: &Started, path: &str, subject: &Subject) -> Result<(), Failure> {
    const SHOWN_FIELDS: [&str; 5] = ["Content-Type", "Content-Length", "Transfer-Encoding", "Via", "X-Bytes"];
    const SHOWN_LINES: usize = 5;

    println!("GET {path}");
    let failed = |why: String| {
        Failure::new(format!("GET {path} through {} failed: {why}", proxy.name), subject.advice())
    };
    let address = proxy.process.address();
    let request = get::request(path, &address.to_string())?;
    let response = Client::connect(address).and_then(|mut client| client.exchange(request));
    let response = response.map_err(|error| failed(error.to_string()))?;
    println!("  {}", printable(&response.head.start_line));
    if response.status != 200 {
        let text = response.text();
        let first_line = printable(text.lines().next().unwrap_or_default());
        return Err(failed(format!("the status is not 200: {first_line}")));
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
        println!("  ... {} in all", counted(response.body.len(), "byte"));
    }
    println!();
    Ok(())
}

/// Waits for Ctrl-C. One of several backends may end before, to demonstrate the failover.
fn wait(programs: &mut Vec<Started>, stop: &Receiver<()>) -> Result<(), Failure> {
    let is_only_backend = programs.len() == 2;
    while stop.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let ended = programs.iter_mut().position(|program| !program.process.is_running());
        let Some(index) = ended else {
            continue;
        };
        let mut program = programs.remove(index);
        if index == 0 || is_only_backend {
            let status =
                program.process.exit_status().map(|status| format!(" ({status})")).unwrap_or_default();
            let last_line = program.process.last_line();
            let problem = format!(
                "{} has ended{status}, so all programs were stopped. Its last line: {last_line}",
                program.name
            );
            return Err(Failure::new(problem, "cargo lab demo"));
        }
        let listen = program.process.address();
        eprintln!("{} has ended. To start it again, type in another terminal:", program.name);
        eprintln!("  cargo run -q -p {BACKEND} -- --listen {listen}");
    }
    Ok(())
}

/// Asks all children to stop, the proxy first, and waits until they end. A second Ctrl-C ends the wait.
fn stop_all(programs: &mut [Started], stop: &Receiver<()>) -> Result<(), Failure> {
    for program in &mut *programs {
        // Fails if the child has just ended, which is the goal.
        let _ = program.process.terminate();
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    while programs.iter_mut().any(|program| program.process.is_running()) {
        if Instant::now() > deadline {
            return Err(Failure::new("some programs did not stop in time and were killed", DOCTOR));
        }
        if stop.recv_timeout(TICK).is_ok() {
            println!("The programs that were still running were killed.");
            return Ok(());
        }
    }
    println!("All programs have stopped.");
    Ok(())
}
