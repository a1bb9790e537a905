//! Pieces whose bytes are still in the socket, over tokio on Linux: they can be read, dropped and sent, and none of it
//! changes where the next message begins.

use std::io::Write;

use codec::tokio::{BackendConnection, ResponseReader};
use codec::{BackendAddress, BodyFraming, Limits, Piece, RequestHead};

use crate::{LONG, backend, limits, read_until};

/// Long enough for several pieces, none of which fits the buffer.
const LENGTH: usize = 200_000;

fn body(response: u8) -> Vec<u8> {
    (0..LENGTH).map(|place| (place / 251) as u8 ^ response).collect()
}

/// A connection to a backend that sends `responses` at once, whatever it is asked.
async fn connection(responses: u8) -> BackendConnection {
    let (address, _done) = backend(move |mut stream| {
        let mut bytes = Vec::new();
        for response in 0..responses {
            write!(bytes, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
            bytes.extend(body(response));
        }
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(&bytes).unwrap();
        // Until the other side closes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let address = BackendAddress::resolve(&address.to_string()).unwrap();
    let limits =
        limits(Limits { min_spliced_bytes: Some(4096), response_body_timeout: LONG, ..Limits::DEFAULT });
    BackendConnection::connect(&address, limits).await.unwrap()
}

fn is_promised(piece: &Piece<'_>) -> bool {
    format!("{piece:?}").contains("promised: Some(")
}

/// Sends a GET, and reads the head of its response.
async fn get(backend: &mut BackendConnection) -> ResponseReader<'_> {
    let request = RequestHead::new("GET", "/", "h", BodyFraming::Empty).unwrap();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    to_backend.write_piece(Piece::last(&[])).await.unwrap();
    from_backend.read_response().await.unwrap();
    from_backend
}

/// Exchanges a GET, and gives each piece of the response to `take`.
async fn exchange(backend: &mut BackendConnection, mut take: impl FnMut(Piece<'_>)) {
    let mut from_backend = get(backend).await;
    while let Some(piece) = from_backend.next_piece().await.unwrap() {
        take(piece);
    }
}

#[tokio::test]
async fn a_promised_piece_is_read_when_its_bytes_are_asked_for() {
    let mut backend = connection(1).await;
    let (mut received, mut promised) = (Vec::new(), 0);
    exchange(&mut backend, |piece| {
        promised += usize::from(is_promised(&piece));
        assert_eq!(piece.bytes().len(), piece.len());
        assert_eq!(piece.bytes(), piece.bytes());
        received.extend_from_slice(piece.bytes());
    })
    .await;
    assert!(promised > 1, "{promised} pieces");
    assert!(received == body(0));
    assert!(backend.is_reusable() && !backend.is_stale());
}

#[tokio::test]
async fn a_body_is_collected_although_its_pieces_are_promised() {
    let mut backend = connection(1).await;
    let mut from_backend = get(&mut backend).await;
    assert!(from_backend.read_body(LENGTH).await.unwrap() == body(0));
}

#[tokio::test]
async fn promised_pieces_end_where_the_next_response_begins() {
    // RFC 9112 section 6.3: both responses arrive back to back.
    let mut backend = connection(2).await;
    for response in 0..2 {
        let (mut received, mut promised) = (Vec::new(), 0);
        exchange(&mut backend, |piece| {
            promised += usize::from(is_promised(&piece));
            received.extend_from_slice(piece.bytes());
        })
        .await;
        assert!(promised > 0);
        assert!(received == body(response), "response {response}");
    }
    assert!(backend.is_reusable() && !backend.is_stale());
    // No request asked for a second response, so the first leaves a connection that no pool may use.
    let mut backend = connection(2).await;
    exchange(&mut backend, |_| {}).await;
    assert!(backend.is_stale() || !backend.is_reusable());
}

#[tokio::test]
async fn the_bytes_of_a_piece_that_is_dropped_are_discarded() {
    let mut backend = connection(2).await;
    let (mut length, mut promised) = (0, 0);
    exchange(&mut backend, |piece| {
        promised += usize::from(is_promised(&piece));
        length += piece.len();
    })
    .await;
    assert!(promised > 0);
    assert_eq!(length, LENGTH);
    let mut received = Vec::new();
    exchange(&mut backend, |piece| received.extend_from_slice(piece.bytes())).await;
    assert!(received == body(1));
}

#[tokio::test]
async fn a_last_piece_that_is_dropped_with_its_reader_is_discarded() {
    let mut backend = connection(2).await;
    {
        let mut from_backend = get(&mut backend).await;
        while !from_backend.next_piece().await.unwrap().unwrap().is_last() {}
    }
    let mut received = Vec::new();
    exchange(&mut backend, |piece| received.extend_from_slice(piece.bytes())).await;
    assert!(received == body(1));
}

#[tokio::test]
async fn a_promised_piece_that_was_read_is_sent_once() {
    let mut from = connection(1).await;
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        let mut received = vec![0; LENGTH];
        std::io::Read::read_exact(&mut stream, &mut received).unwrap();
        received
    });
    let address = BackendAddress::resolve(&address.to_string()).unwrap();
    let mut to = BackendConnection::connect(&address, limits(Limits::DEFAULT)).await.unwrap();
    let get = RequestHead::new("GET", "/", "h", BodyFraming::Empty).unwrap();
    let put = RequestHead::new("PUT", "/", "h", BodyFraming::ContentLength(LENGTH as u64)).unwrap();
    let ((mut asking, mut response), (mut request, _answer)) = (from.split(&get), to.split(&put));
    asking.write_head(&get);
    asking.write_piece(Piece::last(&[])).await.unwrap();
    response.read_response().await.unwrap();
    request.write_head(&put);
    let mut is_read = false;
    while let Some(piece) = response.next_piece().await.unwrap() {
        // Every second piece is looked at before it is sent.
        is_read = !is_read;
        assert!(!is_read || piece.bytes().len() == piece.len());
        request.write_piece(piece).await.unwrap();
    }
    assert!(received.recv_timeout(LONG).unwrap() == body(0));
}
