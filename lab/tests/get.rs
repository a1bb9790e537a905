//! `cargo lab get` as a command: what goes to stdout, what to stderr, and the exit code.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use testkit::{Backend, Finished, RefusedPort, localhost, run_to_end};

const LAB: &str = env!("CARGO_BIN_EXE_lab");
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn get(backend: &Backend, path: &str) -> Finished {
    run_to_end(LAB, &["get", path, "--proxy", &backend.address().to_string()]).unwrap()
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
            "error: the status is 404 Not Found. Try: read the body, or the log of the proxy\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nno\n",
            "error: the body was cut short after 3 bytes. Try: read the log of the proxy\n",
        ),
    ] {
        let finished = get(&Backend::closing(response).unwrap(), "/");
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), "no\n"));
        assert!(finished.stderr.ends_with(message), "{}", finished.stderr);
    }
}

#[test]
fn a_connection_that_closes_without_a_response_is_not_left_to_the_log_alone() {
    let backend = Backend::script(|connection| connection.read_request().map(drop)).unwrap();
    let finished = get(&backend, "/");
    assert_eq!(finished.code, Some(1));
    let said = format!(
        "error: {} took the request, and closed the connection without any byte of a response. Try: ",
        backend.address()
    );
    assert!(finished.stderr.starts_with(&said), "{}", finished.stderr);
    assert!(finished.stderr.contains("cargo lab check says where"), "{}", finished.stderr);
}

#[test]
fn control_characters_of_the_head_are_escaped_and_a_piped_body_is_unchanged() {
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
fn a_refused_connection_names_the_command_that_starts_a_stage() {
    let port = RefusedPort::bind().unwrap();
    let address = port.address().unwrap().to_string();
    let finished = run_to_end(LAB, &["get", "/", "--proxy", &address]).unwrap();
    assert_eq!(finished.code, Some(1));
    let message =
        format!("error: nothing listens on {address}. Try: cargo run -p part1 -- --listen {address}\n");
    assert_eq!(finished.stderr, message);
}

#[test]
fn the_proxy_may_be_the_url_of_the_ready_line() {
    let backend = Backend::good(HELLO).unwrap();
    let address = backend.address();
    for proxy in [format!("http://{address}"), format!("http://{address}/"), address.to_string()] {
        let finished = run_to_end(LAB, &["get", "/a", "--proxy", &proxy]).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "hello"), "{}", finished.stderr);
    }
    for request in backend.requests() {
        assert_eq!(request.head.start_line, "GET /a HTTP/1.1");
        assert_eq!(request.head.field("host"), Some(address.to_string().as_str()));
    }
}

#[test]
fn a_url_is_the_server_and_the_path() {
    let backend = Backend::good(HELLO).unwrap();
    let (address, port) = (backend.address(), backend.address().port());
    let mut urls = vec![
        (format!("http://{address}/a?b=http://c"), "/a?b=http://c"),
        (format!("HTTP://{address}"), "/"),
        (format!("http://{address}?b#c"), "/?b"),
    ];
    urls.extend(localhost().map(|name| (format!("http://{name}:{port}/a#c"), "/a")));
    for (url, target) in urls {
        let finished = run_to_end(LAB, &["get", &url]).unwrap();
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(0), "hello"),
            "{url}: {}",
            finished.stderr
        );
        let last = backend.requests().pop().unwrap();
        assert_eq!(last.head.start_line, format!("GET {target} HTTP/1.1"), "{url}");
        let host = if url.contains("localhost") { format!("localhost:{port}") } else { address.to_string() };
        assert_eq!(last.head.field("host"), Some(host.as_str()), "{url}");
    }
    // A path may contain a URL.
    let finished = get(&backend, "/to?b=http://c/d");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(backend.requests().pop().unwrap().head.start_line, "GET /to?b=http://c/d HTTP/1.1");
}

#[test]
fn an_unusable_server_address_ends_with_exit_code_2_and_a_suggestion() {
    let unknown = format!("{}:80", "a".repeat(300));
    for (arguments, words) in [
        (&["https://127.0.0.1/a"][..], "https:// is not spoken here, only http://. Try: "),
        (&["http://127.0.0.1:0/a"], "port 0. Try: cargo lab get http://127.0.0.1:8080/"),
        (&["http://127.0.0.1:65536/a"], "Try: cargo lab get http://127.0.0.1:8080/"),
        (&["http:///a"], "Try: cargo lab get http://127.0.0.1:8080/"),
        (&["http://user@127.0.0.1:80/a"], "Try: cargo lab get http://127.0.0.1:8080/"),
        (&["http://127.0.0.1:80/a", "--proxy", "127.0.0.1:8090"], "/you --proxy 127.0.0.1:8090"),
        (&["/a", "--proxy", "127.0.0.1:0"], "port 0. Try: --proxy 127.0.0.1:8080"),
        (&["/a", "--proxy", "http://127.0.0.1:8080/a"], "Try: --proxy 127.0.0.1:8080"),
        (&["/a", "--proxy", &unknown], "cannot be resolved"),
    ] {
        let finished = run_to_end(LAB, &[&["get"], arguments].concat()).unwrap();
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {}", finished.stderr);
    }
}

#[test]
fn an_invalid_path_or_address_ends_with_exit_code_2() {
    let backend = Backend::silent().unwrap();
    assert_eq!(get(&backend, "/a b").code, Some(2));
    assert_eq!(get(&backend, "/\r\nA: b").code, Some(2));
    let finished = run_to_end(LAB, &["get", "/", "--proxy", "nonsense"]).unwrap();
    assert_eq!(finished.code, Some(2));
    assert_eq!(backend.accepted(), 0);
}
