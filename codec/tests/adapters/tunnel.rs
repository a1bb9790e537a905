//! Tunnels, which only the adapter over tokio has (RFC 9110 section 7.8).

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream as StdStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use codec::tokio::{BackendConnection, ClientConnection, ClientStream, Connections};
use codec::{BackendAddress, Limits, Piece};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::proxy::{Adapter, Proxy};
use crate::{LONG, SHORT, backend, connect, limits, read_all, read_until};

const OFFER: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

/// Runs each of these as the stages do, and with all bytes spliced.
macro_rules! spliced_and_not {
    ($($name:ident),* $(,)?) => {
        mod as_the_stages {
            $(#[test] fn $name() { super::$name(super::Adapter::Tokio); })*
        }
        mod splicing {
            $(#[test] fn $name() { super::$name(super::Adapter::Splicing); })*
        }
    };
}

spliced_and_not! {
    after_a_101_bytes_flow_in_both_directions_and_each_side_can_half_close,
    a_tunnel_ends_when_a_peer_reads_nothing_for_the_tunnel_timeout,
    an_idle_tunnel_stays_open,
    a_reset_of_a_half_closed_client_ends_its_tunnel,
    bytes_that_a_backend_sends_in_a_tunnel_before_it_resets_reach_the_client,
    bytes_that_a_client_sends_in_a_tunnel_before_it_resets_reach_the_backend,
    bytes_sent_before_a_reset_reach_a_client_that_is_still_sending,
}

fn after_a_101_bytes_flow_in_both_directions_and_each_side_can_half_close(adapter: Adapter) {
    // RFC 9110 section 7.8
    let (address, received) = backend(|mut stream| {
        let head = read_until(&mut stream, "\r\n\r\n");
        stream
            .write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst",
            )
            .unwrap();
        let received = read_all(&mut stream);
        // The client has half-closed, and still receives this.
        stream.write_all(b"last").unwrap();
        (head, received)
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = StdStream::connect(proxy.address).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    client.write_all(format!("{OFFER}at once").as_bytes()).unwrap();
    let head = read_until(&mut client, "\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("\r\nUpgrade: echo\r\n") && head.contains("\r\nConnection: upgrade\r\n"), "{head}");
    assert_eq!(read_until(&mut client, "first"), "first");
    client.write_all(b", GET / HTTP/1.1\r\n\r\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "last");
    let (head, received) = received.recv_timeout(LONG).unwrap();
    assert!(head.contains("\r\nUpgrade: echo\r\n") && head.contains("\r\nConnection: upgrade\r\n"), "{head}");
    assert_eq!(received, "at once, GET / HTTP/1.1\r\n\r\n");
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.starts_with("GET / 101 9B "), "{report}");
}

/// A backend that switches protocols.
fn switching<T: Send + 'static>(
    script: impl FnOnce(StdStream) -> T + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        script(stream)
    })
}

/// A client in a tunnel.
fn tunnel(adapter: Adapter, limits: &'static Limits, backend: SocketAddr) -> (Proxy, StdStream) {
    let proxy = Proxy::start(adapter, limits, backend);
    let mut client = connect(&proxy);
    client.write_all(OFFER.as_bytes()).unwrap();
    read_until(&mut client, "\r\n\r\n");
    (proxy, client)
}

/// Sends until a write fails, and returns the kind of the error.
fn send_for_ever(mut stream: &StdStream) -> ErrorKind {
    stream.set_write_timeout(Some(LONG)).unwrap();
    loop {
        if let Err(error) = stream.write_all(&[0; 65536]) {
            return error.kind();
        }
    }
}

fn a_tunnel_ends_when_a_peer_reads_nothing_for_the_tunnel_timeout(adapter: Adapter) {
    let limits = limits(Limits { tunnel_timeout: SHORT, ..Limits::DEFAULT });
    let is_end = |error| [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error);

    let (address, at_backend) = switching(|stream| send_for_ever(&stream));
    let (proxy, _client) = tunnel(adapter, limits, address);
    assert!(is_end(at_backend.recv_timeout(LONG).unwrap()));
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(client: waited too long for it to take more)"), "{report}");

    let (release, released) = channel::<()>();
    let (address, _done) = switching(move |stream| released.recv().map(|()| drop(stream)));
    let (proxy, client) = tunnel(adapter, limits, address);
    assert!(is_end(send_for_ever(&client)));
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(backend: waited too long for it to take more)"), "{report}");
    drop(release);
}

fn an_idle_tunnel_stays_open(adapter: Adapter) {
    let limits = limits(Limits { tunnel_timeout: SHORT, idle_timeout: SHORT, ..Limits::DEFAULT });
    let (address, _done) = switching(|mut stream| {
        let text = read_until(&mut stream, "!");
        stream.write_all(text.as_bytes()).unwrap();
    });
    let (_proxy, mut client) = tunnel(adapter, limits, address);
    thread::sleep(SHORT * 3);
    client.write_all(b"still here!").unwrap();
    assert_eq!(read_all(&mut client), "still here!");
}

fn a_reset_of_a_half_closed_client_ends_its_tunnel(adapter: Adapter) {
    // RFC 9110 section 7.8
    let (ended, has_ended) = channel();
    let (release, released) = channel::<()>();
    let (address, _done) = switching(move |mut stream| {
        ended.send(read_all(&mut stream)).unwrap();
        released.recv().map(|()| drop(stream))
    });
    let (proxy, client) = tunnel(adapter, limits(Limits::DEFAULT), address);
    client.shutdown(Shutdown::Write).unwrap();
    has_ended.recv_timeout(LONG).unwrap();
    assert!(proxy.reports.try_recv().is_err(), "the tunnel goes on");
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains(" (client: "), "{report}");
    drop(release);
}

