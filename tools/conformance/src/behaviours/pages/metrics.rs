//! The page for Prometheus: its samples, and the rules of its format.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{Backend, Client, Process};

use super::{ask_for_hostile_paths, wait_until_counted};
use crate::behaviours::queue::page;
use crate::behaviours::setup::{GET, HELLO, start_before};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    each_response_is_counted_by_method_and_status,
    the_metrics_are_valid_whatever_clients_ask_for,
    a_backend_that_is_named_twice_is_one_sample,
    the_time_of_a_tunnel_ends_when_it_begins,
];

/// The samples of the metrics: name with labels -> value. Panics if the text breaks a rule of the format.
pub(super) fn read(proxy: &Process) -> BTreeMap<String, f64> {
    let response = page(proxy, "/metrics");
    assert_eq!(response.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = response.text();
    assert!(text.ends_with('\n') && text.is_ascii(), "{text}");
    let (mut types, mut helped, mut samples) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(words.ends_with('.') && helped.insert(name), "{line}");
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name) && types.insert(name, kind).is_none(), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let family = family.filter(|family| types.get(family) == Some(&"histogram")).unwrap_or(name);
        // A sample stands behind the type of its family, and before the next family.
        assert_eq!(types.keys().find(|name| **name == family), Some(&family), "{line}");
        assert!(types[family] != "counter" || name.ends_with("_total"), "{line}");
        if let Some(labels) = sample.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let labels = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).unwrap();
            for label in labels.split(',') {
                let (_, value) = label.split_once('=').unwrap();
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
                assert!(!value.contains(['"', '\\', '\n']), "{line}");
            }
        }
        assert!(samples.insert(sample.to_owned(), value.parse::<f64>().unwrap()).is_none(), "{line}");
    }
    for (name, _) in types.iter().filter(|(_, kind)| **kind == "histogram") {
        let prefix = format!("{name}_bucket{{le=\"");
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (sample, &count) in &samples {
            if let Some(bound) = sample.strip_prefix(&prefix) {
                let bound = bound.strip_suffix("\"}").unwrap().replace("+Inf", "inf");
                buckets.push((bound.parse().unwrap(), count));
            }
        }
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{name} is not cumulative: {buckets:?}");
        let last = buckets.last().unwrap();
        assert_eq!(*last, (f64::INFINITY, samples[&format!("{name}_count")]), "{name}");
        assert!(samples.contains_key(&format!("{name}_sum")), "{name}");
    }
    samples
}

fn each_response_is_counted_by_method_and_status(subject: &Subject) {
    let backend = Backend::good("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let exchange =
        |request: &str| Client::connect(proxy.address()).unwrap().exchange(request).unwrap().status;
    assert_eq!(exchange(GET), 404);
    assert_eq!(exchange(GET), 404);
    assert_eq!(exchange(&GET.replacen("GET", "HEAD", 1)), 404);
    assert_eq!(exchange("GET / HTTP/1.1\r\n\r\n"), 400);
    wait_until_counted(&proxy, 4);
    let metrics = read(&proxy);
    let count = |labels: &str| metrics.get(&format!("proxy_requests_total{{{labels}}}")).copied();
    assert_eq!(count(r#"method="GET",code="404""#), Some(2.0));
    assert_eq!(count(r#"method="HEAD",code="404""#), Some(1.0));
    assert_eq!(count(r#"method="other",code="400""#), Some(1.0));
    assert_eq!(metrics["proxy_request_duration_seconds_count"], 4.0);
    let address = backend.address();
    assert_eq!(metrics[&format!("proxy_backend_up{{backend=\"{address}\"}}")], 1.0);
    // The HEAD has no body, and the body of the 400 is the proxy's own.
    assert!(metrics["proxy_response_bytes_total"] > 10.0);
}

fn the_metrics_are_valid_whatever_clients_ask_for(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let before = read(&proxy);
    ask_for_hostile_paths(&proxy);
    let after = read(&proxy);
    let added: Vec<_> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert!(added.iter().all(|name| name.starts_with("proxy_requests_total{")), "{added:?}");
    assert!(added.len() <= 4, "{added:?}");
}

fn a_backend_that_is_named_twice_is_one_sample(subject: &Subject) {
    // Named twice, it gets two shares of the requests.
    let (good, other) = (Backend::good(HELLO).unwrap(), Backend::good(HELLO).unwrap());
    let backends = format!("{0},{0},{1}", good.address(), other.address());
    // Panics if two samples have the same name and labels.
    let metrics = read(&start_before(subject, &backends, &[]));
    for backend in [good, other] {
        assert_eq!(metrics[&format!("proxy_backend_up{{backend=\"{}\"}}", backend.address())], 1.0);
    }
}

fn the_time_of_a_tunnel_ends_when_it_begins(subject: &Subject) {
    let backend = Backend::script(|connection| {
        connection.read_request()?;
        connection
            .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")?;
        connection.wait_for_end()?;
        connection.send("bye")
    })
    .unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    let offer = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    client.send(offer).unwrap();
    assert_eq!(client.read_head().unwrap().unwrap().status, 101);
    client.half_close().unwrap();
    assert_eq!(client.read_bytes(3).unwrap(), b"bye");
    wait_until_counted(&proxy, 1);
    let metrics = read(&proxy);
    let sum = |name: &str| metrics[&format!("{name}_seconds_sum")];
    assert_eq!(sum("proxy_request_duration"), sum("proxy_first_byte"));
    // What it sent to the client counts all the same.
    assert_eq!(metrics["proxy_response_bytes_total"], 3.0);
}
