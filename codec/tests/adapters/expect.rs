//! Whether an upload goes on after a response in place of a 100: both sides of the proxy decide the same.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use codec::tokio::{ClientStream, Connections};
use codec::{BackendAddress, Limits, Piece, blocking as over_std, tokio as over_tokio};

use crate::proxy::Adapter;
use crate::{LONG, backend, limits, read_until};

on_both_adapters! {
    a_body_that_was_read_before_a_success_in_place_of_a_100_reaches_the_backend,
}

const REQUEST: &str = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nok\n";

fn a_body_that_was_read_before_a_success_in_place_of_a_100_reaches_the_backend(adapter: Adapter) {
    // RFC 9110 section 10.1.1: the client did not wait for the 100. The response does not say `close`, so the backend must
    // get the body to its end.
    let (address, received) = backend(|mut stream| {
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        read_until(&mut stream, "hello")
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    client.write_all(REQUEST.as_bytes()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    match adapter {
        Adapter::Blocking => exchange_over_std(stream, address),
        Adapter::Tokio => {
            let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(exchange_over_tokio(stream, address));
        }
    }
    let answer = read_until(&mut client, "ok\n");
    assert!(!answer.contains("Connection: close"), "{answer}");
    assert!(received.recv_timeout(LONG).unwrap().ends_with("\r\n\r\nhello"));
}

/// Reads the request to its end, forwards the response, and only then the body.
fn exchange_over_std(stream: TcpStream, backend: SocketAddr) {
    let backend = BackendAddress::resolve(&backend.to_string()).unwrap();
    let mut client = over_std::ClientConnection::new(stream, limits(Limits::DEFAULT));
    assert!(client.wait_for_request());
    let request = client.read_request().unwrap();
    let mut backend = over_std::BackendConnection::connect(&backend, limits(Limits::DEFAULT)).unwrap();
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    let (mut body, mut is_read) = (Vec::new(), false);
    while !is_read {
        let piece = request_body.next_piece().unwrap().unwrap();
        body.extend_from_slice(piece.bytes());
        is_read = piece.is_last();
    }
    to_client.write_head(&from_backend.read_response().unwrap());
    while let Some(piece) = from_backend.next_piece().unwrap() {
        to_client.write_piece(piece).unwrap();
    }
    to_backend.write_piece(Piece::last(&body)).unwrap();
}

/// The same.
async fn exchange_over_tokio(stream: TcpStream, backend: SocketAddr) {
    let backend = BackendAddress::resolve(&backend.to_string()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = ::tokio::net::TcpStream::from_std(stream).unwrap();
    let stream = ClientStream { stream, guard: Connections::new().guard() };
    let mut client = over_tokio::ClientConnection::new(stream, limits(Limits::DEFAULT));
    assert!(client.wait_for_request().await);
    let request = client.read_request().await.unwrap();
    let mut backend =
        over_tokio::BackendConnection::connect(&backend, limits(Limits::DEFAULT)).await.unwrap();
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    let (mut body, mut is_read) = (Vec::new(), false);
    while !is_read {
        let piece = request_body.next_piece().await.unwrap().unwrap();
        body.extend_from_slice(piece.bytes());
        is_read = piece.is_last();
    }
    to_client.write_head(&from_backend.read_response().await.unwrap());
    while let Some(piece) = from_backend.next_piece().await.unwrap() {
        to_client.write_piece(piece).await.unwrap();
    }
    to_backend.write_piece(Piece::last(&body)).await.unwrap();
}
