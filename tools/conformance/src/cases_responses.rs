//! Valid responses: interim responses, responses without a body, and the new framing of bodies.

use course::Ability;

use crate::case::{Act, Answer, Case, Check, Ends, HELLO, answered};

use Answer::{Closing, Good};

const INTERIM: &str = "RFC 9110 section 15.2";
const LENGTH: &str = "RFC 9112 section 6.3";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: example.test\r\n\r\n";
const GET_1_0: &str = "GET / HTTP/1.0\r\nHost: example.test\r\n\r\n";

/// `$count` early hints and a final response.
macro_rules! hints {
    ($count:literal) => {
        concat!(
            "{HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n*",
            $count,
            "}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        )
    };
}

const WITH_TRAILERS: Answer = Good(ok!(
    "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n",
    "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n"
));

pub(crate) const CASES: &[Case] = &[
    answered(
        "a-response-with-content-length-is-forwarded",
        LENGTH,
        Good(HELLO),
        &[200],
        &[Check::Body("hello"), Check::StartLine("HTTP/1.1 200 OK"), Check::Field("content-length", "5")],
    ),
    answered(
        "a-chunked-response-is-forwarded",
        LENGTH,
        Good(ok!("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3;a\r\nllo\r\n0\r\n\r\n")),
        &[200],
        &[Check::Body("hello"), Check::Delimited],
    ),
    answered(
        "an-empty-response-is-forwarded",
        LENGTH,
        Good(ok!("Content-Length: 0\r\n", "")),
        &[200],
        &[Check::Body("")],
    ),
    answered(
        "a-response-of-200000-bytes-is-forwarded",
        LENGTH,
        Good(ok!("Content-Length: 200000\r\n", "{a*200000}")),
        &[200],
        &[Check::Body("{a*200000}")],
    ),
    answered(
        "a-close-delimited-body-is-chunked-for-a-client-of-1-1",
        LENGTH,
        Closing(ok!("X: y\r\n", "hello")),
        &[200],
        &[Check::Body("hello"), Check::Delimited],
    )
    .ours(),
    answered(
        "a-body-that-a-half-close-ends-is-complete",
        LENGTH,
        Answer::Parts(ok!("X: y\r\n", "hel"), "lo", Ends::HalfClosing),
        &[200],
        &[Check::Body("hello"), Check::Delimited],
    )
    .ours(),
    answered(
        "a-response-is-forwarded-before-it-is-complete",
        "RFC 9110 section 7.6",
        Answer::Parts(
            ok!("Content-Type: text/event-stream\r\n", "data: 1\n\n"),
            "data: 2\n\n",
            Ends::Closing,
        ),
        &[200],
        &[Check::Body("data: 1\n\ndata: 2\n\n")],
    )
    .ours(),
    answered(
        "a-close-delimited-body-reaches-a-client-of-1-0",
        LENGTH,
        Closing(ok!("X: y\r\n", "hello")),
        &[200],
        &[Check::Body("hello"), Check::Absent("transfer-encoding"), Check::Closes],
    )
    .sending(GET_1_0),
    answered(
        "a-chunked-body-is-decoded-for-a-client-of-1-0",
        "RFC 9112 section 7",
        WITH_TRAILERS,
        &[200],
        &[Check::Body("hello"), Check::Absent("transfer-encoding"), Check::Closes],
    )
    .sending(GET_1_0),
    answered(
        "a-chunked-body-is-decoded-for-a-client-of-1-0-with-keep-alive",
        "RFC 9112 section 7",
        WITH_TRAILERS,
        &[200],
        &[Check::Body("hello"), Check::Absent("transfer-encoding"), Check::Closes],
    )
    .sending("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
    answered(
        "trailers-reach-a-client-of-1-1",
        "RFC 9110 section 6.5",
        WITH_TRAILERS,
        &[200],
        &[Check::Body("hello"), Check::Trailers(&[("X-Sum", "1")])],
    )
    .ours(),
    answered(
        "trailers-of-a-response-that-frame-are-not-forwarded",
        "RFC 9110 section 6.5.1",
        Good(ok!(
            "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nSet-Cookie: y\r\n\r\n"
        )),
        &[200],
        &[Check::Body("hello"), Check::Trailers(&[])],
    ),
    // Without a body.
    answered(
        "head-gets-the-length-that-get-would-have",
        "RFC 9110 section 8.6",
        Good(ok!("Content-Length: 1234\r\n", "")),
        &[200],
        &[Check::Field("content-length", "1234"), Check::Body("")],
    )
    .sending(HEAD)
    .to(&["HEAD"])
    .should(),
    answered(
        "head-gets-no-body-of-a-chunked-response",
        LENGTH,
        Good(ok!("Transfer-Encoding: chunked\r\n", "")),
        &[200],
        &[Check::Body(""), Check::Absent("content-length")],
    )
    .sending(HEAD)
    .to(&["HEAD"]),
    answered(
        "head-gets-no-body-that-the-backend-sends",
        "RFC 9110 section 9.3.2",
        Good(HELLO),
        &[200],
        &[Check::Body("")],
    )
    .sending(HEAD)
    .to(&["HEAD"]),
    answered(
        "204-has-no-content-length",
        "RFC 9110 section 8.6",
        Good("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
        &[204],
        &[Check::Absent("content-length")],
    ),
    answered(
        "204-has-no-transfer-encoding",
        "RFC 9112 section 6.1",
        Good("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        &[204],
        &[Check::Absent("transfer-encoding")],
    ),
    answered("204-has-no-body", LENGTH, Good("HTTP/1.1 204 No Content\r\n\r\nhello"), &[204], &[]),
    answered(
        "304-has-no-body-and-may-have-a-length",
        LENGTH,
        Good("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n"),
        &[304],
        &[Check::Field("etag", "\"a\"")],
    ),
    answered(
        "304-has-no-body-that-the-backend-sends",
        LENGTH,
        Good("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        &[304],
        &[],
    ),
    answered(
        "the-length-of-a-304-is-kept",
        "RFC 9110 section 8.6",
        Good("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        &[304],
        &[Check::Field("content-length", "5")],
    )
    .ours(),
    answered(
        "a-304-without-a-length-gets-none",
        "RFC 9110 section 8.6",
        Good("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
        &[304],
        &[Check::Absent("content-length"), Check::Absent("transfer-encoding")],
    ),
    // Interim responses.
    answered(
        "an-interim-response-reaches-a-client-of-1-1",
        INTERIM,
        Good(hints!("1")),
        &[200],
        &[Check::Interim(&[103]), Check::Body("hello")],
    ),
    answered(
        "the-fields-of-an-interim-response-are-kept",
        INTERIM,
        Good(hints!("2")),
        &[200],
        &[Check::Interim(&[103; 2]), Check::InterimField("link", "</a>")],
    ),
    answered(
        "an-interim-response-does-not-wait-for-the-final-one",
        "RFC 8297 section 2",
        Answer::Script(|connection| {
            connection.read_request()?;
            connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")?;
            connection.wait_for_release()?;
            connection.answer(HELLO)
        }),
        &[200],
        &[Check::Body("hello")],
    )
    .then(&[Act::ReadInterim(103), Act::Release])
    .ours(),
    answered(
        "an-interim-response-does-not-reach-a-client-of-1-0",
        INTERIM,
        Good(hints!("1")),
        &[200],
        &[Check::Interim(&[]), Check::Body("hello")],
    )
    .sending(GET_1_0),
    answered(
        "an-unknown-interim-response-is-forwarded",
        INTERIM,
        Good(concat!("HTTP/1.1 199 What\r\n\r\n", ok!("Content-Length: 5\r\n", "hello"))),
        &[200],
        &[Check::Interim(&[199]), Check::Body("hello")],
    ),
    answered(
        "an-unrequested-100-may-be-forwarded",
        INTERIM,
        Good(concat!("HTTP/1.1 100 Continue\r\n\r\n", ok!("Content-Length: 5\r\n", "hello"))),
        &[200],
        &[Check::Body("hello")],
    ),
    answered(
        "a-hundred-interim-responses-are-forwarded",
        INTERIM,
        Good(hints!("100")),
        &[200],
        &[Check::Interim(&[103; 100]), Check::Body("hello")],
    ),
    answered("too-many-interim-responses-are-answered-502", INTERIM, Good(hints!("10001")), &[502], &[])
        .failing("http_protocol_error")
        .ours(),
    answered(
        "an-unrequested-101-is-answered-502",
        "RFC 9110 section 15.2.2",
        Good("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
        &[502],
        &[],
    )
    .failing("http_protocol_error")
    .ours(),
    answered(
        "an-interim-response-has-no-body-in-spite-of-its-fields",
        "RFC 9112 section 6.3",
        Good(
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n\
             HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ),
        &[200],
        &[Check::Body("hello")],
    ),
    answered(
        "a-101-that-names-no-protocol-is-answered-502",
        "RFC 9110 section 15.2.2",
        Good("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n"),
        &[502],
        &[],
    )
    .failing("http_protocol_error")
    .sending(get!("Connection: upgrade\r\nUpgrade: websocket\r\n"))
    .needing(Ability::Upgrade)
    .ours(),
];
