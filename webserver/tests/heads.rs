//! The experiments about heads, and the response to a request for no experiment.

mod support;

use std::time::{Duration, Instant};

use support::{Webserver, get, request};

#[test]
fn headers_returns_the_received_request() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send("GET /headers?q=1 HTTP/1.1\r\nhost: a\r\nX-Two: 1\r\nx-two:2\r\nX-Empty:\r\n\r\n");
    assert_eq!(
        client.response().text(),
        "GET /headers?q=1 HTTP/1.1\nhost: a\nX-Two: 1\nx-two: 2\nX-Empty: \n"
    );
}

#[test]
fn status_answers_with_that_status() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for (status, text) in [
        (200, "200 OK\n"),
        (404, "404 Not Found\n"),
        (599, "599\n"),
        (204, ""),
        (205, ""),
        (304, ""),
        (503, "503 Service Unavailable\n"),
    ] {
        client.send(get(&format!("/status/{status}")));
        let response = client.response();
        assert_eq!((response.status(), response.text().as_str()), (status, text));
    }
}

#[test]
fn delay_answers_after_that_time() {
    let webserver = Webserver::start(&[]);
    let start = Instant::now();
    assert_eq!(webserver.get("/delay/150").text(), "waited 150 ms\n");
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn hints_sends_an_interim_response_first() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(get("/hints"));
    let interim = client.response();
    assert_eq!(interim.status(), 103);
    assert!(interim.field("Link").is_some());
    assert_eq!(client.response().status(), 200);
}

#[test]
fn an_invalid_number_is_answered_with_its_range() {
    let webserver = Webserver::start(&[]);
    for (target, text) in [
        ("/bytes/x", "/bytes/N takes a number from 0 to 18446744073709551615\n"),
        ("/bytes/+1", "/bytes/N takes a number from 0 to 18446744073709551615\n"),
        ("/chunked", "/chunked/N takes a number from 0 to 18446744073709551615\n"),
        ("/close/", "/close/N takes a number from 0 to 18446744073709551615\n"),
        ("/truncate/-1", "/truncate/N takes a number from 0 to 18446744073709551615\n"),
        ("/bytes/18446744073709551616", "/bytes/N takes a number from 0 to 18446744073709551615\n"),
        ("/status/199", "/status/CODE takes a number from 200 to 599\n"),
        ("/early/600", "/early/CODE takes a number from 200 to 599\n"),
        ("/delay/60001", "/delay/MS takes a number from 0 to 60000\n"),
        ("/drip?count=10001", "/drip?count=N takes a number from 0 to 10000\n"),
        ("/drip?ms=soon", "/drip?ms=MS takes a number from 0 to 60000\n"),
    ] {
        let response = webserver.get(target);
        assert_eq!((response.status(), response.text().as_str()), (400, text), "{target}");
    }
}

#[test]
fn an_unknown_path_is_answered_with_the_path_of_the_experiments() {
    let webserver = Webserver::start(&[]);
    for target in ["/nothing", "/hello", "/echo/", "//", "/_lab/", "/_lab/nothing", "/upgrade/x"] {
        let response = webserver.get(target);
        assert_eq!(response.status(), 404, "{target}");
        assert!(response.text().contains("/experiments lists the experiments"), "{target}");
    }
}

#[test]
fn other_methods_are_refused_with_a_list_of_those_allowed() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for (method, target, allow) in [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/bytes/5", "GET, HEAD"),
        ("get", "/hello/x", "GET, HEAD"),
        ("GET", "/_lab/counters/reset", "POST"),
    ] {
        client.send(request(method, target, "Content-Length: 4\r\n") + "body");
        let response = client.response();
        assert_eq!((response.status(), response.field("Allow")), (405, Some(allow)), "{method} {target}");
    }
}

#[test]
fn upgrade_without_an_offer_is_answered_426() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for fields in
        ["", "Upgrade: echo\r\n", "Connection: upgrade\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n"]
    {
        client.send(request("GET", "/upgrade", fields));
        let response = client.response();
        assert_eq!((response.status(), response.field("Upgrade")), (426, Some("echo")), "{fields}");
        assert_eq!(response.field("Connection"), Some("upgrade"));
    }
}
