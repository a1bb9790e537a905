//! Upgrade: after a 101 the proxy is a tunnel, after any other response it remains a proxy.

use std::sync::mpsc::channel;
use std::thread;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, End, PATIENCE};

use super::body_of;
use crate::behaviours::setup::{GET, HELLO, Setup, Step, assert_is_error, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    after_a_101_bytes_flow_in_both_directions_from_the_first_one,
    a_half_closed_client_of_a_tunnel_still_receives,
    a_half_closed_backend_of_a_tunnel_still_receives,
    a_request_inside_a_tunnel_is_not_parsed,
    a_tunnel_that_is_reset_at_one_end_is_reset_at_the_other,
    a_connection_stays_open_if_the_backend_does_not_switch,
    an_upgrade_that_must_not_be_forwarded_is_removed,
    h2c_is_removed_from_a_list_of_protocols,
    a_connection_stays_open_after_an_unrequested_101;
    of_stages:
    a_tunnel_that_its_client_resets_is_logged_with_its_bytes_and_as_the_fault_of_the_client,
];

const OFFER: &str = "GET /chat HTTP/1.1\r\nHost: example.test\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: x\r\n\r\n";

/// A client in a tunnel to a backend that runs `script` in it.
fn tunnel(subject: &Subject, script: Step) -> (Setup, Client) {
    let setup = Setup::new(
        subject,
        Backend::script(move |connection| {
            connection.read_head()?;
            connection.answer(SWITCHED)?;
            script(connection)
        }),
    );
    let mut client = setup.client();
    assert_eq!(client.exchange(OFFER).unwrap().status, 101);
    (setup, client)
}

fn after_a_101_bytes_flow_in_both_directions_from_the_first_one(subject: &Subject) {
    // RFC 9110 section 7.8: the new protocol starts right after the empty line of each head.
    const SIZE: usize = 1024 * 1024;
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_head()?;
            connection.answer([SWITCHED, "early bytes down, "].concat())?;
            loop {
                let bytes = connection.read_bytes(4096)?;
                connection.send(&bytes)?;
                if bytes.len() < 4096 {
                    return connection.half_close();
                }
            }
        }),
    );
    let mut client = setup.client();
    let response = client.exchange([OFFER, "early bytes up"].concat()).unwrap();
    assert_eq!((response.status, response.field("upgrade")), (101, Some("websocket")));
    assert_eq!(response.field("connection").map(str::to_ascii_lowercase).as_deref(), Some("upgrade"));
    assert_eq!(response.field("sec-websocket-accept"), Some("x"));
    let received = setup.received();
    assert_eq!(received.head.field("upgrade"), Some("websocket"));
    assert!(received.head.all("connection").join(",").to_ascii_lowercase().contains("upgrade"));
    assert_eq!(received.head.field("sec-websocket-version"), Some("13"));

    let mut sender = client.sender().unwrap();
    let sending = thread::spawn(move || {
        sender.send(body_of(5, SIZE))?;
        sender.half_close()
    });
    let (bytes, end) = client.read_to_end().unwrap();
    sending.join().unwrap().unwrap();
    let expected = [&b"early bytes down, early bytes up"[..], &body_of(5, SIZE)].concat();
    assert_eq!((bytes.len(), end), (expected.len(), End::EndOfFile));
    assert!(bytes == expected);
}

fn a_half_closed_client_of_a_tunnel_still_receives(subject: &Subject) {
    // RFC 9110 section 7.8: the meaning of a half-close is up to the new protocol.
    let (setup, mut client) = tunnel(subject, |connection| {
        let (bytes, _) = connection.read_to_end()?;
        connection.wait_for_release()?;
        connection.send([b"you said: ", &bytes[..]].concat())
    });
    client.send("bye").unwrap();
    client.half_close().unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_to_end().unwrap(), (b"you said: bye".to_vec(), End::EndOfFile));
    setup.backend.wait_for_closed(1).unwrap();
}

fn a_half_closed_backend_of_a_tunnel_still_receives(subject: &Subject) {
    // RFC 9110 section 7.8: the same in the other direction.
    let (setup, mut client) = tunnel(subject, |connection| {
        connection.send("bye")?;
        connection.half_close()?;
        connection.read_to_end().map(drop)
    });
    assert_eq!(client.read_to_end().unwrap(), (b"bye".to_vec(), End::EndOfFile));
    client.send("still here").unwrap();
    client.half_close().unwrap();
    setup.backend.wait_for_closed(1).unwrap();
    assert!(setup.backend.bytes().ends_with(b"\r\n\r\nstill here"));
}

fn a_request_inside_a_tunnel_is_not_parsed(subject: &Subject) {
    // RFC 9110 section 7.8: the connection no longer carries HTTP.
    let (setup, mut client) = tunnel(subject, |connection| {
        let bytes = connection.read_bytes(GET.len())?;
        connection.send(bytes)
    });
    client.send(GET).unwrap();
    assert_eq!(client.read_to_end().unwrap().0, GET.as_bytes());
    assert_eq!((setup.backend.accepted(), setup.backend.requests().len()), (1, 1));
}

