//! Parts of a file: RFC 9110 section 14.

mod support;

use std::time::SystemTime;

use support::folder::{Folder, MODIFIED_DATE};
use support::{Webserver, get_with, pattern, request};

fn with_file(content: &[u8]) -> (Folder, Webserver) {
    let folder = Folder::new();
    folder.file("a.txt", content);
    let webserver = folder.serve("");
    (folder, webserver)
}

/// RFC 9110 sections 14.1.2 and 15.3.7.1.
#[test]
fn a_range_is_answered_with_that_part() {
    let (_folder, webserver) = with_file(b"0123456789");
    let whole = webserver.get("/a.txt");
    for (range, content_range, body) in [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=9-9", "bytes 9-9/10", "9"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=-10", "bytes 0-9/10", "0123456789"),
        ("bytes=0-", "bytes 0-9/10", "0123456789"),
        // RFC 9110 section 14.1.2: a longer suffix means the complete file.
        ("bytes=-11", "bytes 0-9/10", "0123456789"),
        ("bytes=8-100", "bytes 8-9/10", "89"),
        ("bytes=8-18446744073709551615", "bytes 8-9/10", "89"),
        ("bytes=8-99999999999999999999999", "bytes 8-9/10", "89"),
        ("bytes=-99999999999999999999999", "bytes 0-9/10", "0123456789"),
        // RFC 9110 section 14.1: units are compared without case; section 5.6.1.2: empty members do not count.
        ("Bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes= ,2-4 ,", "bytes 2-4/10", "234"),
    ] {
        let response = get_with(&webserver, "/a.txt", &format!("Range: {range}\r\n"));
        assert_eq!(
            (response.status(), response.field("Content-Range")),
            (206, Some(content_range)),
            "{range}"
        );
        assert_eq!(response.field("Content-Length"), Some(body.len().to_string().as_str()), "{range}");
        assert_eq!(response.text(), body, "{range}");
        for name in ["ETag", "Last-Modified", "Content-Type"] {
            assert_eq!(response.field(name), whole.field(name), "{name}");
        }
    }
}

/// RFC 9110 sections 14.4 and 15.5.17.
#[test]
fn a_range_after_the_end_is_answered_416_with_the_length() {
    let (_folder, webserver) = with_file(b"0123456789");
    for range in ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999999-"] {
        let response = get_with(&webserver, "/a.txt", &format!("Range: {range}\r\n"));
        assert_eq!(
            (response.status(), response.field("Content-Range")),
            (416, Some("bytes */10")),
            "{range}"
        );
    }
}

