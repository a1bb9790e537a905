//! The binary with a scripted RPC server: its output and its exit code.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use testkit::{Backend, Finished, RefusedPort, run_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_stats-client");

/// A server whose stats have that many paths: `/1` has 10 bytes, `/2` has 20, and so on.
fn server(paths: usize) -> Backend {
    let rows: Vec<String> = (1..=paths).map(|number| format!("\"/{number}\":{}", number * 10)).collect();
    answering(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"RequestBytes":{{{}}}}}}}"#, rows.join(",")))
}

fn answering(json: &str) -> Backend {
    let length = json.len();
    Backend::good(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    ))
    .unwrap()
}

fn run(server: &Backend, flags: &[&str]) -> Finished {
    let rpc = server.address().to_string();
    run_to_end(BINARY, &[&["--rpc", rpc.as_str()], flags].concat()).unwrap()
}

#[test]
fn ten_paths_are_printed_in_descending_order_of_bytes() {
    // Named after the original, which panics with fewer than nine paths, and prints nine of ten.
    for (paths, lines) in [(1, 1), (9, 9), (10, 10), (11, 10), (100_000, 10)] {
        let finished = run(&server(paths), &[]);
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{paths} paths");
        let mut expected = String::new();
        for number in (1..=paths).rev().take(lines) {
            writeln!(expected, "{:10} /{number}", number * 10).unwrap();
        }
        assert_eq!(finished.stdout, expected, "{paths} paths");
    }
}

#[test]
fn an_empty_answer_is_printed_with_the_command_to_try() {
    let finished = run(&server(0), &[]);
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(0), "0 paths yet. Send a request: cargo lab get /\n")
    );
}

#[test]
fn top_limits_the_lines_and_json_prints_all() {
    let server = server(12);
    assert_eq!(run(&server, &["--top", "12"]).stdout.lines().count(), 12);
    assert_eq!(run(&server, &["--top", "0"]).stdout, "");
    let json = run(&server, &["--json", "--top", "1"]).stdout;
    assert!(json.starts_with(r#"{"RequestBytes":{"/1":10,"#) && json.ends_with("}}\n"), "{json}");
    assert_eq!(json.matches("\"/").count(), 12);
}

#[test]
fn the_call_is_a_json_rpc_post() {
    let server = server(1);
    run(&server, &[]);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].head.start_line, "POST /rpc HTTP/1.1");
    assert_eq!(requests[0].head.field("content-type"), Some("application/json"));
    let call = String::from_utf8(requests[0].body.clone()).unwrap();
    for part in [r#""jsonrpc":"2.0""#, r#""method":"RpcServer.GetStats""#, r#""id":1"#] {
        assert!(call.contains(part), "{call}");
    }
}

#[test]
fn a_refused_connection_asks_whether_the_stage_runs() {
    let port = RefusedPort::bind().unwrap();
    let rpc = port.address().unwrap().to_string();
    let finished = run_to_end(BINARY, &["--rpc", &rpc]).unwrap();
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
    assert!(finished.stderr.contains(&format!("Is part5 running on {rpc}?")), "{}", finished.stderr);
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
}

