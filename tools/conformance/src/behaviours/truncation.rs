//! Bodies that are cut short: the client must be able to tell, whatever the framing.

use std::io;

use crate::{Behaviour, Subject};
use testkit::{Backend, Ended, Response};

use crate::behaviours::setup::{GET, Setup, Step};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_cut_of_the_backend_cuts_the_response_to_the_client,
    a_bad_chunk_in_a_response_cuts_it,
    a_reset_within_a_close_delimited_body_cuts_the_chunks_of_the_client,
    a_client_of_http_1_0_is_told_of_a_cut_by_a_reset,
    a_client_of_http_1_0_sees_a_length_that_is_not_reached,
];

const GET_1_0: &str = "GET / HTTP/1.0\r\nHost: example.test\r\n\r\n";

/// A response with these fields and this beginning of a body, that goes on only when the client has the beginning of its body.
fn begin_then(head: &'static str, end: Step) -> io::Result<Backend> {
    Backend::script(move |connection| {
        connection.read_request()?;
        connection.send(format!("HTTP/1.1 200 OK\r\n{head}"))?;
        connection.wait_for_release()?;
        end(connection)
    })
}

/// Sends a request, and lets the backend go on once the first bytes of the body are there.
fn exchange(setup: &Setup, request: &str) -> Response {
    let mut client = setup.client();
    client.send(request).unwrap();
    client
        .read_streamed("GET", &mut |piece| {
            if !piece.is_empty() {
                setup.backend.release(1);
            }
            Ok(())
        })
        .unwrap()
}

fn a_cut_of_the_backend_cuts_the_response_to_the_client(subject: &Subject) {
    // RFC 9112 section 8: a message is incomplete if its framing does not end; a proxy must not end it.
    for head in ["Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let ends: [Step; 3] =
            [|_| Ok(()), |connection| connection.half_close(), |connection| connection.reset()];
        for end in ends {
            let setup = Setup::new(subject, begin_then(head, end));
            assert!(!exchange(&setup, GET).is_complete(), "{head}");
        }
    }
}

fn a_bad_chunk_in_a_response_cuts_it(subject: &Subject) {
    // RFC 9112 section 7.1: where the body ends cannot be known any more.
    let setup = Setup::new(
        subject,
        begin_then("Transfer-Encoding: chunked\r\n\r\n5\r\nhello", |connection| {
            connection.send("\r\n0x5\r\nworld\r\n0\r\n\r\n")
        }),
    );
    assert!(!exchange(&setup, GET).is_complete());
}

fn a_reset_within_a_close_delimited_body_cuts_the_chunks_of_the_client(subject: &Subject) {
    // RFC 9112 section 8: a reset is no proper end of it.
    let setup = Setup::new(subject, begin_then("\r\nhello", |connection| connection.reset()));
    assert!(!exchange(&setup, GET).is_complete());
}

fn a_client_of_http_1_0_is_told_of_a_cut_by_a_reset(subject: &Subject) {
    // RFC 9112 section 8: without a length or chunks, the end of the connection would look like the end of the body.
    let heads = ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "\r\nhello"];
    for head in heads {
        let setup = Setup::new(subject, begin_then(head, |connection| connection.reset()));
        assert_eq!(exchange(&setup, GET_1_0).ended, Ended::Reset, "{head}");
    }
    let setup = Setup::new(subject, begin_then(heads[0], |_| Ok(())));
    assert_eq!(exchange(&setup, GET_1_0).ended, Ended::Reset);
}

fn a_client_of_http_1_0_sees_a_length_that_is_not_reached(subject: &Subject) {
    // RFC 9112 section 8: Content-Length is known to HTTP/1.0.
    let setup = Setup::new(subject, begin_then("Content-Length: 10\r\n\r\nhello", |_| Ok(())));
    assert!(!exchange(&setup, GET_1_0).is_complete());
}
