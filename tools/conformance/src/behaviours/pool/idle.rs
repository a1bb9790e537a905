//! Idle connections are closed without waiting for the next request.

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    idle_connections_are_closed_when_they_are_too_old,
    an_idle_connection_that_the_backend_has_closed_is_closed,
    a_backend_that_serves_one_connection_at_a_time_answers_all_requests,
];

fn idle_connections_are_closed_when_they_are_too_old(subject: &Subject) {
    // RFC 9112 section 9.5
    const CLIENTS: usize = 8;
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--pool-idle", "100ms"]).unwrap();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    backend.wait_for_requests(CLIENTS).unwrap();
    backend.release(CLIENTS);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
    backend.wait_for_closed(CLIENTS).unwrap();
}

fn an_idle_connection_that_the_backend_has_closed_is_closed(subject: &Subject) {
    // RFC 9112 section 9.6: the backend waits for the proxy to close its side.
    let backend = Backend::half_closing(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--pool-idle", "10m"]).unwrap();
    assert_eq!(Client::connect(proxy.address()).unwrap().exchange(GET).unwrap().text(), "hello");
    backend.wait_for_closed(1).unwrap();
}

fn a_backend_that_serves_one_connection_at_a_time_answers_all_requests(subject: &Subject) {
    // An idle connection that stays open would occupy its only thread.
    let busy = std::sync::Mutex::new(());
    let backend = Backend::script(move |connection| {
        let _one_at_a_time = busy.lock().unwrap();
        while connection.read_request()?.is_some() {
            connection.answer(HELLO)?;
        }
        Ok(())
    });
    let backend = backend.unwrap();
    let proxy = subject.start(backend.address(), &["--pool-idle", "100ms"]).unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
}