fn a_tunnel_that_is_reset_at_one_end_is_reset_at_the_other(subject: &Subject) {
    // RFC 9112 section 9.5: the other end must neither wait forever nor see an ordinary end.
    let (_setup, mut client) = tunnel(subject, |connection| connection.reset());
    let is_reset = |end: &End| *end == End::Reset || !subject.is_stage();
    let (bytes, end) = client.read_to_end().unwrap();
    assert!(bytes.is_empty() && is_reset(&end), "{end:?}");

    let (sender, ends) = channel();
    let setup = Setup::new(
        subject,
        Backend::script(move |connection| {
            connection.read_head()?;
            connection.answer(SWITCHED)?;
            let _ = sender.send(connection.wait_for_end()?);
            Ok(())
        }),
    );
    let mut client = setup.client();
    client.exchange(OFFER).unwrap();
    client.reset().unwrap();
    let end = ends.recv_timeout(PATIENCE).unwrap();
    assert!(is_reset(&end), "{end:?}");
}

fn a_tunnel_that_its_client_resets_is_logged_with_its_bytes_and_as_the_fault_of_the_client(
    subject: &Subject,
) {
    let (setup, mut client) = tunnel(subject, |connection| {
        connection.send("hello")?;
        connection.wait_for_end().map(drop)
    });
    assert_eq!(client.read_bytes(5).unwrap(), b"hello");
    client.reset().unwrap();
    setup.proxy.wait_for_log("GET /chat 101 5B ").unwrap();
    let log = setup.proxy.log();
    let line = log.lines().find(|line| line.contains("GET /chat")).unwrap();
    assert!(line.contains("INFO") && line.contains("(client: "), "{line}");
}

fn a_connection_stays_open_if_the_backend_does_not_switch(subject: &Subject) {
    // RFC 9110 section 7.8: a server may ignore Upgrade. Section 15.5.22: 426 names the protocols it wants.
    let required = "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno";
    for (answer, status, upgrade) in [(HELLO, 200, None), (required, 426, Some("websocket"))] {
        let setup = Setup::new(subject, Backend::good(answer));
        let mut client = setup.client();
        // The second request arrived early. It is a request and not the start of a tunnel.
        client.send([OFFER, GET].concat()).unwrap();
        for index in 0..2 {
            let response = client.read_response("GET").unwrap();
            assert_eq!((response.status, response.field("upgrade")), (status, upgrade), "{index}");
            assert!(!says_close(&response), "{index}");
        }
        assert_eq!(client.exchange(GET).unwrap().status, status);
        assert_eq!(setup.backend.requests().len(), 3);
    }
}

fn an_upgrade_that_must_not_be_forwarded_is_removed(subject: &Subject) {
    // RFC 9110 section 7.8: Upgrade MUST be ignored in HTTP/1.0 or if Connection does not list it. h2c would
    // bypass every rule here. With a request body, implementations disagree on where the new protocol starts.
    for (version, fields) in [
        ("1.1", "Upgrade: websocket\r\n"),
        ("1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        ("1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"),
        ("1.1", "Connection: Upgrade\r\nUpgrade: H2C , h2c\r\n"),
        (
            "1.1",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\nTE: trailers\r\nX-Body: \r\n",
        ),
    ] {
        let has_body = fields.contains("X-Body");
        let fields = if has_body {
            fields.replace("Content-Length: 0", "Content-Length: 4")
        } else {
            fields.to_owned()
        };
        let body = if has_body { "body" } else { "" };
        let request = format!("POST / HTTP/{version}\r\nHost: example.test\r\n{fields}\r\n{body}");
        let received = Setup::hello(subject).forward(&request);
        assert_eq!(received.head.field("upgrade"), None, "{request}");
        assert_eq!(received.head.field("http2-settings"), None, "{request}");
        assert!(
            !received.head.all("connection").join(",").to_ascii_lowercase().contains("upgrade"),
            "{request}"
        );

        // RFC 9110 section 15.2.2: the 101 was then not requested.
        let setup = Setup::new(subject, Backend::closing([SWITCHED, "evil"].concat()));
        let response = setup.exchange(&request);
        assert_eq!(response.status, 502, "{request}");
    }
}

fn h2c_is_removed_from_a_list_of_protocols(subject: &Subject) {
    // RFC 9110 section 7.8: the other protocols are still offered. RFC 9113 section 3.1: h2c is obsolete.
    let offer = OFFER.replace("Upgrade: websocket", "Upgrade: h2c, websocket");
    let received = Setup::hello(subject).forward(offer);
    assert_eq!(received.head.all("upgrade"), ["websocket"]);
}

fn a_connection_stays_open_after_an_unrequested_101(subject: &Subject) {
    // RFC 9110 section 15.2.2: the backend is at fault, and the bytes after the 101 are not for the client.
    let setup = Setup::new(subject, Backend::closing([SWITCHED, HELLO].concat()));
    let mut client = setup.client();
    for _ in 0..2 {
        let response = client.exchange(GET).unwrap();
        assert_is_error(subject, &response, 502, "RFC 9110 section 15.2.2", "http_protocol_error", "101");
    }
}
