//! What an intermediary changes, and what it must not (RFC 9110 sections 7.6 to 7.8 and 10.1).

use std::io;

use testkit::Connection;

use course::Ability;

use crate::case::{Act, Answer, Case, Check, HELLO, Reaches, forwarded, refused};

const HOP_BY_HOP: &str = "RFC 9110 section 7.6.1";
const UPGRADE: &str = "RFC 9110 section 7.8";

/// Sends a 100 once the client waits for it, and answers the body.
fn continues(connection: &mut Connection) -> io::Result<()> {
    connection.read_head()?;
    connection.wait_for_release()?;
    connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
    connection.read_body()?;
    connection.answer(HELLO)
}

/// Switches protocols, and sends back what comes.
fn switches(connection: &mut Connection) -> io::Result<()> {
    connection.read_head()?;
    connection.answer(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nup: ",
    )?;
    let (bytes, _) = connection.read_to_end()?;
    connection.send(bytes)
}

pub(crate) const CASES: &[Case] = &[
    forwarded(
        "a-field-that-connection-lists-is-removed",
        HOP_BY_HOP,
        get!("Connection: X-Secret\r\nX-Secret: 1\r\n"),
        &[Check::Absent("x-secret"), Check::ListsNot("connection", "x-secret")],
    ),
    forwarded(
        "fields-that-two-connection-lines-list-are-removed",
        HOP_BY_HOP,
        get!("Connection: keep-alive, X-A ,,\r\nconnection: x-b\r\nX-A: 1\r\nx-B: 2\r\nX-C: 3\r\n"),
        &[Check::Absent("x-a"), Check::Absent("x-b"), Check::Field("x-c", "3")],
    ),
    forwarded(
        "keep-alive-is-removed",
        HOP_BY_HOP,
        get!("Keep-Alive: timeout=5\r\n"),
        &[Check::Absent("keep-alive")],
    )
    .should(),
    forwarded(
        "proxy-connection-is-removed",
        HOP_BY_HOP,
        get!("Proxy-Connection: keep-alive\r\n"),
        &[Check::Absent("proxy-connection")],
    )
    .should(),
    forwarded(
        "proxy-authorization-is-removed",
        "RFC 9110 section 11.7.2",
        get!("Proxy-Authorization: Basic x\r\n"),
        &[Check::Absent("proxy-authorization")],
    )
    .ours(),
    forwarded(
        "te-is-removed",
        "RFC 9110 section 10.1.4",
        get!("TE: gzip\r\nConnection: TE\r\n"),
        &[Check::Absent("te")],
    ),
    forwarded(
        "te-trailers-is-forwarded-and-listed",
        "RFC 9110 section 10.1.4",
        get!("TE: gzip, trailers\r\nConnection: TE\r\n"),
        &[Check::Field("te", "trailers"), Check::Lists("connection", "te")],
    )
    .ours(),
    forwarded(
        "close-is-not-passed-through-as-a-field-name",
        HOP_BY_HOP,
        get!("Connection: close\r\nClose: 1\r\n"),
        &[Check::Field("close", "1")],
    )
    .ours(),
    refused("connection-must-not-list-host", HOP_BY_HOP, &[400], get!("Connection: close, Host\r\n")).ours(),
    refused(
        "connection-must-not-list-content-length",
        HOP_BY_HOP,
        &[400],
        post!("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello"),
    )
    .ours(),
    refused(
        "connection-must-not-list-transfer-encoding",
        HOP_BY_HOP,
        &[400],
        post!("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused("connection-must-not-list-via", HOP_BY_HOP, &[400], get!("Connection: via\r\n")).ours(),
    refused(
        "connection-must-not-list-x-forwarded-for",
        HOP_BY_HOP,
        &[400],
        get!("Connection: X-Forwarded-For\r\n"),
    )
    .ours(),
    // Where it came from, and how.
    forwarded("via-is-added", "RFC 9110 section 7.6.3", get!(""), &[Check::One("via")]),
    forwarded(
        "via-is-added-behind-earlier-ones",
        "RFC 9110 section 7.6.3",
        get!("Via: 1.0 first\r\n"),
        &[Check::Lists("via", "1.0 first"), Check::Members("via", 2)],
    ),
    forwarded(
        "via-has-the-version-that-was-received",
        "RFC 9110 section 7.6.3",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        &[Check::One("via"), Check::Raw(b"ia: 1.0 ")],
    ),
    forwarded(
        "x-forwarded-for-is-replaced",
        "RFC 7239 section 8.1",
        get!("X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n"),
        &[Check::Field("x-forwarded-for", "127.0.0.1")],
    )
    .ours(),
    forwarded(
        "x-forwarded-host-and-proto-are-replaced",
        "RFC 7239 section 8.1",
        get!("X-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /a\r\n"),
        &[
            Check::Field("x-forwarded-host", "example.test"),
            Check::Field("x-forwarded-proto", "http"),
            Check::Absent("x-forwarded-prefix"),
        ],
    )
    .ours(),
    forwarded(
        "forwarded-is-dropped",
        "RFC 7239 section 8.1",
        get!("Forwarded: for=1.2.3.4\r\n"),
        &[Check::Absent("forwarded")],
    )
    .ours(),
    forwarded(
        "x-forwarded-for-in-disguise-is-dropped",
        "RFC 7239 section 8.1",
        get!("X_Forwarded_For: 1.2.3.4\r\n"),
        &[Check::Absent("x_forwarded_for")],
    )
    .ours(),
    // Max-Forwards.
    forwarded(
        "max-forwards-of-options-is-counted-down",
        "RFC 9110 section 7.6.2",
        "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\n\r\n",
        &[Check::Field("max-forwards", "6")],
    ),
    forwarded(
        "options-with-max-forwards-0-is-answered-by-the-proxy",
        "RFC 9110 section 7.6.2",
        "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
        &[],
    )
    .with(&[200, 204])
    .reaching(Reaches::Nothing),
    forwarded(
        "max-forwards-of-get-is-left-alone",
        "RFC 9110 section 7.6.2",
        get!("Max-Forwards: 0\r\n"),
        &[Check::Field("max-forwards", "0")],
    )
    .ours(),
    // Expect.
    forwarded(
        "a-100-of-the-backend-reaches-a-client-that-waits-for-it",
        "RFC 9110 section 10.1.1",
        post!("Expect: 100-continue\r\nContent-Length: 4\r\n", ""),
        &[Check::Body("body"), Check::One("expect")],
    )
    .before(Answer::Script(continues))
    .then(&[Act::AwaitBackend(0), Act::Release, Act::ReadInterim(100), Act::Send("body")])
    .ours(),
    forwarded(
        "a-body-that-does-not-wait-for-the-100-is-forwarded",
        "RFC 9110 section 10.1.1",
        post!("Expect: 100-continue\r\nContent-Length: 4\r\n", "body"),
        &[Check::Body("body")],
    ),
    forwarded(
        "an-expectation-in-1-0-is-ignored",
        "RFC 9110 section 10.1.1",
        "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
        &[Check::Body("body"), Check::Absent("expect")],
    )
    .ours(),
    forwarded(
        "a-final-answer-in-the-place-of-a-100-is-forwarded",
        "RFC 9110 section 10.1.1",
        post!("Expect: 100-continue\r\nContent-Length: 4\r\n", ""),
        &[],
    )
    .before(Answer::Early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))
    .with(&[403])
    .reaching(Reaches::NothingWhole)
    .getting(&[Check::Body("no"), Check::Closes])
    .ours(),
    refused(
        "an-expectation-that-is-not-known-is-answered-417",
        "RFC 9110 section 10.1.1",
        &[417],
        get!("Expect: 200-ok\r\n"),
    )
    .ours(),
    refused(
        "an-expectation-with-a-parameter-is-answered-417",
        "RFC 9110 section 10.1.1",
        &[417],
        get!("Expect: 100-continue;x=y\r\n"),
    )
    .ours(),
    refused(
        "an-expectation-beside-100-continue-is-answered-417",
        "RFC 9110 section 10.1.1",
        &[417],
        get!("Expect: 100-continue\r\nExpect: x\r\n"),
    )
    .ours(),
    // Upgrade.
    forwarded(
        "upgrade-that-connection-does-not-list-is-not-forwarded",
        UPGRADE,
        get!("Upgrade: other/1\r\n"),
        &[Check::Absent("upgrade")],
    ),
    forwarded(
        "upgrade-in-1-0-is-ignored",
        UPGRADE,
        "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other/1\r\n\r\n",
        &[Check::Absent("upgrade")],
    ),
    forwarded(
        "an-upgrade-to-h2c-is-not-offered",
        UPGRADE,
        get!("Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
        &[Check::Absent("upgrade"), Check::Absent("http2-settings")],
    )
    .ours(),
    forwarded(
        "an-upgrade-is-offered-to-the-backend",
        UPGRADE,
        get!("Connection: Upgrade\r\nUpgrade: other/1, h2c\r\n"),
        &[Check::Field("upgrade", "other/1"), Check::Lists("connection", "upgrade")],
    )
    .needing(Ability::Upgrade)
    .ours(),
    forwarded(
        "behind-a-101-the-proxy-is-a-tunnel",
        UPGRADE,
        get!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        &[],
    )
    .before(Answer::Script(switches))
    .then(&[Act::AwaitBackend(0), Act::Send("bytes of "), Act::Send("another protocol")])
    .with(&[101])
    .getting(&[Check::Field("upgrade", "websocket"), Check::Lists("connection", "upgrade")])
    .reaching(Reaches::Anything)
    .then_rest("up: bytes of another protocol")
    .needing(Ability::Upgrade)
    .ours(),
    forwarded(
        "what-came-behind-an-upgrade-is-the-first-of-the-tunnel",
        UPGRADE,
        concat!(
            get!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
        &[],
    )
    .before(Answer::Script(switches))
    .with(&[101])
    .reaching(Reaches::Anything)
    .then_rest("up: GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    .needing(Ability::Upgrade)
    .ours(),
    forwarded("a-client-that-closes-its-side-is-answered", "RFC 9112 section 9.6", get!(""), &[])
        .before(Answer::Script(|connection| {
            connection.read_request()?;
            connection.wait_for_release()?;
            connection.answer(HELLO)
        }))
        .then(&[Act::AwaitBackend(0), Act::HalfClose, Act::Release])
        .ours(),
];
