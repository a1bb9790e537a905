//! The pages on the port of the RPC (from part7 on): what was counted, for browsers, people and Prometheus.

pub mod live;
pub mod metrics;

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Backend, Client, PATIENCE, Process, poll};

use super::queue::{page, state};
use crate::behaviours::setup::{GET, HELLO, rpc_result};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_hostile_path_is_one_line_and_one_string,
    the_first_byte_of_a_slow_body_is_counted_before_its_end,
    the_bytes_of_a_chunked_body_are_counted,
    the_rpc_returns_the_times_of_each_path,
    the_rpc_returns_the_queue,
    the_pages_are_for_ip_addresses_and_localhost_only,
    the_pages_can_only_be_read,
    the_port_for_clients_has_none_of_the_pages,
    a_reader_that_reads_nothing_delays_no_request,
];

const PAGES: [&str; 6] = ["/", "/page.css", "/page.js", "/state.json", "/stats", "/metrics"];

/// The requests that have ended.
fn counted(proxy: &Process) -> u64 {
    state(proxy)["Duration"]["Buckets"].as_array().unwrap().iter().filter_map(Value::as_u64).sum()
}

/// Waits until this number of requests has been counted, which happens after the response.
fn wait_until_counted(proxy: &Process, count: u64) {
    assert!(
        poll(PATIENCE, || counted(proxy) == count),
        "{} requests were counted, not {count}",
        counted(proxy)
    );
}

/// Paths that would break a page which does not escape them.
fn hostile_paths() -> Vec<Vec<u8>> {
    let mut paths: Vec<Vec<u8>> = [
        r#"/"><script>alert(1)</script>"#,
        "/a\\nb",
        "/%0a# TYPE x counter",
        "/\u{202e}gnp",
        "/{code=\"1\"} 7",
    ]
    .map(|path| path.as_bytes().to_vec())
    .to_vec();
    paths.extend([[b"/".to_vec(), vec![b'x'; 1024]].concat(), b"/\xff\xfe".to_vec(), b"/'\x7f".to_vec()]);
    paths
}

/// Sends a request for each hostile path, and one whose method is invented.
fn ask_for_hostile_paths(proxy: &Process) {
    for path in hostile_paths() {
        let request = [b"GET ", &path[..], b" HTTP/1.1\r\nHost: example.test\r\n\r\n"].concat();
        let status = Client::connect(proxy.address()).unwrap().exchange(request).unwrap().status;
        assert!([200, 400].contains(&status), "{}: {status}", path.escape_ascii());
    }
    let status =
        Client::connect(proxy.address()).unwrap().exchange(GET.replacen("GET", "BREW", 1)).unwrap().status;
    assert!([200, 400, 405, 501].contains(&status), "{status}");
    wait_until_counted(proxy, hostile_paths().len() as u64 + 1);
}

fn a_hostile_path_is_one_line_and_one_string(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    ask_for_hostile_paths(&proxy);
    let stats = page(&proxy, "/stats").text();
    let paths = state(&proxy)["Recent"].as_array().unwrap().len();
    assert_eq!(paths, hostile_paths().len() + 1);
    // A line for the names of the columns, then one for each path.
    for line in stats.lines().skip(1) {
        assert!(line.split_whitespace().next().unwrap().parse::<u64>().is_ok(), "{line}");
    }
    assert!(!stats.contains(|letter: char| letter != '\n' && letter.is_control()), "{stats:?}");
    assert!(!stats.contains('\u{202e}'), "{stats:?}");
}

fn the_first_byte_of_a_slow_body_is_counted_before_its_end(subject: &Subject) {
    let backend = Backend::script(|connection| {
        connection.read_request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")?;
        connection.wait_for_release()?;
        connection.send("hello")
    })
    .unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(GET).unwrap();
    client.read_head().unwrap().unwrap();
    let head_came = Instant::now();
    assert_eq!(client.read_bytes(5).unwrap(), b"hello");
    for _ in 0..10 {
        assert_eq!(state(&proxy)["Queue"]["InFlight"], 1);
    }
    let at_least = head_came.elapsed().as_secs_f64() * 1000.0;
    backend.release(1);
    assert_eq!(client.read_bytes(5).unwrap(), b"hello");
    wait_until_counted(&proxy, 1);
    let state = state(&proxy);
    let sum = |name: &str| state[name]["SumMillis"].as_f64().unwrap();
    // The proxy queues the head before the client receives it.
    assert!(sum("Duration") - sum("FirstByte") >= at_least, "{state}, {at_least} ms");
}

fn the_bytes_of_a_chunked_body_are_counted(subject: &Subject) {
    // The original adds a length of -1.
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n";
    let backend = Backend::good(chunked).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    for _ in 0..2 {
        assert_eq!(Client::connect(proxy.address()).unwrap().exchange(GET).unwrap().text(), "hellohello");
    }
    wait_until_counted(&proxy, 2);
    assert_eq!(rpc_result(&proxy, "RpcServer.GetRequestStats")["Requests"]["/"]["TotalBytes"], 20);
    assert_eq!(metrics::read(&proxy)["proxy_response_bytes_total"], 20.0);
}

