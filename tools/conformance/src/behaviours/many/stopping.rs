//! A stop signal: no new clients, idle clients are closed at once, requests in flight are completed.

#![cfg(unix)]

use std::io;
use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, End, Ended, PATIENCE};

use crate::behaviours::setup::{GET, HELLO, Setup, assert_ends, says_close, wait_until_refused};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_request_in_flight_is_answered_with_close,
    idle_connections_are_closed_at_once_while_another_is_served,
    after_a_stop_signal_the_response_in_progress_completes_and_the_next_is_the_last,
    a_second_signal_ends_the_proxy_at_once,
    a_request_that_does_not_end_is_cut_10_seconds_after_the_signal,
];

/// How long requests in flight may take after a signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A proxy with one request in flight, which the backend answers on release.
fn in_flight(subject: &Subject) -> (Setup, Client) {
    let setup = Setup::new(subject, Backend::slow(HELLO));
    let mut client = setup.client();
    client.send(GET).unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    (setup, client)
}

fn a_request_in_flight_is_answered_with_close(subject: &Subject) {
    // RFC 9112 section 9.6: a server that will close sends `close` in its last response.
    let (mut setup, mut client) = in_flight(subject);
    setup.proxy.terminate().unwrap();
    wait_until_refused(setup.proxy.address());
    setup.backend.release(1);
    let response = client.read_response("GET").unwrap();
    assert_eq!((response.text().as_str(), says_close(&response)), ("hello", true));
    assert_ends(&mut client, "a stop signal");
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
}

fn idle_connections_are_closed_at_once_while_another_is_served(subject: &Subject) {
    // RFC 9112 section 9.5: a server may close an idle connection at any time.
    let mut setup = Setup::new(
        subject,
        Backend::script(|connection| {
            while let Some(head) = connection.read_request()? {
                if head.start_line.starts_with("GET /slow ") {
                    connection.wait_for_release()?;
                }
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let mut silent = setup.client();
    let mut kept = setup.client();
    assert_eq!(kept.exchange(GET).unwrap().text(), "hello");
    let mut busy = setup.client();
    busy.send("GET /slow HTTP/1.1\r\nHost: example.test\r\n\r\n").unwrap();
    setup.backend.wait_for_requests(2).unwrap();
    setup.proxy.terminate().unwrap();
    assert_eq!(kept.read_to_end().unwrap(), (Vec::new(), End::EndOfFile));
    assert_eq!(silent.read_to_end().unwrap(), (Vec::new(), End::EndOfFile));
    setup.backend.release(1);
    assert_eq!(busy.read_response("GET").unwrap().text(), "hello");
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
}

fn after_a_stop_signal_the_response_in_progress_completes_and_the_next_is_the_last(subject: &Subject) {
    // RFC 9112 section 9.6: the first body is already announced, and the close has not been announced yet.
    let mut setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_request()?;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")?;
            connection.wait_for_release()?;
            connection.answer("world")
        }),
    );
    let mut client = setup.client();
    client.send(GET.repeat(3)).unwrap();
    let mut text = Vec::new();
    let (proxy, backend) = (&mut setup.proxy, &setup.backend);
    let response = client.read_streamed("GET", &mut |piece| {
        if !piece.is_empty() && text.is_empty() {
            proxy.terminate()?;
            wait_until_refused(proxy.address());
            backend.release(1);
        }
        text.extend_from_slice(piece);
        io::Result::Ok(())
    });
    assert_eq!((response.unwrap().ended, &text[..]), (Ended::ContentLength, &b"helloworld"[..]));
    backend.release(1);
    let response = client.read_response("GET").unwrap();
    assert_eq!((response.text().as_str(), says_close(&response)), ("helloworld", true));
    assert_ends(&mut client, "a stop signal");
    assert_eq!(setup.backend.requests().len(), 2);
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
}

fn a_second_signal_ends_the_proxy_at_once(subject: &Subject) {
    let (mut setup, mut client) = in_flight(subject);
    setup.proxy.terminate().unwrap();
    // Two signals at the same time would count as one.
    wait_until_refused(setup.proxy.address());
    setup.proxy.wait_for_log("stopping").unwrap();
    setup.proxy.terminate().unwrap();
    // Not after the 10 s for requests in flight: that exit would have code 0.
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(1));
    assert!(client.read_response("GET").is_err());
}

fn a_request_that_does_not_end_is_cut_10_seconds_after_the_signal(subject: &Subject) {
    // RFC 9112 section 9.5: a backend that never answers must not keep the process alive.
    let mut setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.set_patience(4 * PATIENCE)?;
            connection.read_request()?;
            connection.wait_for_end().map(drop)
        }),
    );
    let mut client = setup.client();
    client.send(GET).unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    let stopped = Instant::now();
    setup.proxy.terminate().unwrap();
    wait_until_refused(setup.proxy.address());
    // One wait for the log may be slightly too short.
    let cut_off = || setup.proxy.wait_for_log("clients were cut off");
    cut_off().or_else(|_| cut_off()).unwrap();
    assert!(stopped.elapsed() >= DRAIN_TIMEOUT, "after {:?}", stopped.elapsed());
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
    assert!(client.read_response("GET").is_err());
}
