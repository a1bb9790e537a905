//! What hyper decodes from the same bytes, as a server and as a client. Many programs are built on it.
//!
//! It reads from memory, and is polled until it makes no more progress, without a runtime and a clock.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use codec::{Expected, Limits, ResponseTo};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri, client, server};

use crate::forwarding::{
    requests_are_forwarded_as_they_are_meant, responses_are_forwarded_as_they_are_meant,
};
use crate::message::{self, Cuts, Fields, Message, Rest};
use crate::properties::{Choices, has_lone_carriage_return};

/// How often a connection is polled before it counts as stalled: a poll without progress is not followed by progress.
const MOST_POLLS: usize = 64;

/// Requests that the codec accepts, and the forwarded ones, mean the same to hyper, or hyper refuses them.
pub fn requests_mean_the_same_to_hyper(input: &[u8]) {
    for sent_on in requests_are_forwarded_as_they_are_meant(input) {
        compare_requests(&sent_on);
    }
    if let Some((_, input)) = Choices::split(input) {
        compare_requests(input);
    }
}

/// The same of a response.
pub fn responses_mean_the_same_to_hyper(input: &[u8]) {
    let Some((choices, _)) = Choices::split(input) else { return };
    let expected = Expected { upgrade: false, ..choices.expected() };
    compare_responses(&responses_are_forwarded_as_they_are_meant(input), expected);
    compare_responses(&input[1..], expected);
}

fn compare_requests(input: &[u8]) {
    let stream = message::requests(input, Cuts::Whole, &Limits::DEFAULT);
    let read = requests(input);
    for (meant, read) in stream.messages.iter().zip(&read) {
        assert_eq!(read, &as_hyper_has_it(meant), "hyper reads something else");
    }
    // hyper may accept what the codec refuses. A message that is incomplete for the codec must not be complete for
    // hyper.
    let is_known_to_differ = has_lone_carriage_return(input);
    let is_open = matches!(stream.rest, Rest::Refused(_)) || is_known_to_differ;
    assert!(is_open || read.len() <= stream.messages.len(), "hyper reads more: {read:?}");
}

fn compare_responses(input: &[u8], expected: Expected) {
    let stream = message::responses(input, Cuts::Whole, expected, &Limits::DEFAULT);
    let Some(read) = response(input, expected) else { return };
    match stream.rest {
        Rest::Refused(_) => {}
        _ if has_lone_carriage_return(input) => {}
        Rest::Incomplete => panic!("hyper reads what the codec waits for: {read:?}"),
        Rest::Nothing => {
            let meant = stream.messages.last().map(as_hyper_has_it);
            assert_eq!(Some(read), meant, "hyper reads something else");
        }
    }
}

/// The message in hyper's form: fields in hyper's order, and no position in the stream.
fn as_hyper_has_it(message: &Message) -> Message {
    let mut words = message.start.split(|&byte| byte == b' ').map(<[u8]>::to_vec).collect::<Vec<_>>();
    // hyper normalizes a target: absolute form without a path gets one.
    if let [_, target, _] = &mut words[..]
        && let Ok(uri) = Uri::try_from(target.as_slice())
    {
        *target = uri.to_string().into_bytes();
    }
    Message {
        start: words.join(&b' '),
        fields: in_hypers_order(&message.fields),
        body: message.body.clone(),
        trailers: in_hypers_order(&message.trailers),
        end: 0,
    }
}

/// The complete requests that a server reads.
fn requests(input: &[u8]) -> Vec<Message> {
    let messages = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let messages = Rc::clone(&messages);
        async move {
            let (head, body) = request.into_parts();
            let version = if head.version == hyper::Version::HTTP_10 { "1.0" } else { "1.1" };
            let start = format!("{} {} {version}", head.method, head.uri).into_bytes();
            if let Ok(body) = body.collect().await {
                let trailers = body.trailers().map(fields).unwrap_or_default();
                let (fields, body) = (fields(&head.headers), body.to_bytes().to_vec());
                messages.borrow_mut().push(Message { start, fields, body, trailers, end: 0 });
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let memory = Memory { input: Bytes::copy_from_slice(input), may_read: true };
    run(pin!(server::conn::http1::Builder::new().half_close(true).serve_connection(memory, service)));
    messages.take()
}

/// The final response that a client reads, if it is complete.
fn response(input: &[u8], expected: Expected) -> Option<Message> {
    let memory = Memory { input: Bytes::copy_from_slice(input), may_read: false };
    let (mut sender, connection) = run(pin!(client::conn::http1::handshake(memory)))?.ok()?;
    let method = if expected.response_to == ResponseTo::Head { "HEAD" } else { "GET" };
    let request = Request::builder().method(method).uri("/").header("Host", "h").body(Empty::<Bytes>::new());
    let exchange = async {
        let (head, body) = sender.send_request(request.ok()?).await.ok()?.into_parts();
        let version = if head.version == hyper::Version::HTTP_10 { "1.0" } else { "1.1" };
        let start = format!("{} {version}", head.status.as_u16()).into_bytes();
        let body = body.collect().await.ok()?;
        let trailers = body.trailers().map(fields).unwrap_or_default();
        let (fields, body) = (fields(&head.headers), body.to_bytes().to_vec());
        Some(Message { start, fields, body, trailers, end: 0 })
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    let mut context = Context::from_waker(Waker::noop());
    let mut is_connected = true;
    for _ in 0..MOST_POLLS {
        is_connected = is_connected && connection.as_mut().poll(&mut context).is_pending();
        if let Poll::Ready(message) = exchange.as_mut().poll(&mut context) {
            return message;
        }
    }
    None
}

/// The fields as hyper keeps them: names in lower case; those of one name in order, the names in any.
fn in_hypers_order(fields: &Fields) -> Fields {
    let mut fields: Fields =
        fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

fn fields(map: &HeaderMap) -> Fields {
    let fields = map.iter().map(|(name, value)| (name.as_str().into(), value.as_bytes().to_vec()));
    in_hypers_order(&fields.collect())
}

/// Polls the future until it is ready; `None` if it stalls before that.
fn run<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// A connection whose input has arrived completely, and whose output is discarded.
struct Memory {
    input: Bytes,
    /// A client must not receive its response before it has sent its request.
    may_read: bool,
}

impl Read for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.may_read {
            return Poll::Pending;
        }
        let length = buffer.remaining().min(self.input.len());
        buffer.put_slice(&self.input.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.may_read = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
