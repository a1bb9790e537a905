//! Bounded queueing (from part7 on): a fixed number of requests is served at once, and a fixed number may wait. The next
//! one is refused.

pub mod places;

use testkit::{Backend, Client, PATIENCE, Process, Response, poll};

use crate::behaviours::setup::{GET, HELLO, assert_is_error, at_once};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_request_that_finds_no_room_is_refused_at_once,
    no_request_is_refused_while_a_place_is_free,
    a_backend_never_has_more_requests_than_places,
    a_request_that_has_waited_too_long_is_refused,
    a_refused_get_keeps_its_connection_and_a_refused_post_ends_it,
    a_refused_client_of_http_1_0_gets_a_complete_response,
    a_refused_request_gets_no_100,
    a_request_that_waits_at_a_stop_signal_is_answered,
    without_a_flag_all_requests_are_served_at_once,
];

/// The flags of most behaviours: two requests are served at once, and three may wait.
const BOUNDED: [&str; 4] = ["--max-in-flight", "2", "--queue", "3"];
const PLACES: usize = 2;
const WAITING: usize = 3;

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\n";

/// A GET of this path.
fn get(path: &str) -> String {
    GET.replacen('/', path, 1)
}

/// A page of the port of the RPC.
pub(super) fn page(proxy: &Process, path: &str) -> Response {
    let request = get(path).replace("example.test", "localhost");
    Client::connect(proxy.rpc_address().unwrap()).unwrap().exchange(request).unwrap()
}

/// What the live page draws.
pub(super) fn state(proxy: &Process) -> serde_json::Value {
    serde_json::from_str(&page(proxy, "/state.json").text()).unwrap()
}

fn wait_for(proxy: &Process, name: &str, count: usize) {
    let is_so = poll(PATIENCE, || state(proxy)["Queue"][name] == count);
    assert!(is_so, "{name} is not {count}: {}", state(proxy)["Queue"]);
}

/// Clients with a request each, which the backend does not answer: one for each place.
fn fill_places(proxy: &Process, backend: &Backend) -> Vec<Client> {
    let before = backend.requests().len();
    let send = |count: usize| {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(get(&format!("/{count}"))).unwrap();
        backend.wait_for_requests(before + count).unwrap();
        client
    };
    (1..=PLACES).map(send).collect()
}

/// As [`fill_places`], and then one client for each request that may wait.
fn fill(proxy: &Process, backend: &Backend) -> Vec<Client> {
    let mut clients = fill_places(proxy, backend);
    for waiting in 1..=WAITING {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(get(&format!("/{}", PLACES + waiting))).unwrap();
        wait_for(proxy, "Waiting", waiting);
        clients.push(client);
    }
    clients
}

fn assert_refused(subject: &Subject, response: &Response, shown: &str) {
    // RFC 9110 section 15.6.4: the server is overloaded, and may say when to try again.
    assert_is_error(subject, response, 503, "RFC 9110 section 15.6.4", "connection_limit_reached", shown);
    assert_eq!(response.field("Retry-After"), Some("1"));
}

fn a_request_that_finds_no_room_is_refused_at_once(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let mut clients = fill(&proxy, &backend);
    let refused = Client::connect(proxy.address()).unwrap().exchange(get("/refused")).unwrap();
    assert_refused(subject, &refused, "/refused");
    assert_eq!(backend.requests().len(), PLACES);
    for waiting in 1..=WAITING {
        backend.release(1);
        backend.wait_for_requests(PLACES + waiting).unwrap();
    }
    backend.release(PLACES);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().status, 200);
    }
    let paths: Vec<_> = backend.requests().iter().map(|request| request.head.start_line.clone()).collect();
    let sent: Vec<_> = (1..=PLACES + WAITING).map(|count| format!("GET /{count} HTTP/1.1")).collect();
    assert_eq!(paths, sent, "the request that has waited longest is next");
    // A place is given back after the response.
    wait_for(&proxy, "InFlight", 0);
    let queue = &state(&proxy)["Queue"];
    assert_eq!((&queue["Refused"], &queue["Waiting"]), (&1.into(), &0.into()));
}

