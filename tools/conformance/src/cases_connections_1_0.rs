//! Which connections of HTTP/1.0 stay open (RFC 9112 section 9.3).

use crate::case::{Answer, Case, Check, Reaches, connection};
use crate::cases_connections::CLOSES;

const PERSISTENCE: &str = "RFC 9112 section 9.3";
const KEPT: &[Check] = &[Check::Lists("connection", "keep-alive")];
const KEPT_TWICE: &str = "{GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n*2}";

pub(crate) const CASES: &[Case] = &[
    connection(
        "a-connection-of-1-0-ends",
        PERSISTENCE,
        concat!("GET /1 HTTP/1.0\r\nHost: a\r\n\r\n", next!("/2")),
        &["GET"],
        &[Check::Closes],
    ),
    connection(
        "the-last-response-of-a-connection-of-1-0-says-close",
        "RFC 9112 section 9.6",
        "GET /1 HTTP/1.0\r\nHost: a\r\n\r\n",
        &["GET"],
        CLOSES,
    )
    .ours(),
    connection(
        "a-connection-of-1-0-with-keep-alive-stays-open-and-says-keep-alive",
        PERSISTENCE,
        concat!(
            "GET /1 HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n",
            "GET /2 HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"
        ),
        &["GET"; 2],
        &[Check::Lists("connection", "keep-alive"), Check::Body("hello")],
    )
    .ours(),
    connection(
        "a-persistent-connection-of-1-0-stays-open-after-head",
        PERSISTENCE,
        "{HEAD / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n*2}",
        &["HEAD"; 2],
        KEPT,
    )
    .ours(),
    connection(
        "a-persistent-connection-of-1-0-stays-open-after-204",
        PERSISTENCE,
        KEPT_TWICE,
        &["GET"; 2],
        KEPT,
    )
    .before(Answer::Good("HTTP/1.1 204 No Content\r\n\r\n"))
    .with(&[204])
    .ours(),
    connection(
        "a-persistent-connection-of-1-0-stays-open-after-304",
        PERSISTENCE,
        KEPT_TWICE,
        &["GET"; 2],
        KEPT,
    )
    .before(Answer::Good("HTTP/1.1 304 Not Modified\r\n\r\n"))
    .with(&[304])
    .ours(),
    connection(
        "a-persistent-connection-of-1-0-stays-open-after-a-502",
        PERSISTENCE,
        KEPT_TWICE,
        &["GET"; 2],
        KEPT,
    )
    .before(Answer::Nobody)
    .with(&[502])
    .failing("connection_refused")
    .naming("RFC 9110 section 15.6.3")
    .reaching(Reaches::Nothing)
    .ours(),
    connection(
        "close-has-precedence-over-keep-alive-in-1-0",
        PERSISTENCE,
        concat!("GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", next!("/2")),
        &["GET"],
        CLOSES,
    ),
    connection(
        "a-connection-of-1-0-ends-after-a-body-of-unknown-length",
        PERSISTENCE,
        KEPT_TWICE,
        &["GET"],
        &[Check::Body("hello"), Check::Closes],
    )
    .before(Answer::Closing(ok!("", "hello"))),
];
