//! The response to a rejected request: a page for a browser, a line of text for other clients.

mod support;

use support::folder::Folder;
use support::{Webserver, get, get_with, request, values};

/// What a browser sends.
const HTML: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

#[test]
fn a_browser_gets_an_error_page_with_links_to_the_likely_page_and_the_first_one() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    for (method, path, status, likely) in [
        ("GET", "/part1/", 404, Some("/part1")),
        ("GET", "/part1.md", 404, Some("/part1")),
        ("GET", "/part1.html", 404, Some("/part1")),
        ("GET", "/source/", 404, Some("/source")),
        ("GET", "/source/part1/src/", 404, Some("/source")),
        ("GET", "/diff/1/2/", 404, Some("/diff/1/2")),
        ("GET", "/diff/1/99", 404, Some("/diff")),
        ("GET", "/counters/x", 404, Some("/counters")),
        ("GET", "/hello", 404, None),
        ("GET", "/source/../Cargo.toml", 404, Some("/source")),
        ("GET", "/nothing/\"><b>'&amp;", 404, None),
        ("GET", "//", 404, None),
        ("GET", "/%zz", 400, None),
        ("GET", "/bytes/many", 400, None),
        ("POST", "/part1", 405, Some("/part1")),
    ] {
        client.send(request(method, path, HTML));
        let response = client.response();
        assert_eq!((response.status(), path), (status, path));
        assert_eq!(response.field("Content-Type"), Some("text/html; charset=utf-8"), "{path}");
        let html = response.text();
        let main = html.split("<main>").nth(1).unwrap().split("</main>").next().unwrap();
        assert!(main.starts_with(&format!("\n<h1>{status} ")), "{path}: {main}");
        assert!(!main.contains("<b>"), "{path}: {main}");
        let links: Vec<&str> = likely.into_iter().chain(["/", "/experiments"]).collect();
        assert_eq!(values(main, "href"), links, "{path}");
        for link in links {
            client.send(get(link));
            assert_eq!(client.response().status(), 200, "{path}: {link}");
        }
    }
}

#[test]
fn a_client_that_does_not_accept_html_gets_an_error_as_text() {
    let webserver = Webserver::start(&[]);
    for fields in ["", "Accept: */*\r\n", "Accept: application/json, text/plain\r\n"] {
        for (path, status) in [("/part1/", 404), ("/bytes/many", 400), ("/_lab/nothing", 404)] {
            let response = get_with(&webserver, path, fields);
            assert_eq!((response.status(), path), (status, path));
            assert_eq!(response.field("Content-Type"), Some("text/plain; charset=utf-8"), "{path}");
            // RFC 9110 section 12.5.5: a cache must not give it to a browser.
            assert_eq!(response.field("Vary"), Some("Accept"), "{path}");
            assert_eq!(response.text().lines().count(), 1, "{path}");
        }
    }
    let webserver = Folder::new().serve("");
    assert_eq!(get_with(&webserver, "/x", HTML).text(), "there is no such file\n");
}
