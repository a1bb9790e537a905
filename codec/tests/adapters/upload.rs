//! The effect of a response on an incomplete upload. The test runs the steps of an exchange one by one, so it
//! determines their order.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use codec::tokio::{ClientStream, Connections};
use codec::{BackendAddress, Limits, Piece, blocking as over_std, tokio as over_tokio};

use crate::proxy::Adapter;
use crate::{LONG, backend, limits, read_until};

on_both_adapters! {
    a_body_that_was_read_before_a_success_instead_of_a_100_reaches_the_backend,
    a_success_after_a_failed_upload_says_close,
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nok\n";

fn put(fields: &str) -> String {
    format!("PUT / HTTP/1.1\r\nHost: h\r\n{fields}Content-Length: 5\r\n\r\nhello")
}

fn a_body_that_was_read_before_a_success_instead_of_a_100_reaches_the_backend(adapter: Adapter) {
    // RFC 9110 section 10.1.1: the client did not wait for the 100. The response does not say `close`, so the backend
    // must receive the complete body.
    let (address, received) = backend(|mut stream| {
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        read_until(&mut stream, "hello")
    });
    let answer = answer(adapter, &put("Expect: 100-continue\r\n"), address, None);
    assert!(!answer.contains("Connection: close"), "{answer}");
    assert!(received.recv_timeout(LONG).unwrap().ends_with("\r\n\r\nhello"));
}

fn a_success_after_a_failed_upload_says_close(adapter: Adapter) {
    // RFC 9112 section 9.6: the backend has not received the complete request, so the connection ends.
    let (address, has_reset) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\nhe");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let answer = answer(adapter, &put(""), address, Some(has_reset));
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

/// The response to a request that is first read to its end. Without `has_reset` the proxy forwards the response and
/// then the body. With it, the backend resets after two bytes of the body, and then the response is forwarded.
fn answer(adapter: Adapter, request: &str, backend: SocketAddr, has_reset: Option<Receiver<()>>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let backend = BackendAddress::resolve(&backend.to_string()).unwrap();
    match adapter {
        Adapter::Blocking => exchange_over_std(stream, &backend, has_reset),
        _ => {
            let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(exchange_over_tokio(stream, &backend, has_reset));
        }
    }
    read_until(&mut client, "ok\n")
}

fn exchange_over_std(stream: TcpStream, backend: &BackendAddress, has_reset: Option<Receiver<()>>) {
    let mut client = over_std::ClientConnection::new(stream, limits(Limits::DEFAULT));
    assert!(client.wait_for_request());
    let request = client.read_request().unwrap();
    let mut backend = over_std::BackendConnection::connect(backend, limits(Limits::DEFAULT)).unwrap();
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    let (mut body, mut is_read) = (Vec::new(), false);
    while !is_read {
        let piece = request_body.next_piece().unwrap().unwrap();
        body.extend_from_slice(piece.bytes());
        is_read = piece.is_last();
    }
    let mut respond = || {
        to_client.write_head(&from_backend.read_response().unwrap());
        while let Some(piece) = from_backend.next_piece().unwrap() {
            to_client.write_piece(piece).unwrap();
        }
    };
    if let Some(has_reset) = has_reset {
        to_backend.write_piece(Piece::partial(&body[..2])).unwrap();
        has_reset.recv_timeout(LONG).unwrap();
        to_backend.write_piece(Piece::last(&body[2..])).unwrap_err();
        drop((request_body, to_backend));
        respond();
    } else {
        respond();
        to_backend.write_piece(Piece::last(&body)).unwrap();
    }
}

async fn exchange_over_tokio(stream: TcpStream, backend: &BackendAddress, has_reset: Option<Receiver<()>>) {
    stream.set_nonblocking(true).unwrap();
    let stream = ::tokio::net::TcpStream::from_std(stream).unwrap();
    let stream = ClientStream { stream, guard: Connections::new().guard() };
    let mut client = over_tokio::ClientConnection::new(stream, limits(Limits::DEFAULT));
    assert!(client.wait_for_request().await);
    let request = client.read_request().await.unwrap();
    let mut backend = over_tokio::BackendConnection::connect(backend, limits(Limits::DEFAULT)).await.unwrap();
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    let (mut body, mut is_read) = (Vec::new(), false);
    while !is_read {
        let piece = request_body.next_piece().await.unwrap().unwrap();
        body.extend_from_slice(piece.bytes());
        is_read = piece.is_last();
    }
    let respond = async move {
        to_client.write_head(&from_backend.read_response().await.unwrap());
        while let Some(piece) = from_backend.next_piece().await.unwrap() {
            to_client.write_piece(piece).await.unwrap();
        }
    };
    if let Some(has_reset) = has_reset {
        to_backend.write_piece(Piece::partial(&body[..2])).await.unwrap();
        has_reset.recv_timeout(LONG).unwrap();
        to_backend.write_piece(Piece::last(&body[2..])).await.unwrap_err();
        drop((request_body, to_backend));
        respond.await;
    } else {
        respond.await;
        to_backend.write_piece(Piece::last(&body)).await.unwrap();
    }
}
