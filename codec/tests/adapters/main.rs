//! The adapters on real sockets: timeouts in milliseconds, both directions at once, and the side to which an error is
//! attributed.
//!
//! A test runs a minimal proxy over an adapter, between a raw client and a scripted backend.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

/// Runs each of these on both adapters, and over tokio also with all bodies spliced and with none, under one name in
/// four modules. Defined before the modules that use it.
macro_rules! on_both_adapters {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        mod blocking {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Blocking); })*
        }
        mod tokio {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Tokio); })*
        }
        mod splicing {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Splicing); })*
        }
        mod copying {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Copying); })*
        }
    };
}

mod backend;
mod both_ways;
mod client;
mod early_response;
mod idle;
mod long_body;
mod only_tokio;
mod over_tokio;
#[cfg(target_os = "linux")]
mod promise;
mod proxy;
mod random;
mod splice;
mod tunnel;
mod upload;
mod whole;
mod wire;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use codec::Limits;
use proxy::{Adapter, Proxy};

/// A timeout that is short for a test, and that a loaded machine does not exceed by accident.
const SHORT: Duration = Duration::from_millis(200);
/// A timeout that no test reaches.
const LONG: Duration = Duration::from_secs(20);

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Limits that live as long as the test.
fn limits(limits: Limits) -> &'static Limits {
    Box::leak(Box::new(limits))
}

/// A backend that runs `script` on its first connection, and sends its result to the receiver.
fn backend<T: Send + 'static>(
    script: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let _ = sender.send(script(stream));
    });
    (address, receiver)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Reads until the text ends with `end`.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Reads to the end of the stream.
fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Sends a request to a proxy with these limits in front of `backend`, and returns everything that the client receives.
fn answer_to(adapter: Adapter, request: &str, limits: &'static Limits, backend: SocketAddr) -> String {
    let proxy = Proxy::start(adapter, limits, backend);
    let mut client = connect(&proxy);
    client.write_all(request.as_bytes()).unwrap();
    read_all(&mut client)
}

/// An address at which nothing listens.
fn refused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
