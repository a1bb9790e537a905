//! Which responses a cache may use again without asking: RFC 9111 sections 4.2.2 and 5.2.2.4.

mod support;

use std::fs;

use support::folder::Folder;
use support::{Response, Webserver, get, get_with, request};

fn check(response: &Response, what: &str) {
    assert_eq!(response.field("Cache-Control"), Some("no-cache"), "{what}: {}", response.head);
}

/// RFC 9111 section 4.2.2: from `Last-Modified` alone a cache guesses that the file stays as it is.
#[test]
fn a_file_is_revalidated_before_each_use_and_keeps_its_validators() {
    let folder = Folder::new();
    folder.file("a.txt", "0123456789");
    folder.file("index.html", "first");
    let webserver = folder.serve("");
    let whole = webserver.get("/a.txt");
    check(&whole, "200");
    let (tag, date) = (whole.field("ETag").unwrap(), whole.field("Last-Modified").unwrap());
    check(&webserver.get("/"), "index.html");
    for (fields, status) in [
        // RFC 9110 section 15.4.5: 304 has the Cache-Control of the 200 that it replaces.
        (format!("If-None-Match: {tag}\r\n"), 304),
        (format!("If-Modified-Since: {date}\r\n"), 304),
        ("Range: bytes=0-1\r\n".to_owned(), 206),
        ("Range: bytes=99-\r\n".to_owned(), 416),
        ("If-Match: \"other\"\r\n".to_owned(), 412),
    ] {
        let response = get_with(&webserver, "/a.txt", &fields);
        assert_eq!(response.status(), status, "{fields}");
        check(&response, &fields);
    }
}

/// RFC 9110 section 15.1: a 404 or 405 may be stored too, and there may be a file the next time.
#[test]
fn errors_are_revalidated_before_each_use() {
    let folder = Folder::new();
    folder.file("a.txt", "");
    for (webserver, is_book) in [(folder.serve(""), false), (Webserver::start(&[]), true)] {
        for (method, target, status) in [
            ("GET", "/nothing", 404),
            ("GET", "/%zz", 400),
            ("DELETE", if is_book { "/" } else { "/a.txt" }, 405),
        ] {
            let mut client = webserver.connect();
            client.send(request(method, target, ""));
            let response = client.response();
            assert_eq!(response.status(), status, "{method} {target}");
            check(&response, target);
        }
    }
}

/// RFC 9110 section 15.4: a permanent redirect is kept, and would hide the file that takes the folder's place.
#[test]
fn a_folder_that_becomes_a_file_is_served_as_a_file_at_once() {
    let folder = Folder::new();
    folder.file("name/index.html", "folder");
    let webserver = folder.serve("");
    let response = webserver.get("/name");
    assert_eq!((response.status(), response.field("Location")), (307, Some("/name/")));
    check(&response, "redirect");
    fs::remove_dir_all(folder.path("name")).unwrap();
    folder.file("name", "file");
    assert_eq!(webserver.get("/name").text(), "file");
}

#[test]
fn the_pages_of_the_book_are_revalidated_before_each_use() {
    let webserver = Webserver::start(&[]);
    for path in [
        "/",
        "/part1",
        "/experiments",
        "/counters",
        "/report",
        "/source",
        "/source/part1/src/main.rs",
        "/diff",
        "/diff/1/2",
        "/images/request-path.svg",
    ] {
        let response = webserver.get(path);
        assert_eq!(response.status(), 200, "{path}");
        check(&response, path);
        let tag = response.field("ETag").unwrap();
        let response = get_with(&webserver, path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!(response.status(), 304, "{path}");
        check(&response, path);
    }
}

#[test]
fn an_experiment_that_may_answer_differently_is_revalidated_before_each_use() {
    let webserver = Webserver::start(&[]);
    for path in [
        "/_lab/counters",
        "/favicon.ico",
        "/headers",
        "/echo",
        "/delay/0",
        "/upgrade",
        "/bytes/x",
        // RFC 9110 section 15.1: browsers keep these forever by default.
        "/status/301",
        "/status/308",
        "/status/410",
        "/early/410",
    ] {
        check(&webserver.get(path), path);
    }
    let mut client = webserver.connect();
    client.send(get("/hints"));
    assert_eq!(client.response().status(), 103);
    check(&client.response(), "/hints");
    assert_eq!(webserver.get("/drip?count=1").field("Cache-Control"), Some("no-store"));
}
