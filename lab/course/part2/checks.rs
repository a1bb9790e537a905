//! Stage 2: many concurrent clients, many requests on a connection, both directions at once.

use std::sync::mpsc::channel;

use testkit::Backend;

use crate::tasks::Check;
use crate::tasks::trial::{CLIENT_PATIENCE, GET, HELLO, Seen, Subject, ensure, silence};

/// For each task, the unified diff that removes it from the sources, and the check of its promise.
pub const CHECKS: &[Check] = &[
    ("2.1", include_str!("2.1.patch"), serves_clients_at_once),
    ("2.2", include_str!("2.2.patch"), keeps_the_connection),
    ("2.3", include_str!("2.3.patch"), runs_both_directions_at_once),
];

fn serves_clients_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    const CLIENTS: usize = 8;
    let backend = Backend::slow(HELLO)?;
    let running = subject.start(&backend)?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = running.client()?;
        client.send(GET)?;
        clients.push(client);
    }
    // The backend answers no request before all have arrived.
    let all_came = backend.wait_for_requests_within(CLIENTS, CLIENT_PATIENCE);
    let most = backend.in_flight_max();
    ensure(all_came.is_ok(), || {
        format!("{CLIENTS} clients sent a request each; the backend saw {most} in flight, need {CLIENTS}")
    })?;
    backend.release(CLIENTS);
    for client in &mut clients {
        let text = client.read_response("GET").map_err(|error| {
            let why = silence(&error);
            Seen(format!(
                "{CLIENTS} clients are served at once, and one gets no response; is 2.3 half done? ({why})"
            ))
        })?;
        let text = text.text();
        ensure(text == "hello", || format!("the backend sent \"hello\"; a client got {text:?}"))?;
    }
    Ok(())
}

fn keeps_the_connection(subject: &Subject<'_>) -> Result<(), Seen> {
    const REQUESTS: usize = 3;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    for number in 1..=REQUESTS {
        let seen = match client.exchange(GET) {
            Ok(response) if response.status == 200 => continue,
            Ok(response) => format!("was answered {}", response.status),
            Err(error) => format!("got no response: {}", silence(&error)),
        };
        return Err(Seen(format!("of {REQUESTS} requests on one connection, number {number} {seen}")));
    }
    client.half_close()?;
    let more = client.read_bytes(1);
    ensure(more.is_ok_and(|bytes| bytes.is_empty()), || {
        "a client ended its connection, and the proxy did not: does its loop end when `wait_for_request` says no?"
            .to_owned()
    })
}

fn runs_both_directions_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send("POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nhello")?;
    let status = client.read_response("POST").map(|response| response.status);
    ensure(matches!(status, Ok(413)), || {
        let heard =
            status.map_or_else(|error| format!("nothing: {}", silence(&error)), |status| status.to_string());
        format!("the backend answered 413 before the body had come whole; the client got {heard}")
    })?;

    let (end, ended) = channel();
    let backend = Backend::script(move |connection| {
        connection.read_request()?;
        connection.wait_for_end()?;
        // Fails if the check has already given up.
        let _ = end.send(());
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send(GET)?;
    backend.wait_for_requests_within(1, CLIENT_PATIENCE)?;
    client.reset()?;
    ensure(ended.recv_timeout(CLIENT_PATIENCE).is_ok(), || {
        let seconds = CLIENT_PATIENCE.as_secs();
        format!("a client left before its answer; the backend was not told of it within {seconds} s")
    })
}
