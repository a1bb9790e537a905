//! The live picture: what `/live.json` records and what it leaves out, its bounds, and which backends `/live` shows.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod support;

use std::time::{Duration, Instant};

use support::folder::Folder;
use support::{Client, Webserver, get, get_with, request, values};

/// Far more than recording takes.
const DEADLINE: Duration = Duration::from_secs(20);
/// The bounds of docs/src/limits.md.
const MAX_REQUESTS: usize = 1024;
const MAX_CONNECTIONS: usize = 512;
const MAX_PATH_BYTES: usize = 80;
const MAX_SHOWN_BACKENDS: usize = 8;

fn live(webserver: &Webserver) -> String {
    webserver.get("/live.json").text()
}

/// The first state that has all these texts.
fn live_with(webserver: &Webserver, texts: &[&str]) -> String {
    let start = Instant::now();
    loop {
        let json = live(webserver);
        if texts.iter().all(|text| json.contains(text)) {
            return json;
        }
        assert!(start.elapsed() < DEADLINE, "not all of {texts:?} in {json}");
    }
}

/// The numbers of the connections that are listed.
fn connections(json: &str) -> Vec<&str> {
    json.split("{\"number\":").skip(1).map(|rest| rest.split(',').next().unwrap()).collect()
}

/// Sends GET requests at once, and waits for their responses.
fn exchange(client: &mut Client, paths: &[String]) {
    client.send(paths.iter().map(|path| get(path)).collect::<String>());
    for _ in paths {
        client.response();
    }
}