/// Reads until the connection fails, and returns the bytes before that.
fn read_to_reset(stream: &mut StdStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).expect_err("the tunnel must not end as if in order");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    bytes
}

fn bytes_that_a_backend_sends_in_a_tunnel_before_it_resets_reach_the_client(adapter: Adapter) {
    // RFC 9110 section 7.8. Repeated, because the two events may arrive together or separately.
    for _ in 0..20 {
        // An unread byte makes the close a reset, after the bytes that were sent.
        let (address, _) = switching(|mut stream| {
            stream.peek(&mut [0]).unwrap();
            stream.write_all(&[b'x'; 3000]).unwrap();
        });
        let (proxy, mut client) = tunnel(adapter, limits(Limits::DEFAULT), address);
        client.write_all(b"unread").unwrap();
        assert_eq!(read_to_reset(&mut client).len(), 3000);
        let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
        assert!(report.starts_with("GET / 101 3000B ") && report.contains(" (backend: "), "{report}");
    }
}

fn bytes_that_a_client_sends_in_a_tunnel_before_it_resets_reach_the_backend(adapter: Adapter) {
    // RFC 9110 section 7.8: the same in the other direction.
    for _ in 0..20 {
        let (address, received) = switching(|mut stream| {
            stream.write_all(b"unread").unwrap();
            read_to_reset(&mut stream).len()
        });
        let (proxy, mut client) = tunnel(adapter, limits(Limits::DEFAULT), address);
        client.peek(&mut [0]).unwrap();
        client.write_all(&[b'x'; 3000]).unwrap();
        drop(client);
        assert_eq!(received.recv_timeout(LONG).unwrap(), 3000);
        let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
        assert!(report.contains(" (client: "), "{report}");
    }
}

fn bytes_sent_before_a_reset_reach_a_client_that_is_still_sending(adapter: Adapter) {
    // A write to the backend may fail before all bytes from the backend have been read.
    for _ in 0..20 {
        let (address, _) = switching(|mut stream| {
            stream.peek(&mut [0]).unwrap();
            stream.write_all(&[b'x'; 3000]).unwrap();
        });
        let (_proxy, mut client) = tunnel(adapter, limits(Limits::DEFAULT), address);
        let mut sender = client.try_clone().unwrap();
        let sender = thread::spawn(move || while sender.write_all(b"more").is_ok() {});
        // The sender may receive the error of the connection, so the result is ignored.
        let mut bytes = Vec::new();
        let _ = client.read_to_end(&mut bytes);
        assert_eq!(bytes.len(), 3000);
        sender.join().unwrap();
    }
}

#[tokio::test]
async fn a_tunnel_that_is_dropped_because_the_process_stops_resets_both_sides() {
    // RFC 9110 section 7.8: neither side may mistake it for an ordinary end.
    let (address, received) = switching(|mut stream| read_to_reset(&mut stream));
    let address = BackendAddress::resolve(&address.to_string()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut other = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    other.set_read_timeout(Some(LONG)).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let guard = Connections::new().guard();
    let limits = limits(Limits::DEFAULT);
    let mut client = ClientConnection::new(ClientStream { stream, guard }, limits);
    other.write_all(OFFER.as_bytes()).unwrap();
    assert!(client.wait_for_request().await);
    let request = client.read_request().await.unwrap();
    let mut backend = BackendConnection::connect(&address, limits).await.unwrap();
    let (_, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    to_backend.write_head(&request);
    to_backend.write_piece(Piece::last(&[])).await.unwrap();
    to_client.write_head(&from_backend.read_response().await.unwrap());
    while let Some(piece) = from_backend.next_piece().await.unwrap() {
        to_client.write_piece(piece).await.unwrap();
    }
    drop((to_client, to_backend, from_backend));
    // Polled once, so the tunnel has begun.
    assert!(timeout(Duration::ZERO, client.tunnel(&mut backend)).await.is_err());
    drop((client, backend));
    read_until(&mut other, "\r\n\r\n");
    assert!(read_to_reset(&mut other).is_empty());
    assert!(received.recv_timeout(LONG).unwrap().is_empty());
}
