//! The counts for Prometheus, in its text format 0.0.4.
//!
//! Paths are no labels: each value of a label is a series that Prometheus keeps, and clients can invent any number of
//! paths. Methods and statuses are bounded.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

use stage::answers::Encoded;
use stats_client::Availability;

use crate::latency::{BOUNDS_MICROS, Histogram};
use crate::proxy::Proxy;

pub fn write(proxy: &Proxy, out: &mut Encoded) -> io::Result<()> {
    let (totals, queue) = (proxy.latencies.totals(), proxy.queue.snapshot());

    head(out, "proxy_requests_total", "counter", "Requests that have ended.")?;
    for ((method, status), count) in totals.answers {
        let code = if status == 0 { "none".to_owned() } else { status.to_string() };
        writeln!(out, r#"proxy_requests_total{{method="{method}",code="{code}"}} {count}"#)?;
    }
    let help = "Time from the first byte of a request to the last of its response.";
    histogram(out, "proxy_request_duration_seconds", help, &totals.duration)?;
    let help = "Time from the first byte of a request until the head of its response was sent.";
    histogram(out, "proxy_first_byte_seconds", help, &totals.first_byte)?;
    let help = "Time in the queue, of requests that had to wait.";
    histogram(out, "proxy_queue_wait_seconds", help, &proxy.queue.waits())?;
    let help = "Bytes of body that were sent to clients.";
    single(out, "proxy_response_bytes_total", "counter", help, totals.bytes)?;
    let help = "Requests that are being served.";
    single(out, "proxy_requests_in_flight", "gauge", help, queue.in_flight)?;
    single(out, "proxy_queue_length", "gauge", "Requests that wait to be served.", queue.waiting)?;
    let help = "Requests that were refused, because too many waited or because they had waited for too long.";
    single(out, "proxy_queue_refused_total", "counter", help, queue.refused)?;

    head(out, "proxy_backend_up", "gauge", "Whether the backend gets requests.")?;
    // A backend that is named twice gets two shares of the requests, but two samples must not have the same labels.
    let mut backends: BTreeMap<String, bool> = BTreeMap::new();
    for backend in proxy.balancer.snapshot().backends {
        *backends.entry(backend.address).or_default() |= backend.state == Availability::Up;
    }
    for (address, is_up) in backends {
        // An address has none of the characters that would have to be escaped.
        writeln!(out, r#"proxy_backend_up{{backend="{address}"}} {}"#, u8::from(is_up))?;
    }
    head(out, "proxy_build_info", "gauge", "The version of the proxy.")?;
    writeln!(out, r#"proxy_build_info{{version="{}"}} 1"#, env!("CARGO_PKG_VERSION"))?;
    let help = "When the proxy was started, in seconds since 1970.";
    single(out, "process_start_time_seconds", "gauge", help, proxy.latencies.started_at())
}

fn head(out: &mut Encoded, name: &str, kind: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn single(out: &mut Encoded, name: &str, kind: &str, help: &str, value: impl Display) -> io::Result<()> {
    head(out, name, kind, help)?;
    writeln!(out, "{name} {value}")
}

fn histogram(out: &mut Encoded, name: &str, help: &str, histogram: &Histogram) -> io::Result<()> {
    head(out, name, "histogram", help)?;
    // In this format, the count of a bucket includes those of all buckets before it.
    let mut count = 0;
    for (bound, in_bucket) in BOUNDS_MICROS.iter().zip(histogram.buckets) {
        count += in_bucket;
        writeln!(out, r#"{name}_bucket{{le="{}"}} {count}"#, *bound as f64 / 1e6)?;
    }
    let (count, sum) = (histogram.count(), histogram.sum.as_secs_f64());
    writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}")
}
