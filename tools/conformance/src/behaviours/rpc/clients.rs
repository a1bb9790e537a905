//! The clients of the RPC: how many there are, and what the slow ones cost others.

use std::io::ErrorKind;
use std::time::Duration;

use crate::{Behaviour, Subject};
use testkit::{Client, End, Ended, PATIENCE, poll, run_to_end};

use super::{CALL, Rpc};
use crate::behaviours::setup::{GET, wait_until_refused};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_call_with_expect_100_continue_gets_a_100,
    stalled_rpc_clients_delay_no_other_client,
    #[cfg(unix)]
    an_answer_in_progress_at_a_stop_signal_is_finished,
    the_65th_rpc_client_waits_until_one_leaves,
    an_rpc_port_in_use_is_reported_with_its_flag,
];

/// The head before [`CALL`].
const HEAD: &str =
    "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 54\r\n\r\n";

fn a_call_with_expect_100_continue_gets_a_100(subject: &Subject) {
    // RFC 9110 section 10.1.1: a 100 or a final response.
    let rpc = Rpc::hello(subject);
    let mut client = Client::connect(rpc.address).unwrap();
    let fields = "Content-Type: application/json\r\nExpect: 100-continue\r\n";
    client.send(HEAD.replace("Content-Type: application/json\r\n", fields)).unwrap();
    assert_eq!(client.read_head().unwrap().unwrap().status, 100);
    client.send(CALL).unwrap();
    assert_eq!(client.read_response("POST").unwrap().status, 200);
}

fn stalled_rpc_clients_delay_no_other_client(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    let stalled: Vec<Client> = (0..20)
        .map(|number| {
            let mut client = Client::connect(rpc.address).unwrap();
            match number % 3 {
                // Stops in the head, stops in the body, and never reads the response.
                0 => client.send(&HEAD[..40]).unwrap(),
                1 => client.send(format!("{HEAD}{}", &CALL[..20])).unwrap(),
                _ => client.send(format!("{HEAD}{CALL}")).unwrap(),
            }
            client
        })
        .collect();
    let mut client = Client::connect(rpc.proxy.address()).unwrap();
    for _ in 0..20 {
        assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    }
    assert!(rpc.call(CALL).contains(r#""/":100"#));
    drop(stalled);
}

#[cfg(unix)]
fn an_answer_in_progress_at_a_stop_signal_is_finished(subject: &Subject) {
    // RFC 9112 section 9.6: its length is announced. It exceeds the kernel's buffers of both sockets.
    const PATHS: usize = 6_000;
    const AT_ONCE: usize = 100;
    let mut rpc = Rpc::hello(subject);
    let mut client = Client::connect(rpc.proxy.address()).unwrap();
    for first in (0..PATHS).step_by(AT_ONCE) {
        let requests =
            (first..first + AT_ONCE).map(|number| GET.replace("GET /", &format!("GET /{number:01000}")));
        client.send(requests.collect::<String>()).unwrap();
        for _ in 0..AT_ONCE {
            assert_eq!(client.read_response("GET").unwrap().status, 200);
        }
    }
    let mut idle = Client::connect(rpc.address).unwrap();
    assert_eq!(idle.exchange("GET /no-such-page HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap().status, 404);
    let mut caller = Client::connect(rpc.address).unwrap();
    caller.send(format!("{HEAD}{CALL}")).unwrap();
    let mut length = 0;
    let response = caller.read_streamed("POST", &mut |piece| {
        if !piece.is_empty() && length == 0 {
            rpc.proxy.terminate()?;
            wait_until_refused(rpc.proxy.address());
            wait_until_refused(rpc.address);
            // The connection of an idle caller is closed at once.
            assert_eq!(idle.read_to_end()?, (Vec::new(), End::EndOfFile));
        }
        length += piece.len();
        Ok(())
    });
    assert_eq!(response.unwrap().ended, Ended::ContentLength);
    assert!(length > PATHS * 1_000, "{length} bytes");
    assert_eq!(rpc.proxy.wait_for_exit().unwrap().code(), Some(0));
}

fn the_65th_rpc_client_waits_until_one_leaves(subject: &Subject) {
    // A separate limit, so that stats clients never take the descriptors of other clients.
    let rpc = Rpc::hello(subject);
    let mut clients: Vec<Client> = (0..64).map(|_| Client::connect(rpc.address).unwrap()).collect();
    let call = format!("{HEAD}{CALL}");
    for client in &mut clients {
        assert_eq!(client.exchange(&call).unwrap().status, 200);
    }
    let mut waiting = Client::connect_with(rpc.address, Duration::from_millis(300)).unwrap();
    waiting.send(&call).unwrap();
    assert_eq!(waiting.read_response("POST").unwrap_err().kind(), ErrorKind::TimedOut);
    clients.pop();
    let is_served = || waiting.read_response("POST").is_ok_and(|response| response.status == 200);
    assert!(poll(PATIENCE, is_served), "it still waits");
}

fn an_rpc_port_in_use_is_reported_with_its_flag(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    let backend = rpc.backend.address().to_string();
    let taken = rpc.address.to_string();
    let flags = ["--listen", "127.0.0.1:0", "--backend", &backend, "--rpc", &taken];
    let finished = run_to_end(subject.binary(), &flags).unwrap();
    assert_eq!(finished.code, Some(3));
    assert!(finished.stderr.contains(&taken) && finished.stderr.contains("--rpc"), "{}", finished.stderr);
}
