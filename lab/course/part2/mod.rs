//! Stage 2: many concurrent clients, many requests on a connection, both directions at once.

use std::io::ErrorKind;
use std::sync::mpsc::channel;

use testkit::Backend;

use crate::Folder;
use crate::observed::{Seen, answer, ensure, silence};
use crate::trial::{CLIENT_PATIENCE, GET, HELLO, Subject, leave_within_body};
use testkit::text::counted;

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("2.1", include_str!("2.1.patch"), serves_clients_at_once),
        ("2.2", include_str!("2.2.patch"), keeps_the_connection),
        ("2.3", include_str!("2.3.patch"), runs_both_directions_at_once),
    ],
    larger: Some(include_str!("2.all.patch")),
};

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
        let cause = match most {
            0 => "Is `serve` awaited in the task? Without `.await` it does not begin",
            _ => {
                "Does the loop wait for the task, or for a lock that the task holds, before it accepts the next?"
            }
        };
        format!(
            "{CLIENTS} clients sent a request each; the backend saw {most} in flight, need {CLIENTS}. {cause}"
        )
    })?;
    backend.release(CLIENTS);
    for client in &mut clients {
        let response = client.read_response("GET").map_err(|error| {
            let why = silence(&error);
            Seen::new(format!(
                "{CLIENTS} clients are served at once, and one got no response. Is 2.3 half done? ({why})"
            ))
        })?;
        let text = response.text();
        ensure(text == "hello", || format!("the backend sent \"hello\"; a client got {text:?}"))?;
    }
    Ok(())
}

fn keeps_the_connection(subject: &Subject<'_>) -> Result<(), Seen> {
    const REQUESTS: usize = 20;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    for number in 1..=REQUESTS {
        let response = client.exchange(GET);
        ensure(response.as_ref().is_ok_and(|response| response.status == 200), || {
            let got = answer(&response);
            format!(
                "of {REQUESTS} requests on one connection, number {number} got {got}. Is `close_after_response` taken \
                 out, and does the loop go on as long as `wait_for_request` says yes?"
            )
        })?;
    }
    client.half_close()?;
    let more = client.read_bytes(1);
    ensure(more.is_ok_and(|bytes| bytes.is_empty()), || {
        "a client ended its connection, and the proxy did not: does its loop end when `wait_for_request` says no?"
            .to_owned()
    })
}

fn runs_both_directions_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    ends_with_the_response(subject)?;
    let backend = Backend::early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send("POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nhello")?;
    let response = client.read_response("POST");
    ensure(response.as_ref().is_ok_and(|response| response.status == 413), || {
        let got = match &response {
            Ok(response) => response.status.to_string(),
            Err(error) => format!("no response ({error})"),
        };
        format!(
            "the backend answered 413 before the complete body had arrived; the client got {got}. Is the response read \
             only when the upload has ended? `both_ways` runs both at once"
        )
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
        format!(
            "a client left before its answer; the backend was not told of it within {seconds} s. Does the upload end \
             with `wait_for_reset`, and is an error of it returned?"
        )
    })?;
    leave_within_body(subject)
}

/// The response is sent, and the exchange ends with it, however many times it was woken for it.
fn ends_with_the_response(subject: &Subject<'_>) -> Result<(), Seen> {
    const MAX_PIECES: usize = 8;
    let backend = Backend::script(|connection| {
        if let Some(head) = connection.read_request()? {
            // RFC 9110 section 5.1: field names are case-insensitive.
            let pieces = head.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Piece")).count();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {pieces}\r\n\r\n"))?;
            for _ in 0..pieces {
                connection.send("x")?;
                connection.wait_for_release()?;
            }
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    for pieces in 1..=MAX_PIECES {
        let mut client = running.client()?;
        let fields = "\r\nPiece: 1".repeat(pieces);
        client.send(GET.replace("\r\n\r\n", &format!("\r\nConnection: close{fields}\r\n\r\n")))?;
        let mut received = 0;
        let response = client.read_streamed("GET", &mut |piece| {
            received += piece.len();
            backend.release(piece.len());
            Ok(())
        });
        ensure(response.is_ok() && received == pieces, || {
            let cause = match &response {
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    "The head of the request leaves with the upload: do the two run one after the other?"
                }
                _ => "The upload ends first, and the download must go on: does `select!` drop it?",
            };
            format!(
                "the backend answered a GET with 200 and a body of {}; the client got {} and {}. {cause}",
                counted(pieces, "byte"),
                answer(&response),
                counted(received, "byte")
            )
        })?;
        let more = client.read_bytes(1);
        ensure(more.is_ok_and(|more| more.is_empty()), || {
            "the complete response to a GET with \"Connection: close\" has arrived, and the connection stays open. Does the \
             exchange wait for the upload, which waits until the client leaves? `both_ways` ends with the response"
                .to_owned()
        })?;
    }
    Ok(())
}
