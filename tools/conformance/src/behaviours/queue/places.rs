//! However a request ends, its place is given back. However it leaves the queue, its room is given back.

use std::io;

use testkit::{Backend, Client, Connection, PATIENCE, Process, poll};

use super::{BOUNDED, PLACES, POST, WAITING, fill, fill_places, get, state, wait_for};
use crate::behaviours::setup::{GET, HELLO};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_place_is_given_back_however_its_request_ends,
    a_tunnel_gives_its_place_back_when_it_begins,
    a_request_whose_client_has_left_the_queue_reaches_no_backend,
    a_client_that_closes_its_side_still_waits,
    the_complete_body_of_a_request_that_waits_is_forwarded,
    all_attempts_at_a_request_share_one_place,
];

/// Answers as the path says; `/hold` as [`Backend::slow`].
fn script(connection: &mut Connection) -> io::Result<()> {
    while let Some(head) = connection.read_head()? {
        let path = head.start_line.split(' ').nth(1).unwrap_or_default();
        match path {
            "/close" => return Ok(()),
            "/invalid" => connection.send("HTTP/9.9 200 OK\r\n\r\n")?,
            "/cut" => {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")?;
                return Ok(());
            }
            "/reset" => return connection.reset(),
            "/tunnel" => {
                let fields = "Connection: Upgrade\r\nUpgrade: echo";
                connection.send(format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n\r\n"))?;
                connection.wait_for_end()?;
                return Ok(());
            }
            "/hold" => {
                connection.wait_for_release()?;
                connection.send(HELLO)?;
            }
            _ => {
                connection.read_body()?;
                connection.send(HELLO)?;
            }
        }
    }
    Ok(())
}

const OFFER: &str =
    "GET /tunnel HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// All places are free: as many requests are in flight at once, and each is answered.
fn assert_all_places_are_free(proxy: &Process, backend: &Backend) {
    wait_for(proxy, "InFlight", 0);
    let before = backend.requests().len();
    let mut clients: Vec<Client> = (0..PLACES).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(get("/hold")).unwrap();
    }
    backend.wait_for_requests(before + PLACES).unwrap();
    backend.release(PLACES);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().status, 200);
    }
}

fn a_place_is_given_back_however_its_request_ends(subject: &Subject) {
    let backend = Backend::script(script).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let connect = || Client::connect(proxy.address()).unwrap();
    // More often than there are places: if one were kept, a later request would wait for it.
    for round in 0..=PLACES {
        for (path, status) in [("/close", 502), ("/invalid", 502), ("/reset", 502), ("/cut", 200)] {
            let head = connect().exchange(get(path));
            match status {
                502 => assert_eq!(head.unwrap().status, 502, "{path}, round {round}"),
                _ => assert!(!head.is_ok_and(|response| response.is_complete()), "{path} was not cut"),
            }
        }
        // A request that breaks a rule, and one whose body ends too early.
        assert_eq!(connect().exchange("GET / HTTP/1.1\r\n\r\n").unwrap().status, 400);
        let mut client = connect();
        client.send(POST).unwrap();
        client.half_close().unwrap();
        assert_eq!(client.read_response("POST").unwrap().status, 400);
        // A client that resets its connection in flight.
        let before = backend.requests().len();
        let mut client = connect();
        client.send(get("/hold")).unwrap();
        backend.wait_for_requests(before + 1).unwrap();
        client.reset().unwrap();
        wait_for(&proxy, "InFlight", 0);
        backend.release(1);
    }
    assert_all_places_are_free(&proxy, &backend);
}

fn a_tunnel_gives_its_place_back_when_it_begins(subject: &Subject) {
    let backend = Backend::script(script).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let open = |_| {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(OFFER).unwrap();
        assert_eq!(client.read_head().unwrap().unwrap().status, 101);
        client
    };
    let _tunnels: Vec<Client> = (0..=PLACES).map(open).collect();
    assert_all_places_are_free(&proxy, &backend);
}

fn a_request_whose_client_has_left_the_queue_reaches_no_backend(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let mut clients = fill(&proxy, &backend);
    for client in clients.drain(PLACES..) {
        client.reset().unwrap();
    }
    wait_for(&proxy, "Waiting", 0);
    // There is room for as many others.
    let mut last = Vec::new();
    for waiting in 1..=WAITING {
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(get("/last")).unwrap();
        wait_for(&proxy, "Waiting", waiting);
        last.push(client);
    }
    backend.release(PLACES + WAITING);
    for client in clients.iter_mut().chain(&mut last) {
        assert_eq!(client.read_response("GET").unwrap().status, 200);
    }
    assert_eq!(
        backend.requests().len(),
        PLACES + WAITING,
        "requests of clients that left reached the backend"
    );
    assert_eq!(state(&proxy)["Queue"]["Refused"], 0);
}

fn a_client_that_closes_its_side_still_waits(subject: &Subject) {
    // RFC 9112 section 9.6: it may still read its response.
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let _clients = fill_places(&proxy, &backend);
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(GET).unwrap();
    client.half_close().unwrap();
    wait_for(&proxy, "Waiting", 1);
    backend.release(PLACES + 1);
    assert_eq!(client.read_response("GET").unwrap().status, 200);
}

fn the_complete_body_of_a_request_that_waits_is_forwarded(subject: &Subject) {
    let backend = Backend::script(script).unwrap();
    let proxy = subject.start(backend.address(), &BOUNDED).unwrap();
    let mut holding: Vec<Client> = (0..PLACES).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut holding {
        client.send(get("/hold")).unwrap();
    }
    backend.wait_for_requests(PLACES).unwrap();
    // A part of the body arrives with the head, the rest while the request waits, followed by the next request.
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(format!("{POST}bo")).unwrap();
    wait_for(&proxy, "Waiting", 1);
    client.send(format!("dy{GET}")).unwrap();
    backend.release(PLACES);
    assert_eq!(client.read_response("POST").unwrap().text(), "hello");
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    let requests = backend.requests();
    let post = requests.iter().find(|request| request.head.start_line.starts_with("POST")).unwrap();
    assert_eq!(post.body, b"body");
}

fn all_attempts_at_a_request_share_one_place(subject: &Subject) {
    // If each attempt took a place, the second would wait for the first.
    let (closing, good) = (Backend::resetting("").unwrap(), Backend::good(HELLO).unwrap());
    let backends = format!("{},{}", closing.address(), good.address());
    let flags = ["--max-in-flight", "1", "--queue", "1", "--health-interval", "1m"];
    let proxy = crate::behaviours::setup::start_before(subject, &backends, &flags);
    for _ in 0..4 {
        assert_eq!(Client::connect(proxy.address()).unwrap().exchange(GET).unwrap().status, 200);
    }
    assert!(poll(PATIENCE, || state(&proxy)["Queue"]["InFlight"] == 0));
}
