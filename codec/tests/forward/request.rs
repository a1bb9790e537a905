//! Requests, as they reach the backend.

use std::net::{IpAddr, Ipv4Addr};

use codec::{Decoder, Encoder, Limits, Persistence, Refusal, forward};

use crate::common::{host, receive, request_head};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

/// The head that reaches the backend.
fn forwarded(input: &str) -> Result<String, Refusal> {
    let mut head = request_head(input);
    forward::request(&mut head, CLIENT, "proxy")?;
    let mut encoder = Encoder::new();
    encoder.queue_request(&head, &host(), Persistence::KeepAlive);
    Ok(String::from_utf8_lossy(encoder.queued()).into_owned())
}

/// The lines that reach the backend for a GET with these field lines, without those that every request gets.
fn fields_sent(lines: &str) -> Vec<String> {
    let sent = forwarded(&format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")).unwrap();
    let usual = [
        "GET / HTTP/1.1",
        "Host: h",
        "X-Forwarded-For: 10.1.2.3",
        "X-Forwarded-Host: h",
        "X-Forwarded-Proto: http",
        "Via: 1.1 proxy",
        "",
    ];
    for line in usual {
        assert!(sent.split("\r\n").any(|sent| sent == line), "{line} is missing in {sent}");
    }
    sent.split("\r\n").filter(|line| !usual.contains(line)).map(str::to_owned).collect()
}

#[test]
fn a_request_gets_via_and_x_forwarded_fields_and_keeps_the_others() {
    // RFC 9110 section 7.6.3. Only these fields tell the backend the address of the client.
    let sent = forwarded("GET /a?b HTTP/1.1\r\nhost: h:80\r\nAccept: */*\r\nCookie: a=b\r\n\r\n").unwrap();
    assert_eq!(
        sent,
        "GET /a?b HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\nCookie: a=b\r\nX-Forwarded-For: 10.1.2.3\r\n\
         X-Forwarded-Host: h:80\r\nX-Forwarded-Proto: http\r\nVia: 1.1 proxy\r\n\r\n"
    );
}

#[test]
fn via_names_the_received_version_and_follows_earlier_entries() {
    // RFC 9110 section 7.6.3
    let sent = forwarded("GET / HTTP/1.0\r\nHost: h\r\nVia: 1.1 first\r\n\r\n").unwrap();
    let via: Vec<_> = sent.split("\r\n").filter(|line| line.starts_with("Via")).collect();
    assert_eq!(via, ["Via: 1.1 first", "Via: 1.0 proxy"]);
    let sent = forwarded("GET / HTTP/1.2\r\nHost: h\r\n\r\n").unwrap();
    assert!(sent.contains("\r\nVia: 1.2 proxy\r\n"), "{sent}");
}

#[test]
fn forwarding_fields_of_a_client_are_replaced() {
    // A client can forge them, and appending to them would forward the forged values.
    let lines = "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nForwarded: for=1.2.3.4\r\n";
    assert_eq!(fields_sent(lines), [""; 0]);
}

#[test]
fn fields_with_underscores_that_imitate_removed_fields_are_dropped() {
    // CGI and similar interfaces do not distinguish `_` and `-`.
    let lines = "X_Forwarded_For: 1.2.3.4\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\nProxy_Connection: x\r\nKept_Field: 1\r\n";
    assert_eq!(fields_sent(lines), ["Kept_Field: 1"]);
}

#[test]
fn hop_by_hop_fields_of_a_request_are_removed() {
    // RFC 9110 section 7.6.1
    let lines = "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nConnection: keep-alive\r\nTE: gzip\r\nUpgrade: websocket\r\n";
    assert_eq!(fields_sent(lines), [""; 0]);
}

#[test]
fn fields_that_connection_names_are_removed_from_a_request() {
    // RFC 9110 section 7.6.1
    let lines = "Connection: close, X-Secret\r\nX-Secret: 1\r\nX-Other: 2\r\nconnection: x-other\r\nKept: 3\r\nx-secret: 4\r\n";
    assert_eq!(fields_sent(lines), ["Kept: 3"]);
}

#[test]
fn connection_must_not_name_a_protected_field() {
    // RFC 9110 section 7.6.1: such a list is an attack: Go would remove the field that it names.
    for name in
        ["Host", "content-length", "Transfer-Encoding", "Via", "X-Forwarded-For", "x-forwarded-anything"]
    {
        let input = format!("GET / HTTP/1.1\r\nHost: h\r\nConnection: {name}\r\n\r\n");
        assert_eq!(forwarded(&input), Err(Refusal::ProtectedConnectionOption), "{name}");
    }
    assert_eq!(Refusal::ProtectedConnectionOption.status(), 400);
}

#[test]
fn te_trailers_is_forwarded_and_listed_and_other_codings_are_removed() {
    // RFC 9110 section 10.1.4
    assert_eq!(fields_sent("TE: gzip, Trailers\r\nConnection: TE\r\n"), ["TE: trailers", "Connection: TE"]);
    assert_eq!(fields_sent("TE: gzip\r\nConnection: TE\r\n"), [""; 0]);
}

#[test]
fn the_host_of_an_absolute_form_target_replaces_the_host_field_and_the_target_is_sent_in_origin_form() {
    // RFC 9112 section 3.2.2 and 3.2.1
    let sent = forwarded("GET http://right:8080/a?b HTTP/1.1\r\nHost: wrong\r\n\r\n").unwrap();
    assert!(sent.starts_with("GET /a?b HTTP/1.1\r\nHost: right:8080\r\n"), "{sent}");
    assert!(sent.contains("X-Forwarded-Host: right:8080\r\n") && !sent.contains("wrong"), "{sent}");
    let sent = forwarded("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(sent.starts_with("GET / HTTP/1.1\r\n"), "{sent}");
    let sent = forwarded("GET http://h?x HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(sent.starts_with("GET /?x HTTP/1.1\r\n"), "{sent}");
}

#[test]
fn options_in_absolute_form_without_a_path_is_sent_in_asterisk_form() {
    // RFC 9112 section 3.2.4
    let sent = forwarded("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(sent.starts_with("OPTIONS * HTTP/1.1\r\nHost: h\r\n"), "{sent}");
}

#[test]
fn an_http_1_0_request_without_host_is_sent_as_1_1_with_the_backends_address() {
    // RFC 9112 section 3.2: a client MUST send Host in HTTP/1.1.
    let sent = forwarded("GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(sent.starts_with("GET / HTTP/1.1\r\nHost: backend:81\r\n"), "{sent}");
    assert!(!sent.contains("X-Forwarded-Host"), "{sent}");
}

#[test]
fn the_framing_fields_of_a_request_are_normalized() {
    // RFC 9112 section 6.1 and 6.2
    let sent = |lines: &str| forwarded(&format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")).unwrap();
    assert!(sent("content-length: 005\r\n").contains("\r\nContent-Length: 5\r\n"));
    assert!(sent("Content-Length: 0\r\n").contains("\r\nContent-Length: 0\r\n"));
    assert!(sent("transfer-encoding: Chunked\r\n").contains("\r\nTransfer-Encoding: chunked\r\n"));
    assert!(!sent("").contains("Content-Length"));
}

#[test]
fn upgrade_is_forwarded_without_h2c() {
    // RFC 9110 section 7.8
    let offer = |lines: &str| fields_sent(&format!("{lines}\r\n"));
    let passed = ["Upgrade: websocket", "Connection: upgrade"];
    assert_eq!(offer("Connection: Upgrade\r\nUpgrade: websocket"), passed);
    assert_eq!(
        offer("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: x"),
        passed
    );
    assert_eq!(offer("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x"), [""; 0]);
    assert_eq!(offer("Connection: Upgrade\r\nUpgrade: H2C/1, \"h2c\", a b"), [""; 0]);
    assert_eq!(offer("Upgrade: websocket"), [""; 0], "not listed in Connection");
    let old = forwarded("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").unwrap();
    assert!(!old.contains("pgrade"), "{old}");
    let input = "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n";
    assert!(!forwarded(input).unwrap().contains("pgrade"), "a request with a body");
}

#[test]
fn expect_100_continue_is_forwarded_and_other_expectations_are_417() {
    // RFC 9110 section 10.1.1
    assert_eq!(fields_sent("Expect: 100-Continue\r\n"), ["Expect: 100-Continue"]);
    let unknown = forwarded("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, more\r\n\r\n");
    assert_eq!(unknown, Err(Refusal::UnknownExpectation));
    assert_eq!(Refusal::UnknownExpectation.status(), 417);
    let old = forwarded("GET / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert!(!old.contains("Expect"), "a server MUST ignore it in HTTP/1.0");
}

#[test]
fn connect_trace_and_options_for_the_server_are_not_forwarded() {
    // RFC 9110 section 9.3.6, 9.3.8 and 9.3.7
    for (line, refusal, status) in [
        ("CONNECT h:80", Refusal::ConnectNotSupported, 501),
        ("TRACE /", Refusal::TraceNotAllowed, 405),
        ("OPTIONS *", Refusal::FinalRecipient, 204),
    ] {
        assert_eq!(forwarded(&format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n")), Err(refusal));
        assert_eq!(refusal.status(), status);
    }
}

#[test]
fn max_forwards_is_decremented_and_0_is_not_forwarded() {
    // RFC 9110 section 7.6.2
    let options =
        |hops: &str| forwarded(&format!("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: {hops}\r\n\r\n"));
    assert!(options("3").unwrap().contains("\r\nMax-Forwards: 2\r\n"));
    assert_eq!(options("0"), Err(Refusal::FinalRecipient));
    let get = forwarded("GET / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n").unwrap();
    assert!(get.contains("\r\nMax-Forwards: 0\r\n"), "ignored for other methods");
}

#[test]
fn a_connection_that_is_not_persistent_says_close_to_the_backend() {
    // RFC 9112 section 9.6
    let head = request_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut encoder = Encoder::new();
    encoder.queue_request(&head, &host(), Persistence::Close);
    assert_eq!(encoder.queued(), b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_forwarding_loop_ends_at_the_field_limit() {
    // RFC 9110 section 7.6: no message is forwarded to oneself without protection from an endless loop. Each round adds a
    // Via line, and the number of lines is bounded.
    let mut input = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec();
    let mut rounds = 0;
    let refusal = loop {
        let mut decoder = Decoder::new();
        receive(&mut decoder, &input, &Limits::DEFAULT);
        let mut head = match decoder.decode_request(&Limits::DEFAULT) {
            Ok(head) => head.unwrap(),
            Err(refusal) => break refusal,
        };
        forward::request(&mut head, CLIENT, "proxy").unwrap();
        let mut encoder = Encoder::new();
        encoder.queue_request(&head, &host(), Persistence::KeepAlive);
        input = encoder.queued().to_vec();
        rounds += 1;
    };
    assert_eq!((refusal, refusal.status()), (Refusal::TooManyFields, 431));
    assert!((90..100).contains(&rounds), "{rounds} rounds");
}
