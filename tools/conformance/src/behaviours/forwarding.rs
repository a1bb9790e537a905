//! What is changed in a request on its way, and what a proxy answers by itself.

use crate::{Behaviour, Subject};
use testkit::Backend;

use crate::behaviours::setup::{HELLO, Setup, assert_is_error, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    fields_keep_their_order_spelling_and_values,
    bytes_over_127_in_a_value_are_passed_on,
    the_host_of_an_absolute_form_target_wins,
    fields_of_one_hop_do_not_reach_the_backend,
    fields_of_one_hop_do_not_reach_the_client,
    connection_must_not_name_a_field_that_is_for_all_recipients,
    te_is_passed_on_as_trailers_alone,
    via_is_added_with_the_version_that_was_received,
    what_a_client_says_of_its_origin_is_replaced,
    a_request_of_http_1_0_without_host_gets_the_backends,
    a_100_of_the_backend_reaches_the_client_before_the_body_is_sent,
    a_final_answer_instead_of_a_100_reaches_a_client_that_waits_with_its_body,
    a_body_that_does_not_wait_for_the_100_is_passed_on,
    an_expectation_that_is_not_known_is_answered_417,
    connect_and_trace_are_not_passed_on,
    options_for_the_proxy_itself_is_answered_204,
    max_forwards_of_options_is_counted_down,
];

fn with(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n")
}

fn fields_keep_their_order_spelling_and_values(subject: &Subject) {
    // RFC 9110 section 5.3: the order of fields with the same name matters.
    let setup = Setup::hello(subject);
    let received = setup.forward(
        "GET /a//b/../c?d=%20&e HTTP/1.1\r\nHost: example.test\r\nx-LOWER: 1\r\nAccept: a\r\nAccept:\tb \t\r\nEmpty:\r\nCookie: c=\"d\"; e\r\n\r\n",
    );
    // RFC 9112 section 3.2.1: path and query leave as they came.
    assert_eq!(received.head.start_line, "GET /a//b/../c?d=%20&e HTTP/1.1");
    assert_eq!(received.head.all("accept"), ["a", "b"]);
    assert_eq!(received.head.field("cookie"), Some("c=\"d\"; e"));
    assert_eq!(received.head.field("empty"), Some(""));
    assert!(received.head.fields.iter().any(|(name, _)| name == "x-LOWER"));
    // RFC 9110 section 7.2: Host is best the first field.
    assert_eq!(received.head.fields[0].0, "Host");
}

fn bytes_over_127_in_a_value_are_passed_on(subject: &Subject) {
    // RFC 9110 section 5.5: obs-text is opaque data.
    let setup = Setup::hello(subject);
    setup.exchange(b"GET / HTTP/1.1\r\nHost: example.test\r\nA: \xe4\xff\r\n\r\n");
    let received = setup.received();
    assert!(received.head.raw.windows(7).any(|window| window == b"A: \xe4\xff\r\n"));
}

fn the_host_of_an_absolute_form_target_wins(subject: &Subject) {
    // RFC 9112 section 3.2.2: it replaces Host; section 3.2.1: a backend gets origin-form.
    for (line, sent, host) in [
        ("GET http://other.test:81/p?q", "GET /p?q HTTP/1.1", "other.test:81"),
        ("GET HTTP://other.test", "GET / HTTP/1.1", "other.test"),
        ("GET http://other.test?q", "GET /?q HTTP/1.1", "other.test"),
        // RFC 9112 section 3.2.4: OPTIONS without path and query is for the server.
        ("OPTIONS http://other.test", "OPTIONS * HTTP/1.1", "other.test"),
    ] {
        let setup = Setup::hello(subject);
        let received = setup.forward(format!("{line} HTTP/1.1\r\nHost: example.test\r\n\r\n"));
        assert_eq!(received.head.start_line, sent);
        assert_eq!(received.head.all("host"), [host]);
        assert_eq!(received.head.all("x-forwarded-host"), [host]);
    }
}

fn fields_of_one_hop_do_not_reach_the_backend(subject: &Subject) {
    // RFC 9110 section 7.6.1: Connection, what it lists, and fields that are known to be hop-by-hop.
    let setup = Setup::hello(subject);
    let received = setup.forward(with(
        "Connection: keep-alive, X-Secret ,,\r\nconnection: x-other\r\nX-Secret: 1\r\nx-OTHER: 2\r\nX-Kept: 3\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: gzip\r\n",
    ));
    for name in ["x-secret", "x-other", "keep-alive", "proxy-connection", "proxy-authorization", "te"] {
        assert_eq!(received.head.field(name), None, "{name}");
    }
    assert_eq!(received.head.field("x-kept"), Some("3"));
    assert!(!received.head.all("connection").iter().any(|value| value.contains("secret")));
}

