//! `cargo lab demo --clients`: the addresses of the live pages are printed first, and the picture shows the load.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::Client;

const BACKEND: &str = "127.0.0.1:8081";
/// All addresses that a demo may listen on.
const ADDRESSES: [&str; 5] =
    [BACKEND, "127.0.0.1:8082", "127.0.0.1:8083", "127.0.0.1:8080", "127.0.0.1:8079"];
/// Far more than the first requests take.
const DEADLINE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);

fn is_free(address: &str) -> bool {
    TcpListener::bind(address).is_ok()
}

/// Runs a demo until the picture has a request of each kind; returns its stdout up to there.
fn show(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["demo", "--clients", "4"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = command.spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        text += &(line.unwrap() + "\n");
        if text.contains("Ctrl-C stops all programs.") {
            break;
        }
    }
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
    // The programs that it started end with it.
    demo.kill().unwrap();
    demo.wait().unwrap();
    while !is_free(BACKEND) {
        assert!(start.elapsed() < 2 * DEADLINE, "the backend was left behind");
        thread::sleep(TICK);
    }
    assert!(start.elapsed() < DEADLINE, "not all requests are in {json}");
    text
}

#[test]
fn addresses_of_the_pages_come_first_and_the_load_is_in_the_picture() {
    if let Some(address) = ADDRESSES.into_iter().find(|address| !is_free(address)) {
        println!("skipped: {address} is in use");
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
    }
}
