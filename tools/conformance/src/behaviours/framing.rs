//! Requests whose body does not end where everybody agrees: what request smuggling is made of.

use crate::{Behaviour, Subject};
use testkit::{Backend, End};

use crate::behaviours::setup::{HELLO, Setup, assert_is_error};

pub(crate) const LIST: &[Behaviour] = behaviours![
    transfer_encoding_with_content_length_is_refused,
    a_content_length_that_is_no_decimal_number_is_refused,
    a_second_content_length_is_refused_even_if_it_is_equal,
    a_transfer_encoding_that_does_not_end_with_chunked_once_is_refused,
    a_transfer_coding_that_is_not_known_is_answered_501,
    transfer_encoding_in_http_1_0_is_refused,
    a_chunk_that_is_not_valid_is_refused_and_the_request_never_ends_at_the_backend,
    a_bad_chunk_behind_good_ones_is_answered_400,
    chunk_extensions_are_taken_off_and_trailers_are_passed_on,
    a_body_of_zero_bytes_is_said_as_the_client_said_it,
];

fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n{body}")
}

fn transfer_encoding_with_content_length_is_refused(subject: &Subject) {
    // RFC 9112 section 6.1: it "ought to be handled as an error".
    let setup = Setup::hello(subject);
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n";
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n",
    ] {
        setup.refuses(post(fields, smuggled), 400, "RFC 9112 section 6.1");
    }
}

fn a_content_length_that_is_no_decimal_number_is_refused(subject: &Subject) {
    // RFC 9112 section 6.3, rule 5: an invalid Content-Length is unrecoverable.
    let setup = Setup::hello(subject);
    for length in
        ["+5", "-1", "0x5", "5 5", "", "5,5", "5, 5", "1e1", "5.0", "18446744073709551621", "\u{665}", "5;"]
    {
        let request = post(&format!("Content-Length: {length}\r\n"), "hello");
        setup.refuses(request, 400, "RFC 9112 section 6.3");
    }
}

fn a_second_content_length_is_refused_even_if_it_is_equal(subject: &Subject) {
    // RFC 9112 section 6.3, rule 5: "unrecoverable", unless all are equal, which may be refused too.
    let setup = Setup::hello(subject);
    for second in ["5", "6", "05", "0"] {
        let request = post(&format!("Content-Length: 5\r\ncontent-length: {second}\r\n"), "hello");
        setup.refuses(request, 400, "RFC 9112 section 6.3");
    }
}

fn a_transfer_encoding_that_does_not_end_with_chunked_once_is_refused(subject: &Subject) {
    // RFC 9112 section 6.3, rule 4: the end of such a body cannot be found.
    let setup = Setup::hello(subject);
    for fields in [
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked;a=b\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\r\n",
    ] {
        setup.refuses(post(fields, "0\r\n\r\n"), 400, "RFC 9112 section 6.3");
    }
}

fn a_transfer_coding_that_is_not_known_is_answered_501(subject: &Subject) {
    // RFC 9112 section 6.1: "SHOULD respond with 501".
    let setup = Setup::hello(subject);
    for fields in
        ["Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: br\r\nTransfer-Encoding: chunked\r\n"]
    {
        setup.refuses(post(fields, "0\r\n\r\n"), 501, "RFC 9112 section 6.1");
    }
}

fn transfer_encoding_in_http_1_0_is_refused(subject: &Subject) {
    // RFC 9112 section 6.1: such a message must be treated as if its framing were faulty.
    let setup = Setup::hello(subject);
    let request = "POST / HTTP/1.0\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    setup.refuses(request, 400, "RFC 9112 section 6.1");
}

fn a_chunk_that_is_not_valid_is_refused_and_the_request_never_ends_at_the_backend(subject: &Subject) {
    // RFC 9112 section 7.1 and 7.1.1: chunk-size [ chunk-ext ] CRLF chunk-data CRLF.
    let setup = Setup::hello(subject);
    let long_extension = format!("5;a={}\r\nhello\r\n0\r\n\r\n", "x".repeat(300));
    let rows = [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a=\u{1}\r\nhello\r\n0\r\n\r\n",
        "5;a b\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
        "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
        &long_extension,
    ];
    for (index, body) in rows.iter().enumerate() {
        let request = post("Transfer-Encoding: chunked\r\n", body);
        let response = setup.exchange(&request);
        let shown = body.escape_default().to_string();
        assert_is_error(subject, &response, 400, "RFC 9112 section ", "http_request_error", &shown);
        setup.backend.wait_for_closed(index + 1).unwrap();
        let requests = setup.backend.requests();
        assert!(requests.iter().all(|request| request.ended != Some(End::Framed)), "{shown}: {requests:?}");
    }
}

fn a_bad_chunk_behind_good_ones_is_answered_400(subject: &Subject) {
    // RFC 9112 section 7.1: also if head and first chunk have reached the backend long ago.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_head()?;
            connection.read_body().map(drop)
        }),
    );
    let mut client = setup.client();
    client.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n")).unwrap();
    setup.backend.wait_for_body_bytes(5).unwrap();
    client.send("5\nworld\r\n0\r\n\r\n").unwrap();
    let response = client.read_response("POST").unwrap();
    assert_is_error(
        subject,
        &response,
        400,
        "RFC 9112 section 7.1",
        "http_request_error",
        "a bad second chunk",
    );
    setup.backend.wait_for_closed(1).unwrap();
    assert_eq!(setup.received().ended, Some(End::EndOfFile));
}

fn chunk_extensions_are_taken_off_and_trailers_are_passed_on(subject: &Subject) {
    // RFC 9112 section 7.1.1: unknown extensions are ignored. RFC 9110 section 6.5: trailers are not.
    let setup = Setup::hello(subject);
    let received = setup.forward(post(
        "Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n",
        "3;name=value\r\nhel\r\n02;a;b=\"c d\"\r\nlo\r\n000\r\nX-Checksum: 17\r\nContent-Length: 9\r\nHost: evil.test\r\n\r\n",
    ));
    assert_eq!(received.body, b"hello");
    assert_eq!(received.head.all("transfer-encoding"), ["chunked"]);
    assert_eq!(received.head.field("content-length"), None);
    assert_eq!(received.trailers.fields, [("X-Checksum".to_owned(), "17".to_owned())]);
    assert!(
        !String::from_utf8_lossy(&setup.backend.bytes()).contains(';'),
        "a chunk extension was passed on"
    );
}

fn a_body_of_zero_bytes_is_said_as_the_client_said_it(subject: &Subject) {
    // RFC 9110 section 8.6: `Content-Length: 0` says that a POST has no content.
    let cases = [
        ("Content-Length: 0\r\n", "", Some("0"), None),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", None, Some("chunked")),
        ("", "", None, None),
    ];
    for (fields, body, content_length, transfer_encoding) in cases {
        let setup = Setup::new(subject, Backend::good(HELLO));
        let received = setup.forward(post(fields, body));
        assert_eq!(received.head.field("content-length"), content_length, "{fields}");
        assert_eq!(received.head.field("transfer-encoding"), transfer_encoding, "{fields}");
        assert_eq!((received.body_bytes, received.ended), (0, Some(End::Framed)), "{fields}");
    }
}
