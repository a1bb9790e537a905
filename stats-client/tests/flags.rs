//! Number and address flags: their limits are accepted, and values beyond them are refused with a suggestion.

use testkit::{Backend, Process, run_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_stats-client");

#[test]
fn numbers_and_addresses_beyond_their_limits_are_refused() {
    let unknown = format!("{}:80", "a".repeat(300));
    for (flag, value, words) in [
        ("--top", "-0.5", "from 0 to 1000000"),
        ("--top", "", "from 0 to 1000000"),
        ("--top", "1000001", "from 0 to 1000000"),
        ("--top", "18446744073709551615", "from 0 to 1000000"),
        ("--top", "18446744073709551616", "from 0 to 1000000"),
        ("--watch", "0", "from 1 to 86400"),
        ("--watch", "86401", "from 1 to 86400"),
        ("--watch", "18446744073709551616", "from 1 to 86400"),
        ("--rpc", "127.0.0.1:0", "port 0. Try: --rpc 127.0.0.1:8079"),
        ("--rpc", "127.0.0.1:65536", "Try: --rpc 127.0.0.1:8079"),
        ("--rpc", &unknown, "cannot be resolved"),
    ] {
        let finished = run_to_end(BINARY, &[&format!("{flag}={value}")]).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{flag} {value}");
        let stderr = finished.stderr;
        assert!(stderr.contains(flag) && stderr.contains(words), "{flag} {value}: {stderr}");
    }
}

#[test]
fn top_conflicts_with_everything_but_the_paths() {
    for flag in ["--backends", "--latencies", "--queue"] {
        let finished = run_to_end(BINARY, &[flag, "--top", "5"]).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{flag}");
        assert!(finished.stderr.contains("cannot be used with") && finished.stderr.contains(flag), "{flag}");
    }
}

#[test]
fn numbers_at_their_limits_are_accepted() {
    let json = r#"{"result":{"RequestBytes":{"/a":1}}}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", json.len());
    let server = Backend::good(head + json).unwrap();
    let rpc = server.address().to_string();
    for (top, lines) in [("0", 0), ("1", 1), ("1000000", 1)] {
        let finished = run_to_end(BINARY, &["--rpc", &rpc, "--top", top]).unwrap();
        assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), lines), "{top}");
    }
    let mut command = std::process::Command::new(BINARY);
    command.args(["--rpc", &rpc, "--watch", "86400"]);
    // The first line is the first answer. After it, the client waits for the second.
    let started = Process::start(command, |_| ());
    let message = started.err().unwrap().message;
    assert!(message.contains("1 /a"), "{message}");
}
