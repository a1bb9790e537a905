//! What each stage promises: it holds on the stage, and does not hold on the stage before.
//!
//! The binaries are those of this build. The suite (`tools/conformance/suite`) says more; this says that its promises are new.

#![allow(clippy::unwrap_used)] // A test may fail.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use testkit::{Backend, Client, Process, RefusedPort};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// The binary of a stage, built if it is not there.
fn binary(stage: u32) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        build.args([
            "build",
            "--quiet",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"),
        ]);
        for stage in 1..=6 {
            build.args(["-p", &format!("part{stage}")]);
        }
        assert!(build.status().unwrap().success());
    });
    // This test lies in `deps`, beside the binaries.
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    folder.join(format!("part{stage}{}", std::env::consts::EXE_SUFFIX))
}

/// Starts a stage before a backend; `None` if it does not know the flags.
fn start(stage: u32, backend: &Backend, flags: &[&str]) -> Option<Process> {
    let backend = backend.address().to_string();
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--backend", &backend];
    arguments.extend(flags);
    if stage >= 5 && !flags.contains(&"--rpc") {
        arguments.extend(["--rpc", "127.0.0.1:0"]);
    }
    Process::stage(binary(stage), &arguments).ok()
}

#[track_caller]
fn holds_from(stage: u32, promise: impl Fn(u32) -> bool) {
    assert!(promise(stage), "part{stage} breaks its promise");
    assert!(!promise(stage - 1), "part{} keeps the promise of part{stage} already", stage - 1);
}

/// 400 requests by 8 clients, on kept connections where the stage keeps them; the values of `X-Bytes`.
fn load(proxy: &Process) -> Vec<Option<u64>> {
    let address = proxy.address();
    let client = move || {
        let mut client = Client::connect(address).unwrap();
        (0..50)
            .map(|_| {
                let response = client.exchange(GET).unwrap();
                response.field("x-bytes").map(|value| value.parse().unwrap())
            })
            .collect::<Vec<_>>()
    };
    let clients: Vec<_> = (0..8).map(|_| std::thread::spawn(client)).collect();
    clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
}

#[test]
fn part2_serves_others_while_a_client_is_slow() {
    holds_from(2, |stage| {
        let backend = Backend::slow(HELLO).unwrap();
        let proxy = start(stage, &backend, &[]).unwrap();
        let mut clients: Vec<_> = (0..2).map(|_| Client::connect(proxy.address()).unwrap()).collect();
        for client in &mut clients {
            client.send(GET).unwrap();
        }
        backend.wait_for_requests(1).unwrap();
        // A serial proxy has the second client wait, however long one looks.
        let both = backend.wait_for_requests_within(2, std::time::Duration::from_millis(500)).is_ok();
        backend.release(2);
        both
    });
}

#[test]
fn part3_counts_every_byte_of_a_path_once() {
    holds_from(3, |stage| {
        let backend = Backend::good(HELLO).unwrap();
        let proxy = start(stage, &backend, &[]).unwrap();
        let seen: BTreeSet<Option<u64>> = load(&proxy).into_iter().collect();
        seen == (1..=400).map(|count| Some(count * 5)).collect()
    });
}

#[test]
fn part4_reuses_connections_to_the_backend() {
    holds_from(4, |stage| {
        let backend = Backend::good(HELLO).unwrap();
        let proxy = start(stage, &backend, &[]).unwrap();
        load(&proxy);
        backend.accepted() <= 8
    });
}

#[test]
fn part5_tells_what_it_has_counted() {
    holds_from(5, |stage| {
        let backend = Backend::good(HELLO).unwrap();
        let Some(proxy) = start(stage, &backend, &["--rpc", "127.0.0.1:0"]) else {
            return false;
        };
        load(&proxy);
        let rpc =
            proxy.ready_line().rsplit("http://").next().unwrap().trim_end_matches("/rpc").parse().unwrap();
        let call = r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":1}"#;
        let fields = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", call.len());
        let request = format!("POST /rpc HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{call}");
        let answer = Client::connect(rpc).unwrap().exchange(request).unwrap();
        answer.text().contains(r#""RequestBytes":{"/":2000}"#)
    });
}

#[test]
fn part6_answers_while_one_of_its_backends_is_down() {
    holds_from(6, |stage| {
        let (port, second) = (RefusedPort::bind().unwrap(), Backend::good(HELLO).unwrap());
        let second_address = second.address().to_string();
        let refused = port.address().unwrap().to_string();
        let first = Backend::good(HELLO).unwrap();
        let flags = ["--backend", refused.as_str(), "--backend", &second_address];
        let Some(proxy) = start(stage, &first, &flags) else {
            return false;
        };
        let mut client = Client::connect(proxy.address()).unwrap();
        let all_answered = (0..10).all(|_| client.exchange(GET).unwrap().status == 200);
        all_answered && first.accepted() > 0 && second.accepted() > 0
    });
}

#[test]
fn the_message_of_the_codec_chapter_leaves_as_the_chapter_says() {
    let chapter = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/codec.md"));
    let chapter = chapter.unwrap();
    // Blocks of lines in which line ends are written out.
    let mut messages = chapter.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut next = || messages.next().unwrap().replace('\n', "").replace("\\r", "\r").replace("\\n", "\n");
    let (sent, left) = (next(), next());

    let backend = Backend::good(HELLO).unwrap();
    let proxy = start(2, &backend, &[]).unwrap();
    let response = Client::connect(proxy.address()).unwrap().exchange(sent).unwrap();
    assert_eq!(response.text(), "hello");
    assert_eq!(String::from_utf8(backend.bytes()).unwrap(), left);
}
