//! The counts of times, without a proxy.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

#[allow(dead_code)] // The suite tests the rest of it.
#[path = "../src/latency.rs"]
mod latency;

use std::time::Duration;

use codec::Report;
use latency::{BOUNDS_MICROS, Histogram, Latencies};

fn report(request: &str, status: u16, micros: u64) -> Report {
    Report {
        request: request.to_owned(),
        status: Some(status),
        body_bytes: 5,
        first_byte: Some(Duration::from_micros(micros / 2)),
        elapsed: Duration::from_micros(micros),
        error: None,
    }
}

fn histogram(times_in_micros: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    for &micros in times_in_micros {
        histogram.record(Duration::from_micros(micros));
    }
    histogram
}

#[test]
fn a_time_belongs_to_the_first_bucket_whose_bound_is_not_less() {
    for (index, &bound) in BOUNDS_MICROS.iter().enumerate() {
        assert_eq!(histogram(&[bound]).buckets[index], 1, "{bound}");
        assert_eq!(histogram(&[bound + 1]).buckets[index + 1], 1, "{bound} + 1");
    }
    assert_eq!(histogram(&[0]).buckets[0], 1);
    assert_eq!(histogram(&[u64::MAX]).buckets[BOUNDS_MICROS.len()], 1);
    assert!(BOUNDS_MICROS.is_sorted_by(|before, after| before < after));
}

#[test]
fn times_below_a_millisecond_count_towards_the_sum() {
    // Named after the original, which counts whole milliseconds.
    let counted = histogram(&[300; 1000]);
    assert_eq!((counted.count(), counted.sum), (1000, Duration::from_millis(300)));
}

#[test]
fn a_percentile_lies_in_its_bucket_at_its_rank() {
    assert_eq!(Histogram::default().percentile(50.0), 0.0);
    // Four times between 1 and 1.5 ms: the second of them is half way.
    assert_eq!(histogram(&[1_200; 4]).percentile(50.0), 1.25);
    assert_eq!(histogram(&[1_200; 4]).percentile(100.0), 1.5);
    let counted = histogram(&[&[150; 90][..], &[300_000; 10]].concat());
    assert_eq!((counted.percentile(50.0) * 1000.0).round(), 128.0);
    assert_eq!(counted.percentile(90.0), 0.15);
    assert_eq!(counted.percentile(99.0), 290.0);
    // The last bucket has no bound: what is known is that the time was longer than all bounds.
    assert_eq!(histogram(&[60_000_000]).percentile(50.0), 10_000.0);
}

#[test]
fn paths_are_bounded_in_number_and_in_length() {
    let latencies = Latencies::new();
    for number in 0..10_001 {
        latencies.record(report(&format!("GET /{number}"), 200, 100));
    }
    latencies.record(report(&format!("GET /{}", "x".repeat(1024)), 200, 100));
    latencies.record(report("GET /1", 200, 100));
    // A request that could not be read has no path of its own to count.
    latencies.record(report("", 400, 100));
    let requests = latencies.snapshot().requests;
    assert_eq!((requests.len(), requests["-"].request_count), (10_002, 1));
    assert_eq!((requests["(other)"].request_count, requests["/1"].request_count), (2, 2));
}

#[test]
fn a_request_that_could_not_be_read_has_no_path() {
    let latencies = Latencies::new();
    latencies.record(report("", 400, 100));
    let totals = latencies.totals();
    assert_eq!(latencies.snapshot().requests["-"].request_count, 1);
    assert_eq!(totals.answers.into_iter().collect::<Vec<_>>(), [(("other", 400), 1)]);
}

#[test]
fn methods_that_clients_invent_are_counted_together() {
    let latencies = Latencies::new();
    for number in 0..100 {
        latencies.record(report(&format!("M{number} /"), 200, 100));
    }
    latencies.record(report("get /", 200, 100));
    assert_eq!(latencies.totals().answers.into_iter().collect::<Vec<_>>(), [(("other", 200), 101)]);
}

#[test]
fn the_last_requests_are_bounded_in_number_and_in_length() {
    let latencies = Latencies::new();
    for number in 0..200 {
        latencies.record(report(&format!("GET /{number}/{}", "\u{e9}".repeat(5000)), 200, 100));
    }
    let recent = latencies.totals().recent;
    assert_eq!(recent.len(), 64);
    assert!(recent[0].request.starts_with("GET /199/"));
    assert!(recent.iter().all(|recent| recent.request.len() <= 200 && recent.request.capacity() <= 400));
}

#[test]
fn counts_do_not_wrap_at_32_bits() {
    let latencies = Latencies::new();
    for _ in 0..3 {
        latencies.record(Report { body_bytes: 3_000_000_000, ..report("GET /", 200, 100) });
    }
    assert_eq!(latencies.snapshot().requests["/"].total_bytes, 9_000_000_000);
}
