//! `cargo lab get` as a command: what goes to stdout, what to stderr, and the exit code.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

use lab::{Backend, Finished, RefusedPort, run_to_end};

fn get(backend: &Backend, path: &str) -> Finished {
    run_to_end(env!("CARGO_BIN_EXE_lab"), &["get", path, "--proxy", &backend.address().to_string()]).unwrap()
}

#[test]
fn the_body_goes_to_stdout_and_the_rest_to_stderr() {
    let backend = Backend::good("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Bytes: 7\r\n\r\nhello\n").unwrap();
    for path in ["/a?b", "a?b"] {
        let finished = get(&backend, path);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "hello\n"));
        assert!(finished.stderr.starts_with("200 OK 6 bytes "), "{}", finished.stderr);
        assert!(finished.stderr.contains("X-Bytes: 7\n"), "{}", finished.stderr);
    }
    assert!(backend.requests().iter().all(|request| request.head.start_line == "GET /a?b HTTP/1.1"));
}

#[test]
fn a_bad_status_or_a_cut_body_ends_with_exit_code_1() {
    for (response, message) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
            "error: the status is 404 Not Found. Try: its body, which says why, or the log of the proxy\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nno\n",
            "error: the body was cut short after 3 bytes. Try: the log of the proxy, which says why\n",
        ),
    ] {
        let finished = get(&Backend::closing(response).unwrap(), "/");
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), "no\n"));
        assert!(finished.stderr.ends_with(message), "{}", finished.stderr);
    }
}

#[test]
fn what_a_terminal_would_act_on_is_shown_and_the_body_in_a_pipe_is_untouched() {
    let head =
        "HTTP/1.1 404 No\u{9b}2J\u{202e}\r\nContent-Length: 5\r\nX-Name: \t\u{9b}1m\u{2066}a\tb\r\n\r\n";
    let body = "\u{1b}[2J\n";
    let finished = get(&Backend::good(head.to_owned() + body).unwrap(), "/");
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), body));
    assert!(finished.stderr.starts_with(r"404 No\u{9b}2J\u{202e} 5 bytes "), "{}", finished.stderr);
    assert!(finished.stderr.contains("X-Name: \\u{9b}1m\\u{2066}a\\tb\n"), "{}", finished.stderr);
    assert!(finished.stderr.contains(r"the status is 404 No\u{9b}2J\u{202e}. Try: "), "{}", finished.stderr);
}

#[test]
fn where_nothing_listens_it_says_what_to_start() {
    let port = RefusedPort::bind().unwrap();
    let address = port.address().unwrap().to_string();
    let finished = run_to_end(env!("CARGO_BIN_EXE_lab"), &["get", "/", "--proxy", &address]).unwrap();
    assert_eq!(finished.code, Some(1));
    let message =
        format!("error: nothing listens on {address}. Try: cargo run -p part1 -- --listen {address}\n");
    assert_eq!(finished.stderr, message);
}

#[test]
fn a_path_or_an_address_that_is_none_ends_with_exit_code_2() {
    let backend = Backend::silent().unwrap();
    assert_eq!(get(&backend, "/a b").code, Some(2));
    assert_eq!(get(&backend, "/\r\nA: b").code, Some(2));
    let finished = run_to_end(env!("CARGO_BIN_EXE_lab"), &["get", "/", "--proxy", "nonsense"]).unwrap();
    assert_eq!(finished.code, Some(2));
    assert_eq!(backend.accepted(), 0);
}
