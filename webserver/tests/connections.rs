//! When connections stay open and when they end, the experiments that end them, the counters, and the flags.

mod support;

use std::io::ErrorKind;
use std::net::Shutdown;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Webserver, get, pattern, request};

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for target in ["/hello/a", "/chunked/5", "/nothing", "/status/204", "/bytes/x", "/trailers", "/"] {
        client.send(get(target));
        client.response();
    }
    client.send(request("GET", "/hello/b", "Connection: close\r\n"));
    assert_eq!(client.response().text(), "hello, b!\n");
    assert_eq!(client.rest(), b"");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    let echo = request("POST", "/echo", "Content-Length: 3\r\n") + "abc";
    let refused = request("POST", "/hello/x", "Content-Length: 3\r\n") + "abc";
    client.send(get("/hello/1") + &echo + &refused + &get("/bytes/7") + &get("/close/9") + &get("/hello/2"));
    assert_eq!(client.response().text(), "hello, 1!\n");
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.response().status(), 405);
    assert_eq!(client.response().body, pattern(7));
    assert_eq!(client.response().body, pattern(9));
}

#[test]
fn an_http_1_0_client_gets_its_response_and_a_close() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send("GET /chunked/300 HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!(response.field("Transfer-Encoding"), None);
    assert_eq!(response.body, pattern(300));
}

#[test]
fn a_bad_request_is_answered_and_counted_as_a_connection() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send("this is not HTTP\r\n\r\n");
    assert_eq!(client.response().status(), 400);
    assert_eq!(client.rest(), b"");
    assert_eq!(webserver.counters(), r#"{"accepted":1,"in_flight":0,"in_flight_max":0,"requests":0}"#);
}

#[test]
fn early_responds_before_reading_the_body_and_closes() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(request("POST", "/early/413", "Content-Length: 1000000\r\n") + "the beginning");
    let response = client.response();
    assert_eq!((response.status(), response.field("Connection")), (413, Some("close")));
    assert_eq!(response.text(), "413 Content Too Large\n");
    assert_eq!(client.rest(), b"");
}

#[test]
fn upgrade_sends_back_every_byte_until_the_end() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    let offer = request("GET", "/upgrade", "Connection: keep-alive, Upgrade\r\nUpgrade: x, Echo\r\n");
    client.send(offer + "sent behind the head");
    let response = client.response();
    assert_eq!((response.status(), response.field("Upgrade")), (101, Some("echo")));
    assert_eq!(client.exactly(20), b"sent behind the head");
    for text in ["ping", "\r\n\r\n", "\0GET / HTTP/1.1\r\n\r\n"] {
        client.send(text);
        assert_eq!(client.exactly(text.len()), text.as_bytes());
    }
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
}

#[test]
fn truncate_sends_half_of_what_it_announces() {
    let webserver = Webserver::start(&[]);
    for length in [1, 2, 1001, 200_000] {
        let mut client = webserver.connect();
        client.send(get(&format!("/truncate/{length}")));
        assert!(client.head().contains(&format!("Content-Length: {length}\n")));
        assert!(client.rest() == pattern(length / 2), "{length}");
    }
}

#[test]
fn garbage_is_not_http() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(get("/garbage"));
    let bytes = client.rest();
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"));
}

#[test]
fn reset_resets_the_connection() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(get("/reset"));
    assert_eq!(client.read_error(), ErrorKind::ConnectionReset);
}

