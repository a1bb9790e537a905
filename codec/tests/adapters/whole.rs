//! Messages that are read and written in one call: a server that echoes small bodies, and a client of a backend.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use codec::{BackendAddress, Blame, BodyFraming, Cause, Error, Limits, Refusal, RequestHead, ResponseHead};

use crate::proxy::Adapter;
use crate::{GET, LONG, backend, read_all, read_until, refused};

on_both_adapters! {
    a_client_that_waits_for_a_100_gets_it_before_its_body_is_read,
    a_body_over_the_bound_is_answered_413_without_a_100,
    a_connection_serves_the_next_request_after_a_complete_body,
    a_response_to_head_has_no_body,
    the_final_response_is_read_past_interim_ones,
    a_response_body_over_the_bound_is_an_error_of_the_backend,
    only_an_error_before_any_byte_was_sent_is_a_connect_failure,
}

/// The maximum length of a body.
const BOUND: usize = 5;

fn head_of(body: &[u8]) -> ResponseHead {
    ResponseHead::new(200, BodyFraming::ContentLength(body.len() as u64))
}

/// A connection to a server that echoes the bodies of its only client.
fn echo(adapter: Adapter) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || match adapter {
        Adapter::Blocking => {
            let (stream, _) = listener.accept().unwrap();
            let mut client = codec::blocking::ClientConnection::new(stream, &Limits::DEFAULT);
            while client.wait_for_request() {
                let mut exchange = || {
                    let request = client.read_request()?;
                    let body = client.read_body(&request, BOUND)?;
                    client.split().1.write_response(&head_of(&body), &body)
                };
                let outcome = exchange();
                client.finish(outcome, None);
            }
            client.close();
        }
        _ => over_tokio(async {
            listener.set_nonblocking(true).unwrap();
            let (stream, _) = ::tokio::net::TcpListener::from_std(listener).unwrap().accept().await.unwrap();
            let guard = codec::tokio::Connections::new().guard();
            let client = codec::tokio::ClientStream { stream, guard };
            let mut client = codec::tokio::ClientConnection::new(client, &Limits::DEFAULT);
            while client.wait_for_request().await {
                let exchange = async {
                    let request = client.read_request().await?;
                    let body = client.read_body(&request, BOUND).await?;
                    client.split().1.write_response(&head_of(&body), &body).await
                };
                let outcome = exchange.await;
                client.finish(outcome, None).await;
            }
            client.close().await;
        }),
    });
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn over_tokio<T>(work: impl Future<Output = T>) -> T {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The final response of that backend to a GET: its status, and its body up to [`BOUND`].
fn ask(adapter: Adapter, address: SocketAddr) -> Result<(u16, Vec<u8>), Error> {
    let address = BackendAddress::resolve(&address.to_string()).unwrap();
    let request = RequestHead::new("GET", "/", "h", BodyFraming::Empty)?;
    match adapter {
        Adapter::Blocking => {
            let mut connection = codec::blocking::BackendConnection::connect(&address, &Limits::DEFAULT)?;
            let (mut writer, mut reader) = connection.split(&request);
            writer.write_head(&request);
            writer.write_piece(codec::Piece::last(b""))?;
            Ok((reader.read_final_response()?.status(), reader.read_body(BOUND)?))
        }
        _ => over_tokio(async {
            let connecting = codec::tokio::BackendConnection::connect(&address, &Limits::DEFAULT);
            let mut connection = connecting.await?;
            let (mut writer, mut reader) = connection.split(&request);
            writer.write_head(&request);
            writer.write_piece(codec::Piece::last(b"")).await?;
            Ok((reader.read_final_response().await?.status(), reader.read_body(BOUND).await?))
        }),
    }
}

fn a_client_that_waits_for_a_100_gets_it_before_its_body_is_read(adapter: Adapter) {
    // RFC 9110 section 10.1.1
    let mut client = echo(adapter);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_until(&mut client, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").unwrap();
    let answer = read_until(&mut client, "hello");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), "{answer}");
}

fn a_body_over_the_bound_is_answered_413_without_a_100(adapter: Adapter) {
    // RFC 9110 sections 10.1.1 and 15.5.14
    for request in [
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n",
    ] {
        let mut client = echo(adapter);
        client.write_all(request.as_bytes()).unwrap();
        let answer = read_all(&mut client);
        assert!(answer.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

fn a_connection_serves_the_next_request_after_a_complete_body(adapter: Adapter) {
    // RFC 9112 section 9.3
    let mut client = echo(adapter);
    for body in ["one", "two"] {
        write!(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n{body}").unwrap();
        let answer = read_until(&mut client, body);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains("close"), "{answer}");
    }
    client.write_all(GET.as_bytes()).unwrap();
    let answer = read_until(&mut client, "\r\n\r\n");
    assert!(answer.contains("\r\nContent-Length: 0\r\n"), "{answer}");
}

fn a_response_to_head_has_no_body(adapter: Adapter) {
    // RFC 9110 section 9.3.2
    let mut client = echo(adapter);
    client.write_all(b"HEAD / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    let answer = read_all(&mut client);
    assert!(answer.ends_with("\r\n\r\n") && !answer.contains("hello"), "{answer}");
}

fn the_final_response_is_read_past_interim_ones(adapter: Adapter) {
    // RFC 9110 section 15.2
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
        write!(stream, "{interim}HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    });
    assert_eq!(ask(adapter, address).unwrap(), (201, b"hello".to_vec()));
}

fn a_response_body_over_the_bound_is_an_error_of_the_backend(adapter: Adapter) {
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!").unwrap();
    });
    let error = ask(adapter, address).unwrap_err();
    assert_eq!(error.blame(), Blame::Backend);
    assert!(matches!(error.cause(), Cause::Refused(Refusal::BodyTooLarge)), "{error}");
}

fn only_an_error_before_any_byte_was_sent_is_a_connect_failure(adapter: Adapter) {
    let error = ask(adapter, refused()).unwrap_err();
    assert!(error.is_connect_failure(), "{error}");
    let (address, _done) = backend(|mut stream| read_until(&mut stream, "\r\n\r\n"));
    let error = ask(adapter, address).unwrap_err();
    assert!(!error.is_connect_failure(), "{error}");
}
