//! Validators and conditional requests: RFC 9110 sections 8.8 and 13.

mod support;

use std::time::{Duration, SystemTime};

use support::folder::{Folder, MODIFIED, MODIFIED_DATE};
use support::{Response, Webserver, get_with, request};

const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// A webserver with the file `/a.txt`, which was modified at [`MODIFIED_DATE`], and its entity tag.
fn with_file() -> (Folder, Webserver, String) {
    let folder = Folder::new();
    folder.file("a.txt", "0123456789");
    let webserver = folder.serve("");
    let tag = entity_tag(&webserver.get("/a.txt"));
    (folder, webserver, tag)
}

fn entity_tag(response: &Response) -> String {
    response.field("ETag").unwrap_or_else(|| panic!("no ETag: {}", response.head)).to_owned()
}

fn check(webserver: &Webserver, cases: &[(&str, u16)]) {
    for (fields, status) in cases {
        assert_eq!(get_with(webserver, "/a.txt", fields).status(), *status, "{fields}");
    }
}

/// RFC 9110 section 8.8.
#[test]
fn a_file_has_a_strong_entity_tag_and_the_time_of_its_modification() {
    let (folder, webserver, tag) = with_file();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    let response = webserver.get("/a.txt");
    assert_eq!(response.field("Last-Modified"), Some(MODIFIED_DATE));
    assert_eq!(entity_tag(&response), tag);
    folder.file("a.txt", "another length");
    assert_ne!(entity_tag(&webserver.get("/a.txt")), tag);
    let file = folder.file("a.txt", "0123456789");
    assert_eq!(entity_tag(&webserver.get("/a.txt")), tag);
    file.set_modified(SystemTime::UNIX_EPOCH + MODIFIED + Duration::from_millis(100)).unwrap();
    let response = webserver.get("/a.txt");
    assert_ne!(entity_tag(&response), tag);
    assert_eq!(response.field("Last-Modified"), Some(MODIFIED_DATE));
}

/// RFC 9110 section 8.8.1: it might change again without a new time.
#[test]
fn a_file_that_was_just_modified_has_a_weak_entity_tag() {
    let folder = Folder::new();
    let a_day = Duration::from_secs(24 * 60 * 60);
    folder.file("a.txt", "").set_modified(SystemTime::now() + a_day).unwrap();
    let webserver = folder.serve("");
    let response = webserver.get("/a.txt");
    let tag = entity_tag(&response);
    assert!(tag.starts_with("W/\""), "{tag}");
    let strong = tag.trim_start_matches("W/");
    check(
        &webserver,
        &[
            (&format!("If-None-Match: {tag}\r\n"), 304),
            (&format!("If-None-Match: {strong}\r\n"), 304),
            (&format!("If-Match: {tag}\r\n"), 412),
            (&format!("If-Match: {strong}\r\n"), 412),
        ],
    );
    // RFC 9110 section 8.8.2.1: never a time in the future.
    let modified = httpdate::parse_http_date(response.field("Last-Modified").unwrap()).unwrap();
    assert!(modified <= SystemTime::now());
}

// Other systems have no file times before 1970.
#[cfg(unix)]
#[test]
fn a_modification_time_outside_http_date_is_omitted() {
    let folder = Folder::new();
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1000);
    folder.file("a.txt", "old").set_modified(before_1970).unwrap();
    let response = folder.serve("").get("/a.txt");
    assert_eq!((response.status(), response.text().as_str()), (200, "old"));
    assert_eq!((response.field("ETag"), response.field("Last-Modified")), (None, None));
}

/// RFC 9110 section 13.1.2.
#[test]
fn if_none_match_compares_weakly_and_takes_a_list() {
    let (_folder, webserver, tag) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-None-Match: {tag}\r\n"), 304),
            (&format!("If-None-Match: W/{tag}\r\n"), 304),
            ("If-None-Match: *\r\n", 304),
            (&format!("If-None-Match: \"x\", {tag}\r\n"), 304),
            (&format!("If-None-Match: \"a,b\" ,W/\"\",, {tag} ,\r\n"), 304),
            (&format!("If-None-Match: \"x\"\r\nIf-None-Match: {tag}\r\n"), 304),
            ("If-None-Match: \"x\"\r\n", 200),
            ("If-None-Match: \"*\"\r\n", 200),
            ("If-None-Match:\r\n", 200),
            // Text inside of another tag is not a tag.
            (&format!("If-None-Match: \"a, {tag}\r\n"), 200),
            (&format!("If-None-Match: w/{tag}\r\n"), 200),
            (&format!("If-None-Match: {}\r\n", tag.trim_matches('"')), 200),
            (&format!("If-None-Match: {}\r\n", tag.to_uppercase().replace('"', "'")), 200),
        ],
    );
}

