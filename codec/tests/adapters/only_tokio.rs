//! What only the adapter over tokio supports: dropped futures, and servers that stop. For idle clients see
//! `idle.rs`, for tunnels `tunnel.rs`.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::mpsc::channel;
use std::time::Duration;

use codec::tokio::{BackendConnection, ClientConnection, ClientStream, Connections};
use codec::{BackendAddress, BodyFraming, Limits, Piece, RequestHead};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::{LONG, backend, limits, read_until};

/// A connection, and the other end of it.
pub async fn client(connections: &mut Connections) -> (ClientConnection, TcpStream) {
    client_with(connections, limits(Limits::DEFAULT)).await
}

pub async fn client_with(
    connections: &mut Connections,
    limits: &'static Limits,
) -> (ClientConnection, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let stream = ClientStream { stream, guard: connections.guard() };
    (ClientConnection::new(stream, limits), other)
}

#[tokio::test]
async fn futures_that_read_may_be_dropped_at_every_byte() {
    let mut connections = Connections::new();
    let (mut connection, mut other) = client(&mut connections).await;
    let input =
        b"POST /path HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let head_ends = input.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let mut request = None;
    let mut body = Vec::new();
    let mut is_complete = false;
    for (index, byte) in input.iter().enumerate() {
        other.write_all(&[*byte]).await.unwrap();
        // Each future reads at most one byte before it is dropped.
        let step = async {
            if index == 0 {
                assert!(connection.wait_for_request().await);
            }
            if request.is_none() {
                request = Some(connection.read_request().await.unwrap());
            }
            let (mut pieces, _writer) = connection.split();
            while let Some(piece) = pieces.next_piece().await.unwrap() {
                body.extend_from_slice(piece.bytes());
                is_complete |= piece.is_last();
            }
        };
        let _ = timeout(Duration::from_millis(5), step).await;
        if index + 1 < head_ends {
            assert!(request.is_none());
        }
    }
    // In any order of bytes and drops, the rest is decoded without more bytes.
    if !is_complete {
        let (mut pieces, _writer) = connection.split();
        while let Some(piece) = timeout(LONG, pieces.next_piece()).await.unwrap().unwrap() {
            body.extend_from_slice(piece.bytes());
        }
    }
    assert_eq!(request.unwrap().path(), "/path");
    assert_eq!(body, b"hello");
}

#[tokio::test]
async fn an_idle_connection_ends_at_once_when_the_server_stops() {
    let mut connections = Connections::new();
    let (mut connection, _other) = client(&mut connections).await;
    let idle = tokio::spawn(async move { connection.wait_for_request().await });
    assert_eq!(connections.count(), 1);
    connections.close();
    assert!(!timeout(LONG, idle).await.unwrap().unwrap());
    timeout(LONG, connections.wait_for_fewer_than(1)).await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_is_answered_with_close_when_the_server_stops() {
    // RFC 9112 section 9.6
    let mut connections = Connections::new();
    let (mut connection, mut other) = client(&mut connections).await;
    other.write_all(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(connection.wait_for_request().await);
    let mut request = connection.read_request().await.unwrap();
    connections.close();
    let outcome = codec::forward::request(&mut request, connection.address(), "test").map_err(Into::into);
    connection.close_after_response();
    connection.finish(outcome, None).await;
    assert!(!connection.wait_for_request().await);
    connection.close().await;
    let mut answer = String::new();
    timeout(LONG, other.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn bytes_after_a_response_without_a_body_make_the_connection_stale() {
    // RFC 9112 section 6.3, rule 1: a broken backend sends a body after HEAD. The runtime has no time to be notified,
    // so only the kernel knows of the bytes.
    for (method, response) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (sends_body, body_is_due) = channel();
        let (body_sent, is_sent) = channel();
        let (address, _) = backend(move |mut stream| {
            read_until(&mut stream, "\r\n\r\n");
            stream.write_all(response.as_bytes()).unwrap();
            body_is_due.recv_timeout(LONG).unwrap();
            stream.write_all(b"hello").unwrap();
            body_sent.send(()).unwrap();
            // Keeps the connection open until the test ends.
            let _ = body_is_due.recv_timeout(LONG);
        });
        let address = BackendAddress::resolve(&address.to_string()).unwrap();
        let mut connection = BackendConnection::connect(&address, limits(Limits::DEFAULT)).await.unwrap();
        let request = RequestHead::new(method, "/", "h", BodyFraming::Empty).unwrap();
        let (mut to_backend, mut from_backend) = connection.split(&request);
        to_backend.write_head(&request);
        to_backend.write_piece(Piece::last(&[])).await.unwrap();
        from_backend.read_response().await.unwrap();
        while from_backend.next_piece().await.unwrap().is_some() {}
        drop((to_backend, from_backend));
        assert!(connection.is_reusable() && !connection.is_stale(), "{method}: {response}");

        // Without an `.await`, so that the runtime is not notified.
        sends_body.send(()).unwrap();
        is_sent.recv_timeout(LONG).unwrap();
        assert!(connection.is_stale(), "{method}: {response}");
    }
}
