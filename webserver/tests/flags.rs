//! Number and address flags: their limits are accepted, and values beyond them are refused with a suggestion.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use support::Webserver;

/// Runs the server until it ends or prints its ready line, and ends it then.
fn run(flags: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
    let mut child = command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if !line.is_empty() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), line, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn numbers_and_addresses_beyond_their_limits_are_refused() {
    const DAY: &str = "from 0 to 86400000";
    const BEYOND: [&str; 4] = ["", "x", "18446744073709551615", "18446744073709551616"];
    let unknown = format!("{}:80", "a".repeat(300));
    let mut cases = vec![
        ("--listen=127.0.0.1:65536".to_owned(), 2, "Try: --listen 127.0.0.1:8090"),
        ("--listen=224.0.0.1:0".to_owned(), 2, "Try: --listen 127.0.0.1:8090"),
        (format!("--listen={unknown}"), 2, "cannot be resolved"),
        ("--listen=192.0.2.1:8081".to_owned(), 3, "--listen 127.0.0.1:8081"),
        ("--docroot=".to_owned(), 2, "--docroot"),
        ("--docroot=/no such folder".to_owned(), 2, "Try: an existing folder"),
        ("--idle-timeout=0".to_owned(), 2, "from 1 to 86400000"),
        ("--max-clients=0".to_owned(), 2, "from 1 to 1000000"),
        ("--stall-every=0".to_owned(), 2, "from 1 to 10000000"),
        ("--delay=86400001".to_owned(), 2, DAY),
    ];
    for (flag, range) in [
        ("--delay", DAY),
        ("--accept-delay", DAY),
        ("--stall", DAY),
        ("--stall-every", "from 1 to 10000000"),
        ("--idle-timeout", "from 1 to 86400000"),
        ("--max-clients", "from 1 to 1000000"),
    ] {
        cases.extend(BEYOND.map(|value| (format!("{flag}={value}"), 2, range)));
    }
    for (flag, code, words) in cases {
        let (code_seen, stdout, stderr) = run(&[&flag]);
        assert_eq!((code_seen, stdout.as_str()), (Some(code), ""), "{flag}: {stderr}");
        assert!(stderr.contains(words), "{flag}: {stderr}");
    }
}

#[test]
fn a_missing_folder_is_refused_whether_or_not_the_port_is_free() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--listen={}", held.local_addr().unwrap());
    let (code, _, stderr) = run(&[&listen, "--docroot=/no such folder"]);
    assert!(code == Some(2) && stderr.contains("Try: an existing folder"), "{stderr}");
}

#[test]
fn numbers_at_their_limits_are_accepted() {
    for (flags, is_answered) in [
        (["0", "0", "0", "1", "86400000", "1"], true),
        // It may close the connection before the request comes.
        (["0", "0", "0", "1", "1", "1"], false),
        (["0", "0", "86400000", "10000000", "86400000", "1000000"], true),
        (["86400000", "86400000", "86400000", "1", "86400000", "1000000"], false),
    ] {
        let names =
            ["--delay", "--accept-delay", "--stall", "--stall-every", "--idle-timeout", "--max-clients"];
        let flags: Vec<&str> = names.into_iter().zip(flags).flat_map(|(name, value)| [name, value]).collect();
        let server = Webserver::start(&flags);
        let mut client = server.connect();
        client.send(support::get("/hello/you"));
        if is_answered {
            assert_eq!(client.response().status(), 200, "{flags:?}");
        }
    }
}
