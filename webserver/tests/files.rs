//! `--docroot`: how a file is sent, and with which fields.

mod support;

use std::fs;
use std::process::Command;

use support::folder::Folder;
use support::{Webserver, get, pattern, request};

#[test]
fn a_file_is_served_with_its_type_and_length() {
    let folder = Folder::new();
    folder.file("a.html", "<p>hello");
    folder.file("deep/er/b.json", "{}");
    folder.file("c", [0, 255]);
    folder.file("empty.txt", "");
    folder.file("d.PNG", "x");
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    for (target, media_type, body) in [
        ("/a.html", "text/html; charset=utf-8", &b"<p>hello"[..]),
        ("/a.html?query=/../x", "text/html; charset=utf-8", b"<p>hello"),
        ("/deep/er/b.json", "application/json", b"{}"),
        ("/c", "application/octet-stream", &[0, 255]),
        ("/empty.txt", "text/plain; charset=utf-8", b""),
        ("/d.PNG", "image/png", b"x"),
        ("http://backend/a.html", "text/html; charset=utf-8", b"<p>hello"),
    ] {
        client.send(get(target));
        let response = client.response();
        assert_eq!((response.status(), response.field("Content-Type")), (200, Some(media_type)), "{target}");
        assert_eq!(response.field("Content-Length"), Some(body.len().to_string().as_str()), "{target}");
        assert_eq!(response.field("Accept-Ranges"), Some("bytes"), "{target}");
        assert_eq!(response.body, body, "{target}");
    }
}

/// RFC 9110 section 9.3.2.
#[test]
fn head_answers_with_the_fields_of_get_and_no_body() {
    let folder = Folder::new();
    folder.file("a.txt", "12345");
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    client.send(get("/a.txt"));
    let of_get = client.response().head;
    client.send(request("HEAD", "/a.txt", "") + &get("/nothing"));
    let of_head = client.head();
    let without_date = |head: &str| -> Vec<String> {
        head.lines().filter(|line| !line.starts_with("Date: ")).map(str::to_owned).collect()
    };
    assert_eq!(without_date(&of_head), without_date(&of_get));
    assert_eq!(client.response().status(), 404);
}

/// RFC 9110 section 15.5.6.
#[test]
fn other_methods_than_get_and_head_are_refused() {
    let folder = Folder::new();
    folder.file("a.txt", "");
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        client.send(request(method, "/a.txt", "Content-Length: 1\r\n") + "x");
        let response = client.response();
        assert_eq!((response.status(), response.field("Allow")), (405, Some("GET, HEAD")), "{method}");
    }
    assert!(folder.path("a.txt").exists());
}

#[test]
fn a_folder_is_answered_with_its_index_html() {
    let folder = Folder::new();
    folder.file("index.html", "root");
    folder.file("sub/index.html", "sub");
    let webserver = folder.serve("");
    assert_eq!(webserver.get("/").text(), "root");
    assert_eq!(webserver.get("/?query").text(), "root");
    let response = webserver.get("/sub/");
    assert_eq!(response.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(response.text(), "sub");
}

/// RFC 9110 section 15.4.8.
#[test]
fn a_folder_without_a_final_slash_is_redirected_and_keeps_its_query() {
    let folder = Folder::new();
    folder.file("sub/index.html", "sub");
    folder.file("with space/x", "");
    let webserver = folder.serve("");
    for (target, location) in [
        ("/sub", "/sub/"),
        ("/sub?a=b?c", "/sub/?a=b?c"),
        ("/sub?", "/sub/?"),
        ("/with%20space", "/with%20space/"),
        ("http://backend/sub?a", "/sub/?a"),
    ] {
        let response = webserver.get(target);
        assert_eq!((response.status(), response.field("Location")), (307, Some(location)), "{target}");
    }
}

/// RFC 3986 section 4.2: `//host/` is a reference to another host.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_answered_404() {
    let folder = Folder::new();
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap();
    assert!(made.success());
    assert_eq!(folder.serve("").get("/pipe").status(), 404);
}

