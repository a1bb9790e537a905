//! Slow clients: a head must arrive within 10 s from its first byte to its last.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Client, Response};

use crate::behaviours::setup::{GET, Setup, assert_ends, assert_is_error};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_slow_head_is_answered_408_after_10_seconds_in_total,
];

/// The timeout of a head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How much later the response may arrive on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(8);

/// Sends single bytes of an endless head until a response arrives.
fn dribble(client: &mut Client) -> (Response, Duration) {
    let started = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: example.test\r\nA: ").unwrap();
    while started.elapsed() < HEAD_TIMEOUT + TOLERANCE {
        match client.read_response("GET") {
            Ok(response) => return (response, started.elapsed()),
            // The client's read timeout is the pause between two bytes.
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => panic!("after {:?}: {error}", started.elapsed()),
        }
        // Fails if the proxy has just closed; its response can then be read.
        let _ = client.send("a");
    }
    panic!("a head that never ends was not answered");
}

fn a_slow_head_is_answered_408_after_10_seconds_in_total(subject: &Subject) {
    // RFC 9110 section 15.5.9: a limit between two bytes would allow one byte a second forever.
    let setup = Setup::hello(subject);
    let client = || Client::connect_with(setup.proxy.address(), Duration::from_millis(400)).unwrap();
    let mut kept = client();
    assert_eq!(kept.exchange(GET).unwrap().text(), "hello");
    let mut fresh = client();
    std::thread::scope(|scope| {
        // On a new connection, and on one that has served a request.
        for client in [&mut fresh, &mut kept] {
            scope.spawn(|| {
                let (response, elapsed) = dribble(client);
                assert_is_error(
                    subject,
                    &response,
                    408,
                    "RFC 9110 section 15.5.9",
                    "http_request_error",
                    "a byte",
                );
                // A byte does not restart the timeout, and the second request gets the full time.
                assert!(HEAD_TIMEOUT - Duration::from_millis(500) < elapsed, "{elapsed:?}");
                assert_ends(client, "a head that dribbles");
            });
        }
    });
    assert_eq!(setup.backend.requests().len(), 1);
}
