//! The experiments about bodies.

mod support;

use support::{Webserver, get, pattern, request};

/// More than two of the webserver's writes.
const LONG: usize = 150_001;

#[test]
fn hello_returns_the_encoded_name_unchanged() {
    let webserver = Webserver::start(&[]);
    assert_eq!(webserver.get("/hello/world").text(), "hello, world!\n");
    assert_eq!(webserver.get("/hello/%0d%0aX:/<b>?query").text(), "hello, %0d%0aX:/<b>!\n");
    assert_eq!(webserver.get("/hello/").text(), "hello, !\n");
}

#[test]
fn bytes_has_a_content_length_and_the_pattern() {
    let webserver = Webserver::start(&[]);
    for length in [0, 1, 251, 64_256, 64_257, LONG] {
        let response = webserver.get(&format!("/bytes/{length}"));
        assert_eq!(response.field("Content-Length"), Some(length.to_string().as_str()));
        assert!(response.body == pattern(length), "{length}");
    }
}

#[test]
fn chunked_sends_the_same_bytes_in_chunks() {
    let webserver = Webserver::start(&[]);
    for length in [0, 1, 64_256, LONG] {
        let response = webserver.get(&format!("/chunked/{length}"));
        assert_eq!(response.field("Transfer-Encoding"), Some("chunked"));
        assert!(response.body == pattern(length), "{length}");
    }
}

#[test]
fn close_sends_the_same_bytes_up_to_the_end_of_the_connection() {
    let webserver = Webserver::start(&[]);
    for length in [0, 1, LONG] {
        let response = webserver.get(&format!("/close/{length}"));
        assert_eq!(response.field("Connection"), Some("close"));
        assert_eq!(response.field("Content-Length"), None);
        assert_eq!(response.field("Transfer-Encoding"), None);
        assert!(response.body == pattern(length), "{length}");
    }
}

#[test]
fn head_answers_like_get_without_a_body() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    let targets = ["/", "/hello/x", "/bytes/18446744073709551615", "/chunked/9", "/drip", "/truncate/9"];
    for target in targets {
        client.send(request("HEAD", target, ""));
        assert!(client.head().starts_with("HTTP/1.1 200 OK\n"), "{target}");
    }
    client.send(request("HEAD", "/close/9", ""));
    assert!(client.head().starts_with("HTTP/1.1 200 OK\n"));
    assert_eq!(client.rest(), b"");
}

#[test]
fn echo_sends_back_a_body_with_a_content_length() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for body in ["", "four", "and again"] {
        let fields = format!("Content-Type: text/x\r\nContent-Length: {}\r\n", body.len());
        client.send(request("PUT", "/echo", &fields) + body);
        let response = client.response();
        assert_eq!(response.field("Content-Type"), Some("text/x"));
        assert_eq!(response.field("Content-Length"), Some(body.len().to_string().as_str()));
        assert_eq!(response.text(), body);
    }
    client.send(get("/echo"));
    assert_eq!(client.response().field("Content-Length"), Some("0"));
}

#[test]
fn echo_sends_back_each_chunk_before_the_next_arrives_and_then_the_trailers() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(request("POST", "/echo", "Transfer-Encoding: chunked\r\nTrailer: X-End\r\n"));
    let head = client.head();
    assert!(head.contains("Transfer-Encoding: chunked\n") && head.contains("Trailer: X-End\n"), "{head}");
    for text in ["one", "two", "three"] {
        client.send(format!("{:x}\r\n{text}\r\n", text.len()));
        assert_eq!(client.chunk().unwrap(), text.as_bytes());
    }
    client.send("0\r\nX-End: yes\r\n\r\n");
    assert_eq!(client.chunk(), None);
    assert_eq!(client.head(), "X-End: yes\n");
}

#[test]
fn echo_sends_back_a_long_body_before_it_is_complete() {
    const LENGTH: usize = 32 * 1024 * 1024;
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(request("POST", "/echo", &format!("Content-Length: {LENGTH}\r\n")));
    let body = pattern(LENGTH);
    let mut upload = client.stream().try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| std::io::Write::write_all(&mut upload, &body).unwrap());
        assert!(client.response().body == body);
    });
}

#[test]
fn expect_100_continue_gets_a_100() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for (target, status) in [("/echo", 200), ("/nothing", 404)] {
        client.send(request("POST", target, "Expect: 100-continue\r\nContent-Length: 4\r\n"));
        assert_eq!(client.response().status(), 100, "{target}");
        client.send("body");
        assert_eq!(client.response().status(), status, "{target}");
    }
}

#[test]
fn trailers_follow_the_body_and_are_announced() {
    let response = Webserver::start(&[]).get("/trailers");
    assert_eq!(response.field("Trailer"), Some("X-Trailer"));
    assert_eq!(response.trailers, "X-Trailer: this came after the body\n");
}

#[test]
fn drip_sends_events_one_by_one() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    client.send(get("/drip?count=3&ms=1"));
    assert!(client.head().contains("Content-Type: text/event-stream\n"));
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        assert_eq!(client.chunk().unwrap(), event.as_bytes());
    }
    assert_eq!(client.chunk(), None);
    assert_eq!(webserver.get("/drip?ms=0").text().matches("data: ").count(), 5);
    assert_eq!(webserver.get("/drip?count=0").text(), "");
}

#[test]
fn the_list_of_experiments_is_the_same_each_time_and_its_links_work() {
    let webserver = Webserver::start(&[]);
    let page = webserver.get("/experiments");
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.body, webserver.get("/experiments").body);
    let text = page.text();
    assert!(text.contains("<nav") && text.contains("<svg") && text.contains("prefers-color-scheme"));
    let links: Vec<&str> = text.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() >= 16, "{links:?}");
    for link in links.iter().filter(|link| !matches!(**link, "garbage" | "reset" | "truncate/1000")) {
        let status = webserver.get(&format!("/{}", link.replace("&amp;", "&"))).status();
        let expected = match *link {
            "status/404" => 404,
            "upgrade" => 426,
            "early/413" => 413,
            "hints" => 103,
            _ => 200,
        };
        assert_eq!(status, expected, "{link}");
    }
    assert_eq!(webserver.get("/favicon.ico").status(), 204);
}
