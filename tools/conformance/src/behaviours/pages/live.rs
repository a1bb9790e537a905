//! The live page: what it draws.

use serde_json::json;
use testkit::{Backend, Client, PATIENCE, Process, poll};

use crate::behaviours::queue::state;
use crate::behaviours::setup::{GET, HELLO};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![the_state_has_clients_and_idle_connections,];

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