/// RFC 9110 section 14.2.
#[test]
fn several_ranges_another_unit_or_an_invalid_range_get_the_complete_file() {
    let (_folder, webserver) = with_file(b"0123456789");
    for range in [
        "bytes=0-1,3-4",
        "bytes=0-0,0-0,0-0",
        "lines=0-1",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=4-2",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=1--2",
        "bytes=1 - 2",
        "bytes =1-2",
        "bytes:1-2",
    ] {
        let response = get_with(&webserver, "/a.txt", &format!("Range: {range}\r\n"));
        assert_eq!((response.status(), response.field("Content-Range")), (200, None), "{range}");
        assert_eq!(response.text(), "0123456789", "{range}");
    }
    let twice = get_with(&webserver, "/a.txt", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n");
    assert_eq!(twice.status(), 200);
}

/// RFC 9110 section 14.2: a range is defined for GET only.
#[test]
fn head_ignores_ranges() {
    let (_folder, webserver) = with_file(b"0123456789");
    let mut client = webserver.connect();
    for range in ["bytes=0-1", "bytes=10-"] {
        client.send(request("HEAD", "/a.txt", &format!("Range: {range}\r\n")));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 OK\n") && head.contains("Content-Length: 10\n"), "{head}");
        assert!(!head.contains("Content-Range"), "{head}");
    }
}

#[test]
fn an_empty_file_satisfies_only_a_suffix_range() {
    let (_folder, webserver) = with_file(b"");
    for (range, status) in [("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=-0", 416), ("bytes=-5", 200)] {
        let response = get_with(&webserver, "/a.txt", &format!("Range: {range}\r\n"));
        assert_eq!(response.status(), status, "{range}");
    }
}

/// RFC 9110 section 13.1.5.
#[test]
fn if_range_gets_the_part_only_if_the_validator_matches() {
    let (_folder, webserver) = with_file(b"0123456789");
    let tag = webserver.get("/a.txt").field("ETag").unwrap().to_owned();
    for (condition, status) in [
        (tag.clone(), 206),
        (MODIFIED_DATE.to_owned(), 206),
        ("\"x\"".to_owned(), 200),
        (format!("W/{tag}"), 200),
        (format!("{tag}, {tag}"), 200),
        ("*".to_owned(), 200),
        // A date must match exactly.
        ("Sun, 06 Nov 1994 08:49:36 GMT".to_owned(), 200),
        ("Sun, 06 Nov 1994 08:49:38 GMT".to_owned(), 200),
        ("nonsense".to_owned(), 200),
    ] {
        let fields = format!("Range: bytes=2-4\r\nIf-Range: {condition}\r\n");
        assert_eq!(get_with(&webserver, "/a.txt", &fields).status(), status, "{condition}");
    }
    // RFC 9110 section 14.2: if the state has changed, the complete file and not 416.
    let fields = "Range: bytes=100-\r\nIf-Range: \"x\"\r\n";
    assert_eq!(get_with(&webserver, "/a.txt", fields).status(), 200);
    // RFC 9110 section 13.1.5: without Range it is ignored.
    assert_eq!(get_with(&webserver, "/a.txt", "If-Range: \"x\"\r\n").status(), 200);
}

/// RFC 9110 section 13.1.5: weak validators do not show whether two parts fit together.
#[test]
fn if_range_is_false_for_a_file_that_was_just_modified() {
    let folder = Folder::new();
    let a_minute = std::time::Duration::from_secs(60);
    folder.file("a.txt", "0123456789").set_modified(SystemTime::now() + a_minute).unwrap();
    let webserver = folder.serve("");
    let tag = webserver.get("/a.txt").field("ETag").unwrap().to_owned();
    for condition in [tag.as_str(), tag.trim_start_matches("W/")] {
        let fields = format!("Range: bytes=2-4\r\nIf-Range: {condition}\r\n");
        assert_eq!(get_with(&webserver, "/a.txt", &fields).status(), 200, "{condition}");
    }
}

/// RFC 9110 section 13.2.2: the other preconditions come first.
#[test]
fn a_false_precondition_is_evaluated_before_the_range() {
    let (_folder, webserver) = with_file(b"0123456789");
    let tag = webserver.get("/a.txt").field("ETag").unwrap().to_owned();
    for (fields, status) in [
        (format!("Range: bytes=2-4\r\nIf-None-Match: {tag}\r\n"), 304),
        ("Range: bytes=100-\r\nIf-Match: \"x\"\r\n".to_owned(), 412),
        (format!("Range: bytes=2-4\r\nIf-Match: {tag}\r\n"), 206),
    ] {
        assert_eq!(get_with(&webserver, "/a.txt", &fields).status(), status, "{fields}");
    }
}

#[test]
fn a_range_of_a_long_file_is_exact() {
    const LENGTH: usize = 300_000;
    let (_folder, webserver) = with_file(&pattern(LENGTH));
    for (first, last) in [(0, 65_535), (0, 65_536), (65_535, 65_536), (100_001, 299_998), (1, 299_999)] {
        let response = get_with(&webserver, "/a.txt", &format!("Range: bytes={first}-{last}\r\n"));
        assert_eq!(response.status(), 206);
        assert!(response.body == pattern(LENGTH)[first..=last], "{first}-{last}");
    }
}