#[test]
fn an_error_response_and_an_invalid_response_are_distinguished() {
    for (server, words) in [
        (
            answering(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#),
            "refuses the call: Method not found (-32601). A stage without RpcServer.GetStats runs there",
        ),
        (answering("<html>"), "not JSON-RPC"),
        (answering("{}"), "neither a result nor an error"),
        (answering(r#"{"result":{"Other":1}}"#), "the result is not that of RpcServer.GetStats"),
        (
            Backend::good("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nno \x1b[").unwrap(),
            "answers 404: no \\u{1b}[",
        ),
        (Backend::closing("garbage\r\n\r\n").unwrap(), "does not speak HTTP"),
    ] {
        let finished = run(&server, &[]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{words}");
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
    }
}

#[test]
fn an_answer_over_64_mib_is_refused() {
    let server = answering(&" ".repeat(64 * 1024 * 1024 + 1));
    let finished = run(&server, &[]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("an answer of over 67108864 bytes"), "{}", finished.stderr);
}

#[test]
fn backends_are_printed_in_their_order_a_line_each() {
    let backend = |address: &str, state: &str, requests: u64, error: &str| {
        format!(
            r#"{{"Address":"{address}","State":"{state}","InFlight":2,"Requests":{requests},"Failures":3,"LastError":{error}}}"#
        )
    };
    let rows = [
        backend("127.0.0.1:8082", "up", 1234, "null"),
        backend("127.0.0.1:8081", "down", 5, r#""backend: it \u001b[2Jrefused\n""#),
    ];
    let server = answering(&format!(r#"{{"result":{{"Backends":[{}]}}}}"#, rows.join(",")));
    let finished = run(&server, &["--backends"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        finished.stdout,
        "state  in flight   requests   failures  backend\n\
         up             2       1234          3  127.0.0.1:8082\n\
         down           2          5          3  127.0.0.1:8081  (backend: it \\u{1b}[2Jrefused\\n)\n"
    );
    let json = run(&server, &["--backends", "--json"]).stdout;
    assert!(
        json.starts_with(r#"{"Backends":[{"Address":"127.0.0.1:8082","State":"up","InFlight":2,"#),
        "{json}"
    );
    let call = String::from_utf8(server.requests()[0].body.clone()).unwrap();
    assert!(call.contains(r#""method":"RpcServer.GetBackends""#), "{call}");
}

const LATENCIES: &str = r#"{"Requests":{"/b\u001b[2J":{"TotalBytes":1300,"RequestCount":100,"ResponseTotalMillis":2150.0,"ResponseFirstByteMillis":2100.0,"P50":21.5,"P90":24.25,"P99":270.0},"/a":{"TotalBytes":7,"RequestCount":0,"ResponseTotalMillis":0.0,"ResponseFirstByteMillis":0.0,"P50":0.0,"P90":0.0,"P99":0.0}}}"#;
const QUEUE: &str = r#"{"InFlight":8,"MostInFlight":8,"Waiting":4,"MostWaiting":4,"Refused":17}"#;

/// A server that returns [`LATENCIES`] for the first call, and [`QUEUE`] for the second.
fn server_of_both() -> Backend {
    let results = Mutex::new([LATENCIES, QUEUE].into_iter());
    Backend::script(move |connection| {
        connection.read_request()?;
        let result = results.lock().unwrap().next().unwrap();
        let json = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        connection.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len()))
    })
    .unwrap()
}

/// The methods that were called.
fn methods(server: &Backend) -> Vec<String> {
    let calls = server.requests().into_iter().map(|request| String::from_utf8(request.body).unwrap());
    calls
        .map(|call| call.split('"').find(|word| word.starts_with("RpcServer.")).unwrap().to_owned())
        .collect()
}

#[test]
fn latencies_are_printed_by_path_in_the_columns_of_the_original() {
    let server = answering(&format!(r#"{{"result":{LATENCIES}}}"#));
    let finished = run(&server, &["--latencies"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        finished.stdout,
        "   count     total bytes   avg bytes    avg ms first ms      p50      p90      p99  path\n\
         \x20      0               7           7      0.00     0.00     0.00     0.00     0.00  /a\n\
         \x20    100            1300          13     21.50    21.00    21.50    24.25   270.00  /b\\u{1b}[2J\n"
    );
    assert_eq!(methods(&server), ["RpcServer.GetRequestStats"]);
    let empty = run(&answering(r#"{"result":{"Requests":{}}}"#), &["--latencies"]);
    assert_eq!(empty.stdout, "0 paths yet. Send a request: cargo lab get /\n");
}

#[test]
fn queue_is_printed_in_words_with_its_bounds() {
    let server = answering(&format!(r#"{{"result":{QUEUE}}}"#));
    let finished = run(&server, &["--queue"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(finished.stdout, "8 of at most 8 in flight, 4 of at most 4 waiting, 17 refused\n");
    assert_eq!(methods(&server), ["RpcServer.GetQueue"]);
    let unbounded =
        r#"{"result":{"InFlight":3,"MostInFlight":null,"Waiting":0,"MostWaiting":100,"Refused":0}}"#;
    let finished = run(&answering(unbounded), &["--queue"]);
    assert_eq!(finished.stdout, "3 in flight, 0 of at most 100 waiting, 0 refused\n");
}

#[test]
fn latencies_and_queue_are_printed_together_and_as_a_line_of_json_each() {
    let server = server_of_both();
    let finished = run(&server, &["--queue", "--latencies"]);
    let (table, queue) = finished.stdout.split_once("\n\n").unwrap();
    assert!(table.starts_with("   count ") && queue.starts_with("8 of at most 8 "), "{}", finished.stdout);
    assert_eq!(methods(&server), ["RpcServer.GetRequestStats", "RpcServer.GetQueue"]);

    let json = run(&server_of_both(), &["--latencies", "--queue", "--json"]).stdout;
    let lines: Vec<&str> = json.lines().collect();
    assert_eq!(lines[1..], [QUEUE], "{json}");
    assert!(lines[0].starts_with(r#"{"Requests":{"/a":{"TotalBytes":7,"RequestCount":0,"#), "{json}");
    assert!(lines[0].contains(r#""/b\u001b[2J":{"#), "{json}");
}

#[test]
fn a_stage_without_latencies_or_a_queue_is_named_in_the_error() {
    for (flag, method) in [("--latencies", "RpcServer.GetRequestStats"), ("--queue", "RpcServer.GetQueue")] {
        let server =
            answering(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#);
        let finished = run(&server, &[flag]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{flag}");
        let words = format!("Method not found (-32601). A stage without {method} runs there");
        assert!(finished.stderr.contains(&words), "{flag}: {}", finished.stderr);
    }
}

#[test]
fn control_characters_of_a_path_are_escaped() {
    let server = answering(r#"{"result":{"RequestBytes":{"/\u001b[2J\n\u202e\u2066\u009b\u007f":1}}}"#);
    let shown = r"/\u{1b}[2J\n\u{202e}\u{2066}\u{9b}\u{7f}";
    assert_eq!(run(&server, &[]).stdout, format!("         1 {shown}\n"));
    // The same value in JSON.
    let json = r#"{"RequestBytes":{"/\u001b[2J\n\u202e\u2066\u009b\u007f":1}}"#;
    assert_eq!(run(&server, &["--json"]).stdout, format!("{json}\n"));
}

#[test]
fn control_characters_of_a_server_error_are_escaped() {
    for answer in [
        r#"{"error":{"code":1,"message":"\u001b[2J\n\u202e\u009b"}}"#,
        // A value that serde_json quotes in its error.
        r#"{"result":{"Backends":[{"Address":"a","State":"\u001b[2J\n\u202e\u009b","InFlight":0,"Requests":0,"Failures":0}]}}"#,
    ] {
        let finished = run(&answering(answer), &["--backends"]);
        assert_eq!(finished.code, Some(1));
        assert!(finished.stderr.contains(r"\u{1b}[2J\n\u{202e}\u{9b}"), "{}", finished.stderr);
        let line = finished.stderr.trim_end_matches('\n');
        assert!(
            !line.contains(|character: char| character.is_control() || character == '\u{202e}'),
            "{line:?}"
        );
    }
}

#[test]
fn a_closed_pipe_ends_the_client_without_an_error() {
    let server = server(100_000);
    let mut child = Command::new(BINARY)
        .args(["--rpc", &server.address().to_string(), "--top", "100000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "   1000000 /100000\n");
    // The reader was dropped, so the pipe is closed.
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn watching_into_a_pipe_prints_one_block_after_another() {
    let server = server(1);
    let mut child = Command::new(BINARY)
        .args(["--rpc", &server.address().to_string(), "--watch", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let read: Vec<String> = (0..3).map(|_| lines.next().unwrap().unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(read, ["        10 /1", "", "        10 /1"]);
}

#[test]
fn bad_flags_end_with_exit_code_2() {
    for flags in [["--rpc", "nonsense"], ["--watch", "0"], ["--top", "x"], ["--unknown", "x"]] {
        assert_eq!(run_to_end(BINARY, &flags).unwrap().code, Some(2), "{flags:?}");
    }
}