#[test]
fn a_connection_and_its_requests_are_recorded_with_their_states() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    exchange(&mut client, &["/hello/a?query".to_owned(), "/nothing".to_owned()]);
    let json = live_with(
        &webserver,
        &[r#""path":"/hello/a","state":"done""#, r#""method":"GET","path":"/nothing","state":"done""#],
    );
    assert_eq!((connections(&json).len(), json.matches("\"path\"").count()), (1, 2), "{json}");
    assert!(json.contains(r#""closed":null"#), "{json}");

    client.send(request("POST", "/echo", "Content-Length: 4\r\n") + "bo");
    live_with(&webserver, &[r#""path":"/echo","state":"waiting for its body""#]);
    client.send("dy");
    client.response();
    live_with(&webserver, &[r#""path":"/echo","state":"done""#]);

    client.send(get("/delay/60000"));
    let json = live_with(&webserver, &[r#""path":"/delay/60000","state":"answering""#]);
    assert_eq!(connections(&json), ["1"], "{json}");
}

#[test]
fn an_incomplete_response_is_recorded_as_cut_and_its_connection_as_closed() {
    for path in ["/truncate/10", "/reset", "/garbage"] {
        let webserver = Webserver::start(&[]);
        let mut client = webserver.connect();
        client.send(get(path));
        client.until_the_end();
        drop(client);
        let json = live_with(&webserver, &[&format!(r#""path":"{path}","state":"cut""#)]);
        // The connection ends after its request.
        assert!(!json.contains(r#""ended":null"#), "{json}");
        let start = Instant::now();
        while live(&webserver).contains(r#""closed":null"#) {
            assert!(start.elapsed() < DEADLINE, "{path}");
        }
    }
}

#[test]
fn lab_requests_and_connections_without_a_request_are_not_recorded() {
    let webserver = Webserver::start(&[]);
    let _silent = webserver.connect();
    let mut client = webserver.connect();
    let own = ["/live", "/live.json", "/live.js", "/live.css", "/_lab/counters", "/counters"];
    exchange(&mut client, &own.map(str::to_owned));
    let json = live(&webserver);
    assert!(json.contains(r#""connections":[],"requests":[]"#), "{json}");
    assert_eq!(webserver.counters(), r#"{"accepted":0,"in_flight":0,"in_flight_max":0,"requests":0}"#);
}

#[test]
fn the_latest_requests_are_kept_with_the_time_since_which_they_are_complete() {
    let webserver = Webserver::start(&[]);
    let mut client = webserver.connect();
    // Its time is past the first millisecond, so that 0 means that nothing was dropped.
    exchange(&mut client, &["/delay/5".to_owned()]);
    let paths: Vec<String> = (0..=MAX_REQUESTS).map(|number| format!("/hello/{number}")).collect();
    for paths in paths.chunks(100) {
        exchange(&mut client, paths);
    }
    let json = live_with(&webserver, &[&format!(r#""path":"/hello/{MAX_REQUESTS}","state":"done""#)]);
    assert_eq!(json.matches("\"path\"").count(), MAX_REQUESTS);
    assert!(!json.contains("\"/hello/0\"") && json.contains("\"/hello/1\""));
    assert!(!json.contains("\"complete_since\":0,"), "{json:.200}");
}

#[test]
fn the_latest_connections_are_kept_and_a_dropped_one_is_recorded_again() {
    let webserver = Webserver::start(&[]);
    let mut first = webserver.connect();
    exchange(&mut first, &["/hello/first".to_owned()]);
    let others: Vec<Client> = (0..MAX_CONNECTIONS)
        .map(|_| {
            let mut client = webserver.connect();
            exchange(&mut client, &["/hello/x".to_owned()]);
            client
        })
        .collect();
    let json = live(&webserver);
    assert_eq!((connections(&json).len(), connections(&json)[0]), (MAX_CONNECTIONS, "2"));
    exchange(&mut first, &["/hello/again".to_owned()]);
    let json = live(&webserver);
    let newest = (MAX_CONNECTIONS + 2).to_string();
    assert_eq!((connections(&json).len(), *connections(&json).last().unwrap()), (MAX_CONNECTIONS, &*newest));
    assert!(json.contains(&format!(r#""connection":{newest},"method":"GET","path":"/hello/again""#)));
    drop(others);
}

#[test]
fn a_long_path_is_truncated() {
    let webserver = Webserver::start(&[]);
    let path = format!("/hello/{}", "x".repeat(MAX_PATH_BYTES));
    webserver.get(&path);
    live_with(&webserver, &[&format!("\"path\":\"{}\"", &path[..MAX_PATH_BYTES])]);
}

#[test]
fn any_origin_may_read_the_live_data_and_no_cache_keeps_it() {
    let response = Webserver::start(&[]).get("/live.json");
    assert_eq!(response.field("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(response.field("Cache-Control"), Some("no-store"));
    assert_eq!(response.field("Content-Type"), Some("application/json"));
}

#[test]
fn the_live_page_runs_only_its_own_script_and_connects_only_to_this_machine() {
    let webserver = Webserver::start(&[]);
    let html = webserver.get("/live?with=127.0.0.1:8081,localhost:65535").text();
    assert_eq!(html, webserver.get("/live").text());
    assert_eq!(values(&html, "src"), ["/live.js"]);
    let policy = values(&html, "content").into_iter().find(|value| value.starts_with("default-src 'none';"));
    let policy = policy.unwrap();
    for part in ["script-src 'self';", "connect-src 'self' http://127.0.0.1:* http://localhost:*;"] {
        assert!(policy.contains(part), "{policy}");
    }
    for (path, media_type) in
        [("/live.js", "text/javascript; charset=utf-8"), ("/live.css", "text/css; charset=utf-8")]
    {
        let response = webserver.get(path);
        assert_eq!((response.status(), response.field("Content-Type")), (200, Some(media_type)));
    }
}

#[test]
fn backends_that_are_not_on_this_machine_are_refused() {
    let webserver = Webserver::start(&[]);
    let list = |count: usize| vec!["127.0.0.1:8081"; count].join(",");
    assert_eq!(webserver.get(&format!("/live?with={}", list(MAX_SHOWN_BACKENDS))).status(), 200);
    let long = list(MAX_SHOWN_BACKENDS + 1);
    for with in [
        &long,
        "",
        ",",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:+81",
        "127.0.0.1:8081,",
        "127.0.0.1:8081/x",
        "127.0.0.1:8081@example.com",
        "user@127.0.0.1:8081",
        "example.com:80",
        "localhost.example.com:80",
        "192.168.0.1:80",
        "[::1]:8081",
        "http://127.0.0.1:8081",
        "127.0.0.1%3A8081",
        "'><script>alert(1)</script>",
        "127.0.0.1:8081&with=example.com:80",
    ] {
        let path = format!("/live?with={with}");
        let response = get_with(&webserver, &path, "Accept: text/html\r\n");
        assert_eq!((response.status(), with), (400, with));
        let html = response.text();
        assert!(html.contains("/live?with= takes at most 8 addresses of this machine"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
    // RFC 3986 section 2.4: the script of the page decodes the name of a parameter, too.
    assert_eq!(webserver.get("/live?w%69th=example.com:80").status(), 400);
    assert_eq!(webserver.get("/live?w%69th=127.0.0.1:8081").status(), 200);
    assert_eq!(webserver.get("/live?with%=example.com:80").status(), 200, "the name of another parameter");
}

#[test]
fn a_docroot_replaces_the_live_page() {
    let folder = Folder::new();
    folder.file("live", "a file");
    let webserver = folder.serve("");
    assert_eq!(webserver.get("/live?with=x").text(), "a file");
    assert_eq!(webserver.get("/live.json").status(), 404);
    assert!(webserver.counters().contains("\"requests\":2"));
}
