//! Which connections stay open, and what is served on them (RFC 9112 section 9).

use crate::case::{Act, Answer, Case, Check, Reaches, connection};

const PERSISTENCE: &str = "RFC 9112 section 9.3";
const PIPELINING: &str = "RFC 9112 section 9.3.2";
pub(crate) const CLOSES: &[Check] = &[Check::Lists("connection", "close"), Check::Closes];

/// Answers each request with its own request line, so that the order is visible.
fn repeats(connection: &mut testkit::Connection) -> std::io::Result<()> {
    while let Some(head) = connection.read_request()? {
        let line = head.start_line;
        let body = if line.starts_with("HEAD") { "" } else { line.as_str() };
        connection.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", line.len()))?;
    }
    Ok(())
}

const REPEATS: Answer = Answer::Script(repeats);

pub(crate) const CASES: &[Case] = &[
    connection(
        "a-connection-of-1-1-stays-open",
        PERSISTENCE,
        concat!(next!("/1"), next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS)
    .should(),
    connection(
        "pipelined-requests-are-answered-in-order",
        PIPELINING,
        concat!(next!("/1"), next!("/2"), next!("/3"), next!("/4")),
        &["GET"; 4],
        &[Check::Body("GET /4 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "a-get-after-a-head-gets-its-own-response",
        PIPELINING,
        concat!("HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n", next!("/2")),
        &["HEAD", "GET"],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "a-get-after-a-post-with-a-length-gets-its-own-response",
        PIPELINING,
        concat!(post!("Content-Length: 5\r\n", "hello"), next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "a-get-after-a-chunked-post-gets-its-own-response",
        PIPELINING,
        concat!(post!("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nA: b\r\n\r\n"), next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "a-body-that-looks-like-a-request-is-not-served",
        PIPELINING,
        concat!(
            post!("Content-Length: 37\r\n", "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r"),
            "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "a-get-after-an-upgrade-that-is-not-accepted-gets-its-own-response",
        "RFC 9110 section 7.8",
        concat!(get!("Connection: Upgrade\r\nUpgrade: other/1\r\n"), next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS),
    connection(
        "an-empty-line-between-requests-is-skipped",
        "RFC 9112 section 2.2",
        concat!(post!("Content-Length: 5\r\n", "hello"), "\r\n", next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS)
    .should(),
    connection(
        "a-connection-stays-open-after-options-for-the-proxy",
        PERSISTENCE,
        concat!("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS)
    .with(&[200, 204])
    .reaching(Reaches::Whole(1))
    .ours(),
    connection(
        "a-client-that-pipelines-and-half-closes-gets-all-responses",
        "RFC 9112 section 9.6",
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*20}",
        &["GET"; 20],
        &[Check::Body("hello"), Check::Closes],
    )
    .then(&[Act::HalfClose])
    .ours(),
    // What ends a connection.
    connection(
        "close-of-a-request-ends-the-connection",
        "RFC 9112 section 9.6",
        concat!(get!("Connection: close\r\n"), next!("/2")),
        &["GET"],
        CLOSES,
    ),
    connection(
        "close-among-other-options-ends-the-connection",
        "RFC 9112 section 9.6",
        concat!(get!("Connection: keep-alive, Close\r\n"), next!("/2")),
        &["GET"],
        CLOSES,
    ),
    connection(
        "close-in-a-second-connection-line-ends-the-connection",
        "RFC 9112 section 9.6",
        concat!(get!("Connection: x\r\nConnection: close\r\n"), next!("/2")),
        &["GET"],
        CLOSES,
    ),
    connection(
        "close-of-the-second-request-ends-the-connection-after-it",
        "RFC 9112 section 9.6",
        concat!(next!("/1"), get!("Connection: close\r\n"), next!("/3")),
        &["GET"; 2],
        CLOSES,
    ),
    connection(
        "versions-may-change-on-a-connection",
        "RFC 9112 section 2.3",
        concat!("GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", next!("/2")),
        &["GET"; 2],
        &[Check::Body("GET /2 HTTP/1.1")],
    )
    .before(REPEATS)
    .ours(),
    // Responses after which the connection stays open.
    connection(
        "a-connection-stays-open-after-204",
        PERSISTENCE,
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[],
    )
    .before(Answer::Good("HTTP/1.1 204 No Content\r\n\r\n"))
    .with(&[204]),
    connection(
        "a-connection-stays-open-after-304-with-a-length",
        PERSISTENCE,
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[],
    )
    .before(Answer::Good("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"))
    .with(&[304]),
    connection(
        "a-connection-stays-open-after-a-chunked-response",
        PERSISTENCE,
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[Check::Body("hello")],
    )
    .before(Answer::Good(ok!("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"))),
    connection(
        "close-of-the-backend-does-not-end-the-connection-of-the-client",
        "RFC 9110 section 7.6.1",
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[Check::Body("hello"), Check::ListsNot("connection", "close")],
    )
    .before(Answer::Closing(ok!("Connection: close\r\nContent-Length: 5\r\n", "hello")))
    .ours(),
    connection(
        "a-connection-stays-open-after-a-close-delimited-response",
        PERSISTENCE,
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[Check::Body("hello"), Check::Delimited],
    )
    .before(Answer::Closing(ok!("", "hello")))
    .ours(),
    connection(
        "a-connection-stays-open-after-a-502",
        PERSISTENCE,
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*2}",
        &["GET"; 2],
        &[],
    )
    .before(Answer::Nobody)
    .with(&[502])
    .failing("connection_refused")
    .naming("RFC 9110 section 15.6.3")
    .reaching(Reaches::Nothing)
    .ours(),
    connection(
        "bytes-after-a-response-are-not-the-next-response",
        "RFC 9112 section 9.2",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        &["GET"; 2],
        &[Check::Body("hello")],
    )
    .before(Answer::Good(ok!(
        "Content-Length: 5\r\n",
        "helloHTTP/1.1 404 Evil\r\nContent-Length: 0\r\n\r\n"
    ))),
];