fn the_rpc_returns_the_times_of_each_path(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    assert_eq!(rpc_result(&proxy, "RpcServer.GetRequestStats"), json!({ "Requests": {} }));
    for path in ["/a", "/b?query", "/a"] {
        let request = GET.replacen('/', path, 1);
        assert_eq!(Client::connect(proxy.address()).unwrap().exchange(request).unwrap().status, 200);
    }
    wait_until_counted(&proxy, 3);
    let requests = &rpc_result(&proxy, "RpcServer.GetRequestStats")["Requests"];
    assert_eq!(requests.as_object().unwrap().keys().collect::<Vec<_>>(), ["/a", "/b"]);
    let a = &requests["/a"];
    assert_eq!((&a["TotalBytes"], &a["RequestCount"]), (&json!(10), &json!(2)));
    let millis = |name: &str| a[name].as_f64().unwrap();
    assert!(millis("ResponseFirstByteMillis") > 0.0, "{a}");
    assert!(millis("ResponseFirstByteMillis") <= millis("ResponseTotalMillis"), "{a}");
    assert!(0.0 < millis("P50") && millis("P50") <= millis("P90") && millis("P90") <= millis("P99"), "{a}");
}

fn the_rpc_returns_the_queue(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let flags = ["--max-in-flight", "1", "--queue", "2"];
    let proxy = subject.start(backend.address(), &flags).unwrap();
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(GET).unwrap();
        clients.push(client);
    }
    let needed = json!({ "InFlight": 1, "MostInFlight": 1, "Waiting": 1, "MostWaiting": 2, "Refused": 0 });
    let is_so = poll(PATIENCE, || rpc_result(&proxy, "RpcServer.GetQueue") == needed);
    assert!(is_so, "{}", rpc_result(&proxy, "RpcServer.GetQueue"));
}

fn the_pages_are_for_ip_addresses_and_localhost_only(subject: &Subject) {
    // RFC 9110 sections 7.4 and 15.5.20. A web page whose name resolves to 127.0.0.1 sends that name.
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    for path in PAGES {
        for (host, status) in
            [("LOCALHOST:8079", 200), ("127.0.0.1", 200), ("[::1]", 200), ("attacker.test", 421)]
        {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let response = Client::connect(proxy.rpc_address().unwrap()).unwrap().exchange(request).unwrap();
            assert_eq!(response.status, status, "{path} of {host}");
            // No other web page may read the answer.
            assert_eq!(response.field("access-control-allow-origin"), None);
        }
    }
}

fn the_pages_can_only_be_read(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    for path in PAGES {
        let exchange = |method: &str| {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            Client::connect(proxy.rpc_address().unwrap()).unwrap().exchange(request).unwrap()
        };
        let got = exchange("GET");
        assert_eq!((got.status, got.field("cache-control")), (200, Some("no-store")), "{path}");
        assert_eq!(got.field("content-security-policy"), Some("default-src 'self'"), "{path}");
        assert_eq!(got.field("x-content-type-options"), Some("nosniff"), "{path}");
        let head = exchange("HEAD");
        assert_eq!(
            (head.status, head.body.len(), head.field("content-type")),
            (200, 0, got.field("content-type"))
        );
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            // RFC 9110 section 15.5.6
            let refused = exchange(method);
            assert_eq!((refused.status, refused.field("allow")), (405, Some("GET, HEAD")), "{method} {path}");
        }
    }
}

fn the_port_for_clients_has_none_of_the_pages(subject: &Subject) {
    // The /stats of the original hides that of the backend, and is shown to every client.
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    for path in PAGES {
        let request = GET.replacen('/', path, 1);
        assert_eq!(
            Client::connect(proxy.address()).unwrap().exchange(request).unwrap().text(),
            "hello",
            "{path}"
        );
    }
    assert_eq!(backend.requests().len(), PAGES.len());
}

fn a_reader_that_reads_nothing_delays_no_request(subject: &Subject) {
    // The original holds its lock while it writes to the reader.
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    for number in 0..1000 {
        let request = GET.replacen('/', &format!("/{number:0>1000}"), 1);
        assert_eq!(client.exchange(request).unwrap().status, 200);
    }
    // Together they are 10 MB, more than the sockets hold.
    let request = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut readers: Vec<Client> =
        (0..10).map(|_| Client::connect(proxy.rpc_address().unwrap()).unwrap()).collect();
    for reader in &mut readers {
        reader.send(request.repeat(10)).unwrap();
        assert_eq!(reader.read_head().unwrap().unwrap().status, 200);
    }
    for _ in 0..100 {
        assert_eq!(client.exchange(GET).unwrap().status, 200);
    }
    assert_eq!(page(&proxy, "/metrics").status, 200);
}
