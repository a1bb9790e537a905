//! What the port of the RPC shows to a browser and to Prometheus: the live page, and the counts behind it.
//!
//! Everything here is read-only, and only for known hosts: any web page can make a browser send a GET to this port.

use std::io::{self, Write};
use std::sync::Arc;

use codec::tokio::ResponseWriter;
use codec::{BodyFraming, Error, RequestHead, ResponseHead};
use serde_json::{json, to_writer};
use stage::answers::{Answers, Body, Encoded};
use stage::page::FILES;
use stage::tokio::client_count;

use crate::balancer::Backend;
use crate::latency::{BOUNDS_MICROS, Histogram, Recent, milliseconds};
use crate::metrics;
use crate::proxy::Proxy;

/// A page, and what it shows.
#[derive(Clone, Copy)]
pub struct Page {
    path: &'static str,
    status: u16,
    content_type: &'static str,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    Text(&'static str),
    /// A function that writes the current counts.
    Counts(fn(&Proxy, &mut Encoded) -> io::Result<()>),
}

/// The pages besides the live page, which `stage` has.
const PAGES: [Page; 3] = [
    Page::new("/state.json", "application/json", Content::Counts(write_state)),
    Page::new("/stats", TEXT, Content::Counts(write_stats)),
    Page::new("/metrics", "text/plain; version=0.0.4; charset=utf-8", Content::Counts(metrics::write)),
];

/// The media type of text for people.
const TEXT: &str = "text/plain; charset=utf-8";

/// The answer to any method but GET and HEAD (RFC 9110 section 15.5.6).
const METHOD_NOT_ALLOWED: Page =
    Page { status: 405, ..Page::new("", TEXT, Content::Text("this page can only be read: use GET\n")) };

/// The page that a request is for; `None` if there is none, or if it is for a host that the RPC refuses.
pub fn find(request: &RequestHead, host_names: &[String]) -> Option<Page> {
    let files =
        FILES.iter().map(|&(path, content_type, text)| Page::new(path, content_type, Content::Text(text)));
    let page = files.chain(PAGES).find(|page| page.path == request.path())?;
    if !stage::is_known_host(request, host_names) {
        return None;
    }
    Some(if ["GET", "HEAD"].contains(&request.method()) { page } else { METHOD_NOT_ALLOWED })
}

impl Page {
    const fn new(path: &'static str, content_type: &'static str, content: Content) -> Page {
        Page { path, status: 200, content_type, content }
    }

    /// Sends the page. Counts are written outside of the runtime.
    pub async fn send(
        &self,
        to_client: &mut ResponseWriter<'_>,
        answers: &Answers,
        proxy: &Arc<Proxy>,
    ) -> Result<(), Error> {
        let (status, content_type, body) = match self.content {
            Content::Text(text) => (self.status, self.content_type, Body::from(text.to_owned())),
            Content::Counts(write) => {
                let proxy = Arc::clone(proxy);
                match answers.get(self.path, move |out| write(&proxy, out)).await {
                    Ok(encoded) => (self.status, self.content_type, Body::from(encoded)),
                    Err(failure) => (503, TEXT, Body::from(format!("503 Service Unavailable: {failure}\n"))),
                }
            }
        };
        let head = ResponseHead::new(status, BodyFraming::ContentLength(body.length()))
            .with("Content-Type", content_type)
            .with("Allow", "GET, HEAD")
            .with("Cache-Control", "no-store")
            // Nothing from outside, and nothing that a client has put into a path, is executed.
            .with("Content-Security-Policy", "default-src 'self'")
            .with("X-Content-Type-Options", "nosniff");
        to_client.write_head(&head);
        body.send(to_client).await
    }
}

/// What the live page draws.
fn write_state(proxy: &Proxy, out: &mut Encoded) -> io::Result<()> {
    let totals = proxy.latencies.totals();
    let histogram = |histogram: &Histogram| {
        json!({
            "Buckets": histogram.buckets,
            "SumMillis": milliseconds(histogram.sum),
            "P50": histogram.percentile(50.0),
            "P90": histogram.percentile(90.0),
            "P99": histogram.percentile(99.0),
        })
    };
    let recent = |recent: &Recent| {
        json!({
            "Request": recent.request,
            "Status": recent.status,
            "Bytes": recent.bytes,
            "Millis": milliseconds(recent.elapsed),
            "Error": recent.error,
        })
    };
    let idle = |backend: &Arc<Backend>| backend.pool.idle.receiver.len();
    let state = json!({
        "Uptime": proxy.latencies.uptime().as_secs_f64(),
        "Clients": client_count(),
        "Queue": proxy.queue.snapshot(),
        "Backends": proxy.balancer.snapshot().backends,
        // Of each backend, in the same order.
        "IdleConnections": proxy.balancer.backends.iter().map(idle).collect::<Vec<_>>(),
        "BoundsMicros": BOUNDS_MICROS,
        "Duration": histogram(&totals.duration),
        "FirstByte": histogram(&totals.first_byte),
        "Recent": totals.recent.iter().map(recent).collect::<Vec<_>>(),
    });
    Ok(to_writer(out, &state)?)
}

/// The times of each path.
fn write_stats(proxy: &Proxy, out: &mut Encoded) -> io::Result<()> {
    write!(out, "{}", proxy.latencies.snapshot())
}
