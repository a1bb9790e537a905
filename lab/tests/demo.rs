//! `cargo lab demo`: the addresses of the live pages are printed first, with `--clients` the picture shows the load, what
//! follows `--` reaches the stage, and a port in use is named.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Client, run_to_end};

const LAB: &str = env!("CARGO_BIN_EXE_lab");
const BACKEND: &str = "127.0.0.1:8081";
/// All addresses that a demo may listen on.
const ADDRESSES: [&str; 5] =
    [BACKEND, "127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8080", "127.0.0.1:8079"];
/// Far more than the first requests take.
const DEADLINE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);

/// Held by each test that starts a demo: all demos need the same ports.
static PORTS: Mutex<()> = Mutex::new(());

/// Whether another program uses one of these addresses, so that the test is skipped.
fn is_skipped(addresses: &[&str]) -> bool {
    let used = addresses.iter().find(|address| !is_free(address));
    used.inspect(|address| println!("skipped: {address} is in use")).is_some()
}

fn is_free(address: &str) -> bool {
    TcpListener::bind(address).is_ok()
}

/// Starts a demo; returns it with its stdout up to its last line.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut command = Command::new(LAB);
    command.arg("demo").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = command.spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        text += &(line.unwrap() + "\n");
        if text.contains("Ctrl-C stops all programs.") {
            break;
        }
    }
    (demo, text)
}

/// Ends a demo. The programs that it started end with it.
fn end(mut demo: Child) {
    demo.kill().unwrap();
    demo.wait().unwrap();
    let start = Instant::now();
    while !is_free(BACKEND) {
        assert!(start.elapsed() < DEADLINE, "the backend was left behind");
        thread::sleep(TICK);
    }
}

/// Runs a demo until the picture has a request of each kind; returns its stdout up to there.
fn show(arguments: &[&str]) -> String {
    let (demo, text) = start(&[&["--clients", "4"], arguments].concat());
    let address: SocketAddr = BACKEND.parse().unwrap();
    let start = Instant::now();
    let json = loop {
        let response =
            Client::connect(address).unwrap().exchange("GET /live.json HTTP/1.1\r\nHost: lab\r\n\r\n");
        let json = response.unwrap().text();
        let is_seen =
            ["/delay/700", "/delay/1000", "/delay/1300", "\"POST\""].iter().all(|text| json.contains(text));
        if is_seen || start.elapsed() > DEADLINE {
            break json;
        }
        thread::sleep(TICK);
    };
    end(demo);
    assert!(start.elapsed() < DEADLINE, "not all requests are in {json}");
    text
}

#[test]
fn addresses_of_the_pages_come_first_and_the_load_is_in_the_picture() {
    let _ports = PORTS.lock().unwrap();
    if is_skipped(&ADDRESSES) {
        return;
    }
    let proxy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_proxy.py");
    let line = format!("python3 {} {{listen}} {{backend}}", proxy.display());
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    let backend = "What the backend sees, as a live picture: http://127.0.0.1:8081/live";
    let proxy = "The proxy at work, as a live page: http://127.0.0.1:8079/\n";
    let mut demos = vec![(vec!["2"], format!("{backend}\n"))];
    if python.is_ok_and(|status| status.success()) {
        demos.push((vec!["--cmd", &line], format!("{backend}\n")));
    }
    // A stage with a live page of its own.
    demos.push((vec!["7"], format!("{proxy}{backend}?with=")));
    for (arguments, first) in demos {
        let text = show(&arguments);
        assert!(text.starts_with(&first), "{text}");
        // What the stage can do is what there is to try.
        for flags in ["", " -- --latencies --queue", " -- --backends"] {
            let command = format!("\n  cargo run -q -p stats-client{flags}\n");
            assert_eq!(text.contains(&command), arguments == ["7"], "{text}");
        }
    }
}

#[test]
fn flags_after_two_dashes_reach_the_stage() {
    const RPC: &str = "127.0.0.1:8079";
    let _ports = PORTS.lock().unwrap();
    if is_skipped(&[BACKEND, "127.0.0.1:8082", "127.0.0.1:8083", RPC]) {
        return;
    }
    let flags = ["--listen", "127.0.0.1:0", "--max-in-flight", "8", "--queue", "4"];
    let (demo, text) = start(&[&["7", "--"], &flags[..]].concat());
    let address: SocketAddr = RPC.parse().unwrap();
    let state = Client::connect(address)
        .and_then(|mut client| client.exchange("GET /state.json HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    end(demo);
    let state = state.unwrap().text();
    assert!(state.contains(r#""MostInFlight":8"#) && state.contains(r#""MostWaiting":4"#), "{state}");
    // Not the default address, so the command to try names it.
    assert!(text.contains("  cargo lab get /hello/you --proxy 127.0.0.1:"), "{text}");
}

#[test]
fn flag_that_the_stage_rejects_ends_the_demo_with_the_words_of_the_stage() {
    let _ports = PORTS.lock().unwrap();
    if is_skipped(&[BACKEND, "127.0.0.1:8080"]) {
        return;
    }
    for (flags, words) in [
        (["--queue", "4"], "unexpected argument '--queue'"),
        // The demo has set it already.
        (["--log", "debug"], "'--log <LEVEL>' cannot be used multiple times"),
    ] {
        let output = Command::new(LAB).args(["demo", "2", "--"]).args(flags).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {stderr}");
        assert!(stderr.contains(words), "{flags:?}: {stderr}");
        assert!(stderr.contains("part2 rejects a flag") && stderr.contains("part2 -- --help"), "{stderr}");
    }
}

#[test]
fn another_proxy_takes_no_flags() {
    let finished = run_to_end(LAB, &["demo", "--cmd", "proxy {listen}", "--", "--queue", "4"]).unwrap();
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(finished.stderr.contains("cannot be used with"), "{}", finished.stderr);
}

#[test]
fn a_port_in_use_is_named_without_a_flag_that_a_demo_does_not_have() {
    let _ports = PORTS.lock().unwrap();
    // If it fails, another program has the port.
    let _taken = TcpListener::bind(BACKEND);
    let demo = Command::new(LAB).args(["demo", "2"]).output().unwrap();
    let said = String::from_utf8(demo.stderr).unwrap();
    assert_eq!(demo.status.code(), Some(3), "{said}");
    assert!(said.contains("error: the demo cannot listen on 127.0.0.1:8081: "), "{said}");
    assert!(
        said.contains("Try: stop the program that listens there") && !said.contains("--listen"),
        "{said}"
    );
}