#[test]
fn the_experiments_keep_their_paths() {
    let folder = Folder::new();
    folder.file("hello/x", "a file");
    folder.file("_lab/counters", "a file");
    folder.file("_lab/other", "a file");
    folder.file("hello.txt", "a file");
    let webserver = folder.serve("");
    assert_eq!(webserver.get("/hello/x").text(), "hello, x!\n");
    assert_eq!(webserver.get("/bytes/x").status(), 400);
    assert_eq!(webserver.get("/_lab/other").status(), 404);
    assert_eq!(webserver.get("/hello.txt").text(), "a file");
    assert_eq!(webserver.counters(), r#"{"accepted":3,"in_flight":0,"in_flight_max":1,"requests":3}"#);
}

#[test]
fn a_large_file_is_sent_completely() {
    let folder = Folder::new();
    for length in [65_535, 65_536, 65_537, 1_000_003] {
        folder.file("long", pattern(length));
        let webserver = folder.serve("");
        let mut client = webserver.connect();
        client.send(get("/long") + &get("/long"));
        for _ in 0..2 {
            assert!(client.response().body == pattern(length), "{length}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_is_sent_in_bounded_memory() {
    const LENGTH: u64 = 256 * 1024 * 1024;
    const MOST: u64 = 48 * 1024 * 1024;
    let folder = Folder::new();
    folder.file("huge", "").set_len(LENGTH).unwrap();
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    client.send(get("/huge"));
    assert!(client.head().contains(&format!("Content-Length: {LENGTH}\n")));
    let mut missing = LENGTH;
    while missing > 0 {
        let length = missing.min(1024 * 1024);
        assert!(client.exactly(length as usize).iter().all(|&byte| byte == 0));
        missing -= length;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", webserver.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes * 1024 < MOST, "{kilobytes} kB");
}

/// RFC 9112 section 6.3: a body that is shorter than announced must look incomplete.
#[test]
fn a_file_that_shrinks_while_it_is_sent_cuts_the_connection() {
    // Far more than what the sockets' buffers take before the client reads.
    const LENGTH: u64 = 256 * 1024 * 1024;
    let folder = Folder::new();
    let file = folder.file("huge", "");
    file.set_len(LENGTH).unwrap();
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    client.send(get("/huge") + &get("/hello/x"));
    assert!(client.head().contains(&format!("Content-Length: {LENGTH}\n")));
    file.set_len(1).unwrap();
    // Up to an end or a reset: after the head there is only a part of the file.
    let bytes = client.until_the_end();
    assert!((bytes.len() as u64) < LENGTH);
    assert!(bytes.iter().all(|&byte| byte == 0));
    assert_eq!(webserver.counters(), r#"{"accepted":1,"in_flight":0,"in_flight_max":1,"requests":1}"#);
}

#[test]
fn a_file_that_grows_while_it_is_sent_is_sent_as_announced() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let folder = Folder::new();
    let file = folder.file("huge", "");
    file.set_len(LENGTH as u64).unwrap();
    let webserver = folder.serve("");
    let mut client = webserver.connect();
    client.send(get("/huge"));
    client.head();
    file.set_len(LENGTH as u64 + 1000).unwrap();
    client.exactly(LENGTH);
    client.send(get("/hello/x"));
    assert_eq!(client.response().text(), "hello, x!\n");
}

#[test]
fn a_docroot_that_is_not_a_folder_is_refused_with_one_line() {
    let folder = Folder::new();
    folder.file("file", "");
    for name in ["nothing", "file"] {
        let path = folder.path(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
        let output = command.args(["--listen", "127.0.0.1:0", "--docroot"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let line = String::from_utf8(output.stderr).unwrap();
        let start = format!("error: --docroot {}: ", path.display());
        assert!(line.starts_with(&start) && line.lines().count() == 1, "{line}");
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn without_a_docroot_only_the_page_is_served() {
    let webserver = Webserver::start(&[]);
    assert!(webserver.get("/").text().starts_with("<!doctype html>"));
    for target in ["/Cargo.toml", "/index.html", "/src/main.rs"] {
        assert_eq!(webserver.get(target).status(), 404, "{target}");
    }
}
