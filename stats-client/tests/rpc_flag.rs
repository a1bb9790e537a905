//! The address of the RPC: the forms of `--rpc`, and a proxy that is restarted while `--watch` runs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use testkit::{Backend, PATIENCE, localhost, run_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_stats-client");

/// The response of an RPC that has counted this many bytes for one path.
fn answer(bytes: u64) -> String {
    let json = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"RequestBytes":{{"/a":{bytes}}}}}}}"#);
    let length = json.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}")
}

#[test]
fn the_url_of_the_ready_line_is_accepted() {
    let server = Backend::good(answer(7)).unwrap();
    let address = server.address();
    for rpc in [
        format!("http://{address}/rpc"),
        format!("http://{address}/"),
        format!("http://{address}"),
        format!("{address}/rpc"),
        address.to_string(),
    ] {
        let finished = run_to_end(BINARY, &["--rpc", &rpc]).unwrap();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), "         7 /a\n"), "{rpc}");
    }
    assert!(server.requests().iter().all(|request| request.head.start_line == "POST /rpc HTTP/1.1"));
    for rpc in [format!("http://{address}/other"), format!("https://{address}/rpc")] {
        let finished = run_to_end(BINARY, &["--rpc", &rpc]).unwrap();
        assert_eq!(finished.code, Some(2), "{rpc}");
        assert!(finished.stderr.contains("Try: --rpc 127.0.0.1:8079"), "{}", finished.stderr);
    }
}

#[test]
fn every_address_of_a_name_is_tried() {
    let Some(localhost) = localhost() else {
        return;
    };
    // If `localhost` is also `::1`, nothing listens on that address.
    let server = Backend::good(answer(7)).unwrap();
    let rpc = format!("{localhost}:{}", server.address().port());
    let finished = run_to_end(BINARY, &["--rpc", &rpc]).unwrap();
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(0), "         7 /a\n"),
        "{}",
        finished.stderr
    );
}

/// A child that is killed when this is dropped.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        // Both calls fail only if the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // The test may have ended.
            let _ = sender.send(line);
        }
    });
    lines
}

#[test]
fn watching_continues_after_a_restart_of_the_proxy() {
    let server = Backend::good(answer(7)).unwrap();
    let rpc = server.address().to_string();
    let mut command = Command::new(BINARY);
    command.args(["--rpc", &rpc, "--watch", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = Watch(command.spawn().unwrap());
    let stdout = lines(watch.0.stdout.take().unwrap());
    let stderr = lines(watch.0.stderr.take().unwrap());
    assert_eq!(stdout.recv_timeout(PATIENCE).unwrap(), "         7 /a");
    let port = server.stop();
    let failure = stderr.recv_timeout(PATIENCE).unwrap();
    assert!(failure.contains(&format!("no stats from {rpc}")), "{failure}");
    assert!(failure.ends_with("Asking again every 1 s"), "{failure}");
    let _restarted = Backend::good_at(port, answer(9)).unwrap();
    while stdout.recv_timeout(PATIENCE).unwrap() != "         9 /a" {}
}

#[test]
fn watching_ends_if_the_proxy_has_never_answered() {
    let port = Backend::good(answer(7)).unwrap().stop();
    let rpc = port.address().to_string();
    let finished = run_to_end(BINARY, &["--rpc", &rpc, "--watch", "1"]).unwrap();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains(&format!("Is part5 running on {rpc}?")), "{}", finished.stderr);
}