fn fields_of_one_hop_do_not_reach_the_client(subject: &Subject) {
    // RFC 9110 section 7.6.1: in responses too.
    let setup = Setup::new(
        subject,
        Backend::good(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: X-Secret\r\nX-Secret: 1\r\nX-Kept: 3\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\n\r\nhello",
        ),
    );
    let response = setup.exchange(with(""));
    for name in ["x-secret", "keep-alive", "proxy-connection", "proxy-authenticate", "upgrade"] {
        assert_eq!(response.field(name), None, "{name}");
    }
    assert_eq!((response.field("x-kept"), response.text().as_str()), (Some("3"), "hello"));
}

fn connection_must_not_name_a_field_that_is_for_all_recipients(subject: &Subject) {
    // RFC 9110 section 7.6.1: a client that lists one wants it removed after its back.
    let setup = Setup::hello(subject);
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Via",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-Forwarded-X",
    ] {
        let fields = format!("Connection: close, {name}\r\nX-Forwarded-For: 1.2.3.4\r\n");
        setup.refuses(with(&fields), 400, "RFC 9110 section 7.6.1");
    }
}

fn te_is_passed_on_as_trailers_alone(subject: &Subject) {
    // RFC 9110 section 10.1.4: TE is of this hop, and has to be listed in Connection.
    for (te, sent) in
        [("trailers", Some("trailers")), ("gzip, Trailers;q=1", None), ("gzip, trailers", Some("trailers"))]
    {
        let setup = Setup::hello(subject);
        let received = setup.forward(with(&format!("TE: {te}\r\nConnection: TE\r\n")));
        assert_eq!(received.head.field("te"), sent, "{te}");
        let is_listed = received.head.all("connection").join(",").to_lowercase().contains("te");
        assert_eq!(is_listed, sent.is_some(), "{te}");
    }
}

fn via_is_added_with_the_version_that_was_received(subject: &Subject) {
    // RFC 9110 section 7.6.3: a proxy MUST add itself, after those before it.
    let setup = Setup::hello(subject);
    let received = setup.forward(with("Via: 1.0 first\r\n"));
    assert_eq!(received.head.all("via"), ["1.0 first", &format!("1.1 {}", subject.name)]);

    let setup = Setup::hello(subject);
    let received = setup.forward("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(received.head.all("via"), [format!("1.0 {}", subject.name)]);

    let setup =
        Setup::new(subject, Backend::good("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nVia: 1.1 x\r\n\r\n"));
    let response = setup.exchange(with(""));
    assert_eq!(response.head.all("via"), ["1.1 x", &format!("1.0 {}", subject.name)]);
    // RFC 9110 section 2.5: the version is that of who sends.
    assert_eq!(response.head.start_line, "HTTP/1.1 200 OK");
}

fn what_a_client_says_of_its_origin_is_replaced(subject: &Subject) {
    // RFC 7239 section 8.1: it can be forged.
    let setup = Setup::hello(subject);
    let received = setup.forward(with(
        "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\nX-Forwarded-Host: evil\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /a\r\nForwarded: for=1.2.3.4\r\n",
    ));
    assert_eq!(received.head.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(received.head.all("x-forwarded-host"), ["example.test"]);
    assert_eq!(received.head.all("x-forwarded-proto"), ["http"]);
    assert_eq!(received.head.field("x-forwarded-prefix"), None);
    assert_eq!(received.head.field("forwarded"), None);
}

fn a_request_of_http_1_0_without_host_gets_the_backends(subject: &Subject) {
    // RFC 9112 section 3.2: a request of HTTP/1.1, which the proxy sends, has a Host.
    let setup = Setup::hello(subject);
    let received = setup.forward("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(received.head.start_line, "GET / HTTP/1.1");
    assert_eq!(received.head.all("host"), [setup.backend.address().to_string()]);
    assert_eq!(received.head.field("x-forwarded-host"), None);
}

fn a_100_of_the_backend_reaches_the_client_before_the_body_is_sent(subject: &Subject) {
    // RFC 9110 section 10.1.1: a proxy forwards Expect and the 100, and never invents one.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_head()?;
            connection.wait_for_release()?;
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
            connection.read_body()?;
            connection.answer(HELLO)
        }),
    );
    let mut client = setup.client();
    client
        .send("POST / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n")
        .unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_head().unwrap().unwrap().status, 100);
    assert_eq!(setup.received().body_bytes, 0);
    client.send("body").unwrap();
    let response = client.read_response("POST").unwrap();
    assert_eq!((response.status, response.interim.len(), response.text().as_str()), (200, 0, "hello"));
    assert_eq!(setup.received().head.field("expect"), Some("100-Continue"));
    assert_eq!(setup.received().body, b"body");
}

