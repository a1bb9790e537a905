//! Responses, as they reach the client.

use codec::{
    Answering, BodyFraming, Encoder, Persistence, Piece, ResponseHead, ResponseTo, Version, forward,
};

use crate::common::{DATE, date, response_head, response_head_to};

fn to_client(version: Version, persistence: Persistence) -> Answering {
    Answering { response_to: ResponseTo::Other, version, persistence }
}

const KEEP_ALIVE_1_1: Answering = Answering {
    response_to: ResponseTo::Other,
    version: Version::HTTP_1_1,
    persistence: Persistence::KeepAlive,
};

/// The head that reaches the client, without the date, and whether the connection stays open.
fn answered(mut head: ResponseHead, answering: Answering) -> (String, Persistence) {
    forward::response(&mut head, "proxy");
    let mut encoder = Encoder::new();
    let persistence = encoder.queue_response(&head, answering, date());
    let sent = String::from_utf8_lossy(encoder.queued()).replace(&format!("Date: {DATE}\r\n"), "");
    (sent, persistence)
}

fn answer(input: &str) -> String {
    answered(response_head(input), KEEP_ALIVE_1_1).0
}

#[test]
fn a_response_gets_via_and_loses_its_hop_by_hop_fields() {
    // RFC 9110 section 7.6.1 and 7.6.3
    let sent = answer(
        "HTTP/1.1 200 Fine\r\nServer: s\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(
        sent,
        "HTTP/1.1 200 Fine\r\nServer: s\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nVia: 1.1 proxy\r\nContent-Length: 2\r\n\r\n"
    );
}

#[test]
fn a_response_without_date_gets_one_and_keeps_its_own() {
    // RFC 9110 section 6.6.1
    let mut encoder = Encoder::new();
    let head = response_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    encoder.queue_response(&head, KEEP_ALIVE_1_1, date());
    assert!(String::from_utf8_lossy(encoder.queued()).contains(&format!("\r\nDate: {DATE}\r\n")));
    let head = response_head("HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n");
    let mut encoder = Encoder::new();
    encoder.queue_response(&head, KEEP_ALIVE_1_1, date());
    let sent = String::from_utf8_lossy(encoder.queued()).into_owned();
    assert!(sent.contains("\r\nDate: yesterday\r\n") && !sent.contains(DATE), "{sent}");
}

#[test]
fn a_204_loses_its_content_length_and_a_304_keeps_it() {
    // RFC 9110 section 8.6
    let with = |status: &str| answer(&format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n"));
    assert!(!with("204 No Content").contains("Content-Length"));
    assert!(with("304 Not Modified").contains("\r\nContent-Length: 5\r\n"));
}

#[test]
fn a_response_to_head_keeps_its_content_length_and_has_no_body() {
    // RFC 9110 section 9.3.2
    let head = response_head_to(ResponseTo::Head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let answering = Answering { response_to: ResponseTo::Head, ..KEEP_ALIVE_1_1 };
    let (sent, persistence) = answered(head, answering);
    assert!(sent.contains("\r\nContent-Length: 5\r\n"), "{sent}");
    assert_eq!(persistence, Persistence::KeepAlive);

    let unclear = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (sent, _) = answered(response_head_to(ResponseTo::Head, unclear), answering);
    assert!(!sent.contains("Content-Length"), "{sent}");

    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, BodyFraming::ContentLength(5)), answering, date());
    let parts = encoder.parts(&Piece::last(b"hello")).unwrap().concat();
    assert!(parts.ends_with(b"\r\n\r\n"), "the body of an own response to HEAD is not sent");
}

#[test]
fn a_response_with_both_length_and_coding_is_sent_chunked_only() {
    // RFC 9112 section 6.3, rule 3: Content-Length MUST be removed.
    let sent = answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(
        sent.contains("\r\nTransfer-Encoding: chunked\r\n") && !sent.contains("Content-Length"),
        "{sent}"
    );
}

#[test]
fn a_close_delimited_response_is_chunked_for_a_1_1_client_and_the_connection_stays_open() {
    // RFC 9112 section 6.3 and 7
    let (sent, persistence) = answered(response_head("HTTP/1.1 200 OK\r\n\r\n"), KEEP_ALIVE_1_1);
    assert!(sent.contains("\r\nTransfer-Encoding: chunked\r\n"), "{sent}");
    assert_eq!(persistence, Persistence::KeepAlive);
}

#[test]
fn a_body_of_unknown_length_is_close_delimited_for_a_1_0_client() {
    // RFC 9112 section 7: no chunked to HTTP/1.0; section 9.3: such a connection cannot stay open.
    for lines in ["Transfer-Encoding: chunked\r\n", ""] {
        let head = response_head(format!("HTTP/1.1 200 OK\r\n{lines}\r\n"));
        let answering = to_client(Version::HTTP_1_0, Persistence::KeepAlive);
        let (sent, persistence) = answered(head, answering);
        assert!(!sent.contains("Transfer-Encoding") && !sent.contains("Content-Length"), "{sent}");
        assert!(sent.contains("\r\nConnection: close\r\n"), "{sent}");
        assert_eq!(persistence, Persistence::Close);
    }
}

#[test]
fn a_response_to_a_persistent_1_0_client_says_keep_alive() {
    // RFC 9112 section 9.3
    let head = response_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (sent, persistence) = answered(head, to_client(Version::HTTP_1_0, Persistence::KeepAlive));
    assert!(sent.contains("\r\nConnection: keep-alive\r\n"), "{sent}");
    assert!(sent.starts_with("HTTP/1.1 200"), "RFC 9110 section 2.5: the version of who sends it");
    assert_eq!(persistence, Persistence::KeepAlive);
}

#[test]
fn switching_protocols_keeps_upgrade_and_lists_it() {
    // RFC 9110 section 7.8
    let sent =
        answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(
        sent,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nVia: 1.1 proxy\r\nConnection: upgrade\r\n\r\n"
    );
}

#[test]
fn a_value_cannot_start_a_new_line() {
    // RFC 9110 section 5.5: CR, LF and NUL become spaces.
    let head = ResponseHead::new(200, BodyFraming::Empty).with("X", "a\r\nSet-Cookie: b\0");
    assert_eq!(head.fields.get("x"), Some(&b"a  Set-Cookie: b "[..]));
}
