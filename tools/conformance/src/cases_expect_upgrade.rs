//! `Expect` and `Upgrade` (RFC 9110 sections 10.1.1 and 7.8), and clients that half-close.

use std::io;

use testkit::Connection;

use course::Ability;

use crate::case::{Act, Answer, Case, Check, HELLO, Reaches, forwarded, refused};

const UPGRADE: &str = "RFC 9110 section 7.8";

/// Sends a 100 once the client waits for it, then answers the body.
fn continues(connection: &mut Connection) -> io::Result<()> {
    connection.read_head()?;
    connection.wait_for_release()?;
    connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
    connection.read_body()?;
    connection.answer(HELLO)
}

/// Switches protocols and echoes all bytes.
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
        "a-final-response-instead-of-a-100-is-forwarded",
        "RFC 9110 section 10.1.1",
        post!("Expect: 100-continue\r\nContent-Length: 4\r\n", ""),
        &[],
    )
    .before(Answer::Early("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))
    .with(&[403])
    .reaching(Reaches::NothingWhole)
    .getting(&[Check::Body("no"), Check::Closes])
    .ours(),
    forwarded(
        "a-success-instead-of-a-100-ends-the-connection",
        "RFC 9110 section 10.1.1",
        post!("Expect: 100-continue\r\nContent-Length: 4\r\n", ""),
        &[],
    )
    .before(Answer::Early(concat!(
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        ok!("Transfer-Encoding: chunked\r\n", "2\r\nno\r\n0\r\n\r\n")
    )))
    .reaching(Reaches::NothingWhole)
    .getting(&[Check::Body("no"), Check::Lists("connection", "close"), Check::Closes])
    .ours(),
    refused(
        "an-unknown-expectation-is-answered-417",
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
        "an-upgrade-to-h2c-is-removed",
        UPGRADE,
        get!("Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
        &[Check::Absent("upgrade"), Check::Absent("http2-settings")],
    )
    .ours(),
    forwarded(
        "an-upgrade-is-forwarded",
        UPGRADE,
        get!("Connection: Upgrade\r\nUpgrade: other/1, h2c\r\n"),
        &[Check::Field("upgrade", "other/1"), Check::Lists("connection", "upgrade")],
    )
    .needing(Ability::Upgrade)
    .ours(),
    forwarded(
        "a-protocol-that-is-not-a-token-is-removed",
        UPGRADE,
        get!("Connection: Upgrade\r\nUpgrade: other/1, a b/1, other/(2\r\n"),
        &[Check::Field("upgrade", "other/1")],
    )
    .needing(Ability::Upgrade)
    .ours(),
    forwarded(
        "after-a-101-the-proxy-is-a-tunnel",
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
        "bytes-after-an-upgrade-request-are-sent-into-the-tunnel",
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
    forwarded("a-half-closed-client-is-answered", "RFC 9112 section 9.6", get!(""), &[])
        .before(Answer::Script(|connection| {
            connection.read_request()?;
            connection.wait_for_release()?;
            connection.answer(HELLO)
        }))
        .then(&[Act::AwaitBackend(0), Act::HalfClose, Act::Release])
        .ours(),
    forwarded(
        "a-client-that-half-closes-after-a-body-is-answered",
        "RFC 9112 section 9.6",
        post!("Content-Length: 4\r\n", "body"),
        &[Check::Body("body")],
    )
    .then(&[Act::HalfClose])
    .ours(),
];