fn a_final_answer_instead_of_a_100_reaches_a_client_that_waits_with_its_body(subject: &Subject) {
    // RFC 9110 section 10.1.1: the client may then never send the body, whatever the status.
    for (answer, status) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
        ("HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 2\r\n\r\nno", 307),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 200),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            202,
        ),
    ] {
        let setup = Setup::new(subject, Backend::early(answer));
        let mut client = setup.client();
        client
            .send(
                "POST / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
            )
            .unwrap();
        let response = client.read_response("POST").unwrap();
        assert_eq!((response.status, response.text().as_str()), (status, "no"));
        // The request never ended, so its connection cannot be used for another.
        assert!(says_close(&response), "{status}");
        setup.backend.wait_for_closed(1).unwrap();
    }
}

fn a_body_that_does_not_wait_for_the_100_is_passed_on(subject: &Subject) {
    // RFC 9110 section 10.1.1: a client may send it at any time.
    let setup = Setup::hello(subject);
    let received = setup.forward(
        "POST / HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
    );
    assert_eq!(received.body, b"body");
}

fn an_expectation_that_is_not_known_is_answered_417(subject: &Subject) {
    // RFC 9110 section 10.1.1: 417.
    let setup = Setup::hello(subject);
    setup.refuses(with("Expect: 200-ok\r\n"), 417, "RFC 9110 section 10.1.1");
    setup.refuses(with("Expect: 100-continue, x\r\n"), 417, "RFC 9110 section 10.1.1");
}

fn connect_and_trace_are_not_passed_on(subject: &Subject) {
    let setup = Setup::hello(subject);
    // RFC 9110 section 9.3.6: 501 from who does not implement it.
    setup.refuses("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 501, "RFC 9110 section 9.3.6");
    // RFC 9110 section 9.3.8: it would show what the proxy added; section 15.5.6: 405 lists what is allowed.
    let response = setup.exchange("TRACE / HTTP/1.1\r\nHost: example.test\r\n\r\n");
    assert_is_error(subject, &response, 405, "RFC 9110 section 9.3.8", "http_request_error", "TRACE");
    assert!(response.field("allow").unwrap().contains("GET"));
    assert_eq!(setup.backend.accepted(), 0);
}

fn options_for_the_proxy_itself_is_answered_204(subject: &Subject) {
    // RFC 9110 section 9.3.7: `*` is the server that it reaches; section 7.6.2: so is Max-Forwards: 0.
    let setup = Setup::hello(subject);
    for request in [
        "OPTIONS * HTTP/1.1\r\nHost: example.test\r\n\r\n",
        "OPTIONS /a HTTP/1.1\r\nHost: example.test\r\nMax-Forwards: 0\r\n\r\n",
    ] {
        let response = setup.exchange(request);
        assert_eq!(response.status, 204, "{request}");
        assert!(response.field("allow").unwrap().contains("OPTIONS"), "{request}");
    }
    assert_eq!(setup.backend.accepted(), 0);
}

fn max_forwards_of_options_is_counted_down(subject: &Subject) {
    // RFC 9110 section 7.6.2: one less for TRACE and OPTIONS; other methods may ignore it.
    for (method, sent) in [("OPTIONS", "6"), ("GET", "7")] {
        let setup = Setup::hello(subject);
        let received =
            setup.forward(format!("{method} /a HTTP/1.1\r\nHost: example.test\r\nMax-Forwards: 7\r\n\r\n"));
        assert_eq!(received.head.all("max-forwards"), [sent]);
        assert_eq!(received.head.start_line, format!("{method} /a HTTP/1.1"));
    }
}
