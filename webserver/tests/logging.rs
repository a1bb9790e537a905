//! The log: requests are answered while nothing reads it, and the polls of the live picture are not in it.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Far more than any answer needs.
const DEADLINE: Duration = Duration::from_secs(20);

/// Starts the backend. Returns it, with a pipe for its stderr, and its address.
fn start() -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
    command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env_remove("RUST_LOG").spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("webserver listening on http://").unwrap();
    (child, address.to_owned())
}

#[test]
fn requests_are_answered_while_stderr_is_not_read() {
    // Their lines are far more than a pipe holds.
    let (requests, path) = (50, format!("/hello/{}", "x".repeat(5000)));
    let (mut child, address) = start();
    let ask = || {
        let mut client = TcpStream::connect(&address)?;
        client.set_read_timeout(Some(DEADLINE))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: backend\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes())?;
        let mut response = String::new();
        client.read_to_string(&mut response)?;
        std::io::Result::Ok(response)
    };
    let answered = (0..requests).map_while(|_| ask().ok());
    let answered = answered.filter(|response| response.starts_with("HTTP/1.1 200 ")).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answered, requests);
}

#[test]
fn polls_of_the_live_picture_are_not_logged() {
    let (mut child, address) = start();
    let mut client = TcpStream::connect(&address).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    for path in ["/live.json", "/live", "/live.json", "/hello/x"] {
        write!(client, "GET {path} HTTP/1.1\r\nHost: backend\r\n\r\n").unwrap();
    }
    client.shutdown(std::net::Shutdown::Write).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    let requests: Vec<String> = log
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split_once("GET ")?.1.split(' ').next()?.to_owned()))
        .take(2)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(requests, ["/live", "/hello/x"]);
}
