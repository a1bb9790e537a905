//! The time that other libraries take for the same heads: for scale only, because neither does the same work as the
//! codec.
//!
//! - httparse does less: it only finds the fields. The codec calls it too.
//! - hyper does other things: it decodes a request into its own types, asks a service for the answer, and encodes that.
//!   It knows nothing of what a proxy must change in a head. Its input and output are in memory, and it never waits.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use benchmark::messages;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};

fn main() {
    divan::main();
}

const NAMES: [&str; 4] = ["request-hello", "request-browser", "request-100-fields", "request-32-kib"];

fn request(name: &str) -> Vec<u8> {
    match name {
        "request-hello" => messages::hello_request(),
        "request-browser" => messages::browser_request(),
        "request-100-fields" => messages::hundred_fields(),
        _ => messages::head_of_32_kib(),
    }
}

#[divan::bench(args = NAMES)]
fn httparse_alone(bencher: Bencher, name: &str) {
    let message = request(name);
    bencher.counter(BytesCount::new(message.len())).bench_local(|| {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(black_box(&message)).expect("a valid request");
        assert!(parsed.is_complete());
        black_box(request.headers.len())
    });
}

#[divan::bench(args = NAMES)]
fn hyper_serves(bencher: Bencher, name: &str) {
    let message = request(name);
    let bytes = BytesCount::new(message.len());
    let sent = Rc::new(Cell::new(message.len()));
    let served = Rc::new(Cell::new(0));
    let count = service_fn(|request: Request<Incoming>| {
        black_box(&request);
        served.set(served.get() + 1);
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    let io = Client { message, sent: sent.clone() };
    let mut connection = Box::pin(http1::Builder::new().serve_connection(io, count));
    let cx = &mut Context::from_waker(Waker::noop());
    bencher.counter(bytes).bench_local(|| {
        let before = served.get();
        sent.set(0);
        // hyper sometimes returns to let other tasks run.
        while served.get() == before {
            assert!(connection.as_mut().poll(cx).is_pending(), "the connection ended");
        }
    });
}

/// Sends its request as often as `sent` is set to 0, and takes every answer.
struct Client {
    message: Vec<u8>,
    /// How much of the request was sent.
    sent: Rc<Cell<usize>>,
}

impl Read for Client {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut space: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.message[self.sent.get()..];
        if rest.is_empty() {
            return Poll::Pending;
        }
        let length = rest.len().min(space.remaining());
        space.put_slice(&rest[..length]);
        self.sent.set(self.sent.get() + length);
        Poll::Ready(Ok(()))
    }
}

impl Write for Client {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(black_box(bytes).len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