/// RFC 9110 section 15.4.5.
#[test]
fn not_modified_has_the_entity_tag_and_no_body_and_the_connection_stays_open() {
    let (_folder, webserver, tag) = with_file();
    let mut client = webserver.connect();
    for method in ["GET", "HEAD"] {
        client.send(request(method, "/a.txt", &format!("If-None-Match: {tag}\r\n")));
        let response = client.response();
        assert_eq!((response.status(), response.field("ETag")), (304, Some(tag.as_str())), "{method}");
        assert!(response.field("Date").is_some());
        for name in ["Content-Type", "Content-Length", "Last-Modified", "Accept-Ranges"] {
            assert_eq!(response.field(name), None, "{name}");
        }
    }
}

/// RFC 9110 section 13.1.3, and 5.6.7 for the formats.
#[test]
fn if_modified_since_compares_the_date_in_each_of_its_formats() {
    let (_folder, webserver, _) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-Modified-Since: {MODIFIED_DATE}\r\n"), 304),
            (&format!("If-Modified-Since: {LATER}\r\n"), 304),
            ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304),
            ("If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304),
            (&format!("If-Modified-Since: {EARLIER}\r\n"), 200),
            ("If-Modified-Since: yesterday\r\n", 200),
            ("If-Modified-Since: 784111777\r\n", 200),
            ("If-Modified-Since:\r\n", 200),
            (&format!("If-Modified-Since: {LATER}\r\nIf-Modified-Since: {LATER}\r\n"), 200),
        ],
    );
}

/// RFC 9110 section 13.2.2, steps 3 and 4.
#[test]
fn if_modified_since_is_ignored_with_if_none_match() {
    let (_folder, webserver, tag) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {LATER}\r\n"), 200),
            (&format!("If-Modified-Since: {EARLIER}\r\nIf-None-Match: {tag}\r\n"), 304),
        ],
    );
}

/// RFC 9110 section 13.1.1.
#[test]
fn if_match_compares_strongly_and_is_answered_412() {
    let (_folder, webserver, tag) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-Match: {tag}\r\n"), 200),
            ("If-Match: *\r\n", 200),
            (&format!("If-Match: \"x\" , {tag}\r\n"), 200),
            (&format!("If-Match: W/{tag}\r\n"), 412),
            ("If-Match: \"x\"\r\n", 412),
            ("If-Match: nonsense\r\n", 412),
        ],
    );
}

/// RFC 9110 section 13.1.4.
#[test]
fn if_unmodified_since_is_answered_412_if_it_was_modified() {
    let (_folder, webserver, _) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-Unmodified-Since: {MODIFIED_DATE}\r\n"), 200),
            (&format!("If-Unmodified-Since: {LATER}\r\n"), 200),
            (&format!("If-Unmodified-Since: {EARLIER}\r\n"), 412),
            ("If-Unmodified-Since: yesterday\r\n", 200),
        ],
    );
}

/// RFC 9110 section 13.2.2, steps 1 to 3.
#[test]
fn if_match_is_evaluated_before_the_other_preconditions() {
    let (_folder, webserver, tag) = with_file();
    check(
        &webserver,
        &[
            (&format!("If-Match: {tag}\r\nIf-Unmodified-Since: {EARLIER}\r\n"), 200),
            (&format!("If-Match: \"x\"\r\nIf-None-Match: {tag}\r\n"), 412),
            (&format!("If-Match: {tag}\r\nIf-None-Match: {tag}\r\n"), 304),
            (&format!("If-Unmodified-Since: {EARLIER}\r\nIf-None-Match: {tag}\r\n"), 412),
        ],
    );
}

/// RFC 9110 section 13.2.1.
#[test]
fn preconditions_do_not_change_a_status_other_than_2xx() {
    let (folder, webserver, _) = with_file();
    folder.file("sub/x", "");
    for (target, status) in [("/nothing", 404), ("/sub", 307), ("/%", 400)] {
        for fields in ["If-None-Match: *\r\n", "If-Match: \"x\"\r\n", "If-Match: *\r\n"] {
            assert_eq!(get_with(&webserver, target, fields).status(), status, "{target} {fields}");
        }
    }
}

#[test]
fn the_page_has_validators_too() {
    let webserver = Webserver::start(&[]);
    let page = webserver.get("/");
    let tag = entity_tag(&page);
    assert!(tag.starts_with('"'), "{tag}");
    assert_eq!(entity_tag(&Webserver::start(&[]).get("/")), tag);
    // It is made of several files, so there is no one time.
    assert_eq!(page.field("Last-Modified"), None);
    for (fields, status) in [
        (format!("If-None-Match: {tag}\r\n"), 304),
        (format!("If-Modified-Since: {EARLIER}\r\n"), 200),
        ("If-Match: \"x\"\r\n".to_owned(), 412),
    ] {
        assert_eq!(get_with(&webserver, "/", &fields).status(), status, "{fields}");
    }
    let part = get_with(&webserver, "/", "Range: bytes=2-8\r\n");
    assert_eq!((part.status(), part.text().as_str()), (206, "doctype"));
}