#[test]
fn counters_ignore_lab_requests() {
    let webserver = Webserver::start(&[]);
    assert_eq!(webserver.counters(), r#"{"accepted":0,"in_flight":0,"in_flight_max":0,"requests":0}"#);
    let mut client = webserver.connect();
    for target in ["/_lab/counters", "/hello/x", "/nothing", "/_lab/counters", "/bytes/3"] {
        client.send(get(target));
        client.response();
    }
    assert_eq!(webserver.counters(), r#"{"accepted":1,"in_flight":0,"in_flight_max":1,"requests":3}"#);
    client.send(request("POST", "/_lab/counters/reset", ""));
    assert_eq!(client.response().status(), 204);
    assert_eq!(webserver.counters(), r#"{"accepted":0,"in_flight":0,"in_flight_max":0,"requests":0}"#);
}

#[test]
fn requests_in_flight_are_counted_until_their_response_ends() {
    let webserver = Webserver::start(&[]);
    let mut clients = [webserver.connect(), webserver.connect(), webserver.connect()];
    for client in &mut clients {
        client.send(request("POST", "/echo", "Transfer-Encoding: chunked\r\n"));
        client.head();
    }
    assert_eq!(webserver.counters(), r#"{"accepted":3,"in_flight":3,"in_flight_max":3,"requests":3}"#);
    clients[0].send("0\r\n\r\n");
    assert_eq!(clients[0].chunk(), None);
    clients[1].send("0\r\n\r\n");
    assert_eq!(clients[1].chunk(), None);
    let mut lab = webserver.connect();
    lab.send(request("POST", "/_lab/counters/reset", ""));
    assert_eq!(lab.response().status(), 204);
    assert_eq!(webserver.counters(), r#"{"accepted":0,"in_flight":1,"in_flight_max":1,"requests":0}"#);
    // A request that fails leaves the count as well.
    clients[2].send("not a chunk\r\n");
    clients[2].rest();
    assert_eq!(webserver.counters(), r#"{"accepted":0,"in_flight":0,"in_flight_max":1,"requests":0}"#);
}

#[test]
fn no_way_to_end_a_connection_leaves_a_request_in_flight() {
    let webserver = Webserver::start(&[]);
    for target in ["/garbage", "/close/9", "/truncate/9", "/early/500"] {
        let mut client = webserver.connect();
        client.send(get(target));
        client.rest();
    }
    let mut client = webserver.connect();
    client.send(get("/reset"));
    client.read_error();
    assert_eq!(webserver.counters(), r#"{"accepted":5,"in_flight":0,"in_flight_max":1,"requests":5}"#);
}

#[test]
fn lab_requests_are_not_delayed() {
    let a_day = "86400000";
    let webserver = Webserver::start(&["--delay", a_day, "--stall", a_day, "--stall-every", "1"]);
    assert_eq!(webserver.get("/_lab/counters").status(), 200);
}

#[test]
fn delay_and_accept_delay_delay_the_responses() {
    let webserver = Webserver::start(&["--delay", "150", "--accept-delay", "100"]);
    let start = Instant::now();
    let mut client = webserver.connect();
    client.send(get("/hello/x") + &get("/hello/y"));
    client.response();
    client.response();
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}

#[test]
fn every_nth_request_stalls() {
    let webserver = Webserver::start(&["--stall", "150", "--stall-every", "2"]);
    let mut client = webserver.connect();
    for _ in 0..2 {
        client.send(get("/hello/x"));
        client.response();
        let start = Instant::now();
        client.send(get("/hello/y"));
        client.response();
        assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
    }
}

#[test]
fn an_idle_connection_is_closed_without_a_response() {
    let webserver = Webserver::start(&["--idle-timeout", "100"]);
    let mut client = webserver.connect();
    client.send(get("/hello/x"));
    assert_eq!(client.response().field("Connection"), None);
    assert_eq!(client.rest(), b"");
    assert_eq!(webserver.connect().rest(), b"");
}

#[test]
fn invalid_flags_end_with_exit_code_2() {
    for flags in [
        &["--stall", "5"][..],
        &["--stall-every", "5"],
        &["--stall", "5", "--stall-every", "0"],
        &["--idle-timeout", "0"],
        &["--delay", "99999999999"],
        &["--listen", "nowhere"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_webserver")).args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
    }
}

#[test]
fn at_max_clients_the_next_client_waits() {
    let webserver = Webserver::start(&["--max-clients", "1"]);
    let mut first = webserver.connect();
    first.send(get("/hello/1"));
    first.response();
    let mut second = webserver.connect();
    second.send(get("/hello/2"));
    for _ in 0..10 {
        first.send(get("/_lab/counters"));
        assert!(first.response().text().starts_with(r#"{"accepted":1,"#));
    }
    drop(first);
    assert_eq!(second.response().text(), "hello, 2!\n");
}

#[test]
fn many_clients_are_served_at_once() {
    const CLIENTS: usize = 200;
    let webserver = Webserver::start(&[]);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| webserver.connect()).collect();
    for client in &mut clients {
        client.send(request("POST", "/echo", "Transfer-Encoding: chunked\r\n"));
    }
    for client in &mut clients {
        client.head();
    }
    assert!(webserver.counters().contains(&format!(r#""in_flight_max":{CLIENTS},"#)));
    for client in &mut clients {
        client.send("0\r\n\r\n");
        assert_eq!(client.chunk(), None);
    }
}

#[cfg(unix)]
#[test]
fn a_stop_signal_lets_a_request_in_flight_finish() {
    let mut webserver = Webserver::start(&[]);
    let mut busy = webserver.connect();
    busy.send(request("POST", "/echo", "Transfer-Encoding: chunked\r\n"));
    busy.head();
    let mut idle = webserver.connect();
    idle.send(get("/hello/x"));
    idle.response();
    testkit::terminate(webserver.child.id()).unwrap();
    // The end of the idle connection shows that the signal has arrived.
    assert_eq!(idle.rest(), b"");
    busy.send("4\r\nlate\r\n0\r\n\r\n");
    assert_eq!(busy.chunk().unwrap(), b"late");
    assert_eq!(busy.chunk(), None);
    assert_eq!(webserver.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_stop_signal_ends_the_webserver_with_exit_code_0() {
    let mut webserver = Webserver::start(&[]);
    let _idle = webserver.connect();
    testkit::terminate(webserver.child.id()).unwrap();
    assert_eq!(webserver.child.wait().unwrap().code(), Some(0));
}
