//! The live page: its files, and what it draws.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::{Backend, Client, PATIENCE, Process, poll};

use crate::behaviours::queue::{page, state};
use crate::behaviours::setup::{GET, HELLO};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    the_live_page_needs_only_files_of_the_proxy,
    the_state_has_clients_and_idle_connections,
    an_open_page_writes_no_lines_to_the_log,
];

/// The text between each of these marks and the next quotation mark: a file.
fn named<'a>(text: &'a str, marks: &[&str]) -> Vec<&'a str> {
    let after = |mark: &str| text.split(mark).skip(1).collect::<Vec<_>>();
    let parts = marks.iter().flat_map(|mark| after(mark));
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

fn the_live_page_needs_only_files_of_the_proxy(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let (mut wanted, mut seen) = (vec!["/".to_owned()], BTreeSet::new());
    while let Some(path) = wanted.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let response = page(&proxy, &path);
        assert_eq!(response.status, 200, "{path}");
        let text = response.text();
        // A namespace of XML is a name. Nothing is loaded from it.
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("://"), "{path} names another server");
        // The Content-Security-Policy of the page forbids these.
        assert!(
            !["<style", "style=", "onclick=", "innerHTML"].iter().any(|bad| text.contains(bad)),
            "{path}"
        );
        wanted.extend(named(&text, &["href=\"", "src=\""]).into_iter().map(str::to_owned));
        wanted.extend(named(&text, &["from \"./"]).into_iter().map(|file| format!("/{file}")));
    }
    assert!(seen.contains("/page.js") && seen.contains("/state.json") && seen.len() > 5, "{seen:?}");
}

fn wait_for(proxy: &Process, name: &str, needed: &serde_json::Value) {
    assert!(
        poll(PATIENCE, || state(proxy)[name] == *needed),
        "{name} is not {needed}: {}",
        state(proxy)[name]
    );
}

fn the_state_has_clients_and_idle_connections(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    // The clients of this port are not counted.
    assert_eq!((&state(&proxy)["Clients"], &state(&proxy)["IdleConnections"]), (&json!(0), &json!([0])));
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    clients[0].send(GET).unwrap();
    backend.wait_for_requests(1).unwrap();
    wait_for(&proxy, "Clients", &json!(3));
    assert_eq!(state(&proxy)["IdleConnections"], json!([0]));
    backend.release(1);
    assert_eq!(clients[0].read_response("GET").unwrap().status, 200);
    wait_for(&proxy, "IdleConnections", &json!([1]));
    drop(clients);
    wait_for(&proxy, "Clients", &json!(0));
}

fn an_open_page_writes_no_lines_to_the_log(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    for _ in 0..3 {
        state(&proxy);
    }
    let refused = Client::connect(proxy.rpc_address().unwrap()).unwrap().exchange("BAD\r\n\r\n").unwrap();
    assert_eq!(refused.status, 400);
    // A call that fails is logged, after those before it.
    proxy.wait_for_log(" 400").unwrap();
    assert!(!proxy.log().contains("/state.json"), "{}", proxy.log());
}