fn no_request_is_refused_while_a_place_is_free(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--max-in-flight", "1", "--queue", "1"]).unwrap();
    // A client gives its place back before its next request, so at most one of the two waits.
    at_once(2, || {
        let mut client = Client::connect(proxy.address()).unwrap();
        for _ in 0..200 {
            assert_eq!(client.exchange(GET).unwrap().status, 200);
        }
    });
    assert_eq!(state(&proxy)["Queue"]["Refused"], 0);
}

fn a_backend_never_has_more_requests_than_places(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--max-in-flight", "4", "--queue", "100"]).unwrap();
    at_once(32, || {
        let mut client = Client::connect(proxy.address()).unwrap();
        for _ in 0..25 {
            assert_eq!(client.exchange(GET).unwrap().status, 200);
        }
    });
    let most = backend.in_flight_max();
    assert!(most <= 4, "{most} requests were in flight at once");
}

fn a_request_that_has_waited_too_long_is_refused(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let flags = [&BOUNDED[..], &["--queue-wait", "50ms"]].concat();
    let proxy = subject.start(backend.address(), &flags).unwrap();
    let mut clients = fill_places(&proxy, &backend);
    let refused = Client::connect(proxy.address()).unwrap().exchange(get("/refused")).unwrap();
    assert_refused(subject, &refused, "/refused");
    backend.release(PLACES);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().status, 200);
    }
    assert_eq!(backend.requests().len(), PLACES);
}

fn a_refused_get_keeps_its_connection_and_a_refused_post_ends_it(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let _clients = fill(&proxy, &backend);
    let mut client = Client::connect(proxy.address()).unwrap();
    for _ in 0..2 {
        assert_refused(subject, &client.exchange(GET).unwrap(), GET);
    }
    // RFC 9112 section 9.3: the body is not read, so the start of the next request is unknown.
    client.send(POST).unwrap();
    let refused = client.read_response("POST").unwrap();
    assert_eq!((refused.status, refused.field("connection")), (503, Some("close")));
    // RFC 9112 section 9.6: what still arrives does not reset the connection.
    client.send("body").unwrap();
    assert_eq!(client.read_to_end().unwrap().0, b"");
}

fn a_refused_client_of_http_1_0_gets_a_complete_response(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let _clients = fill(&proxy, &backend);
    let request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut client = Client::connect(proxy.address()).unwrap();
    for _ in 0..2 {
        assert_refused(subject, &client.exchange(request).unwrap(), request);
    }
}

fn a_refused_request_gets_no_100(subject: &Subject) {
    // RFC 9110 section 10.1.1: the final response replaces the 100.
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let _clients = fill(&proxy, &backend);
    let request = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(&request).unwrap();
    // The first head that arrives.
    assert_eq!(client.read_head().unwrap().unwrap().status, 503);
}

fn a_request_that_waits_at_a_stop_signal_is_answered(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let mut proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let mut clients = fill(&proxy, &backend);
    proxy.terminate().unwrap();
    proxy.wait_for_log("stopping: ").unwrap();
    backend.release(PLACES + WAITING);
    for client in &mut clients {
        let response = client.read_response("GET").unwrap();
        assert_eq!((response.status, response.field("connection")), (200, Some("close")));
    }
    assert!(proxy.wait_for_exit().unwrap().success());
}

fn without_a_flag_all_requests_are_served_at_once(subject: &Subject) {
    const CLIENTS: usize = 200;
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let send = |_| {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(GET).unwrap();
        client
    };
    let _clients: Vec<Client> = (0..CLIENTS).map(send).collect();
    backend.wait_for_requests(CLIENTS).unwrap();
    let queue = &state(&proxy)["Queue"];
    assert_eq!((&queue["InFlight"], &queue["MostInFlight"]), (&CLIENTS.into(), &serde_json::Value::Null));
}
