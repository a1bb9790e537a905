//! Responses of megabytes: they delay no proxied request, and their memory is bounded.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, PATIENCE, Process, poll};

use super::{CALL, Rpc};
use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] =
    behaviours![a_large_answer_delays_no_proxied_request, all_answers_together_use_at_most_64_mib,];

impl Rpc {
    /// A proxy on one core, where a runtime has one thread. Without `taskset`, on all cores.
    fn hello_on_one_core(subject: &Subject) -> Rpc {
        let backend = Backend::good(HELLO).unwrap();
        let has_taskset = Command::new("taskset").arg("--version").output().is_ok();
        let mut command = Command::new(if has_taskset { Path::new("taskset") } else { subject.binary() });
        if has_taskset {
            command.args(["-c", "0"]).arg(subject.binary());
        }
        command.args(["--log", "error", "--listen", "127.0.0.1:0", "--backend"]);
        command.arg(backend.address().to_string()).args(subject.free_ports());
        Rpc::of(Process::start(command, |_| ()).unwrap(), backend)
    }

    /// Makes the stats 3 MiB large: 3,000 paths of 1 KiB.
    fn count_many_paths(&self) {
        let mut client = Client::connect(self.proxy.address()).unwrap();
        for batch in 0..30 {
            let mut requests = String::new();
            for number in 0..100 {
                let path = format!("{:0>1023}", batch * 100 + number);
                write!(requests, "GET /{path} HTTP/1.1\r\nHost: example.test\r\n\r\n").unwrap();
            }
            client.send(requests).unwrap();
            for _ in 0..100 {
                assert_eq!(client.read_response("GET").unwrap().status, 200);
            }
        }
    }
}

fn a_large_answer_delays_no_proxied_request(subject: &Subject) {
    let rpc = Rpc::hello_on_one_core(subject);
    rpc.count_many_paths();
    let address = rpc.address;
    let asking = thread::spawn(move || {
        let call = format!(
            "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CALL}",
            CALL.len()
        );
        Client::connect(address).unwrap().exchange(call).unwrap().body.len()
    });
    // Counts requests, because the time of a request depends on the machine.
    let mut client = Client::connect(rpc.proxy.address()).unwrap();
    let mut answered = 0;
    while !asking.is_finished() {
        assert_eq!(client.exchange(GET).unwrap().text(), "hello");
        answered += 1;
    }
    assert!(asking.join().unwrap() > 3000 * 1024);
    assert!(answered > 20, "{answered} requests were answered while one RPC answer was made and sent");
}

fn all_answers_together_use_at_most_64_mib(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    rpc.count_many_paths();
    // The 16 results of a response have 3 MiB each and share their memory, so 21 such responses fit.
    let batch = format!("[{}]", [CALL; 16].join(","));
    let ask = || {
        let mut client = rpc.send("Content-Type: application/json\r\n", &batch);
        let head = client.read_head().unwrap().unwrap();
        assert_eq!(head.status, 200);
        let length: usize = head.field("content-length").unwrap().parse().unwrap();
        (client, length)
    };
    let mut waiting = Vec::new();
    for _ in 0..21 {
        let (client, length) = ask();
        assert!(length > 16 * 3000 * 1024, "{length} bytes after {} answers", waiting.len());
        waiting.push(client);
    }
    let (mut client, length) = ask();
    assert!(length < 16 * 1024, "one more answer has {length} bytes");
    let answer = String::from_utf8(client.read_bytes(length).unwrap()).unwrap();
    assert_eq!(answer.matches("\"code\":-32000").count(), 16, "{answer}");
    assert!(answer.contains("all answers together may use 64 MiB"), "{answer}");
    if let Some(peak) = rpc.proxy.peak_memory_kib() {
        assert!(peak < 160 * 1024, "it has had {peak} KiB");
    }
    drop(waiting);
    let is_free = poll(PATIENCE, || ask().1 >= 3000 * 1024);
    assert!(is_free, "the memory of callers that have left is not free");
}
