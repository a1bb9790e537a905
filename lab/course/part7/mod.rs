//! Stage 7: requests wait in a bounded queue, and all times are counted.

mod times;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Backend, Client};

use crate::Folder;
use crate::observed::{Seen, answer, ensure};
use crate::trial::{CLIENT_PATIENCE, GET, HELLO, Running, Subject, exchange, get};

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("7.1", include_str!("7.1.patch"), refuses_what_it_has_no_room_for),
        ("7.2", include_str!("7.2.patch"), keeps_no_place_for_a_tunnel),
        ("7.3", include_str!("7.3.patch"), times::counts_each_time_in_its_bucket),
        ("7.4", include_str!("7.4.patch"), times::estimates_percentiles),
        ("7.5", include_str!("7.5.patch"), drops_requests_of_clients_that_left),
    ],
    larger: None,
};

/// The bounds of the checks.
const PLACES: usize = 3;
const WAITING: usize = 4;
const BOUNDED: [&str; 4] = ["--max-in-flight", "3", "--queue", "4"];

/// The polling interval for what has no notification.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long a check waits for a request that must not come.
const MUST_NOT_COME: Duration = Duration::from_millis(100);

/// The path of what the live page draws.
const STATE: &str = "/state.json";

/// A page on the port of the RPC.
fn page(running: &Running, path: &str) -> Result<String, Seen> {
    let response = exchange(&mut running.rpc_client()?, get(path).replace("example.test", "localhost"))?;
    let status = response.status;
    ensure(status == 200, || format!("GET {path} of the RPC's port was answered {status}, need 200"))?;
    Ok(response.text())
}

/// What the live page draws; null if it is not JSON.
fn state(running: &Running) -> Result<Value, Seen> {
    Ok(serde_json::from_str(&page(running, STATE)?).unwrap_or_default())
}

/// Waits until a number of the queue has this value. The error has the last value, and the cause.
fn wait_for(running: &Running, name: &str, needed: usize, cause: &str) -> Result<(), Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let seen = &state(running)?["Queue"][name];
        if *seen == needed {
            return Ok(());
        }
        ensure(Instant::now() < deadline, || {
            format!("\"{name}\" in {STATE} is {seen}, need {needed}. {cause}")
        })?;
        thread::sleep(LOOK_AGAIN);
    }
}

/// Clients with a request each, of which the backend answers none yet: one for each place, then one for each that may wait.
fn fill(running: &Running, backend: &Backend) -> Result<Vec<Client>, Seen> {
    let mut clients = Vec::new();
    for count in 1..=PLACES + WAITING {
        let mut client = running.client()?;
        client.send(get(&format!("/{count}")))?;
        clients.push(client);
        if count <= PLACES {
            backend.wait_for_requests_within(count, CLIENT_PATIENCE).map_err(|_| {
                Seen::new(format!(
                    "{count} requests came, and only {} reached the backend, need all: {PLACES} may be in flight. Is a \
                     free place taken at once, and given back?",
                    backend.requests().len()
                ))
            })?;
        } else {
            let cause = "Does a request that gets no place wait in the queue?";
            let waits = wait_for(running, "Waiting", count - PLACES, cause);
            let in_flight = backend.requests().len();
            ensure(in_flight == PLACES, || {
                format!(
                    "{in_flight} requests reached the backend at once, need {PLACES}. Does a request wait if it gets no \
                     place, and keep its place until its response is complete?"
                )
            })?;
            waits?;
        }
    }
    Ok(clients)
}

fn refuses_what_it_has_no_room_for(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::slow(HELLO)?;
    let running = subject.start_with(&[backend.address()], &BOUNDED)?;
    let mut clients = fill(&running, &backend)?;
    let refused = running.client()?.exchange(GET);
    ensure(refused.as_ref().is_ok_and(|response| response.status == 503), || {
        format!(
            "{PLACES} requests are served and {WAITING} wait; the next one got {}, need 503. Is a request refused at once \
             if there is no room for it?",
            answer(&refused)
        )
    })?;
    wait_for(&running, "Refused", 1, "One request was refused: does `refuse` make its error, and count it?")?;
    // One place after the other comes free.
    for waiting in 1..=WAITING {
        backend.release(1);
        backend.wait_for_requests_within(PLACES + waiting, CLIENT_PATIENCE).map_err(|_| {
            Seen::new(
                "a place came free, and none of the requests that wait got it. Is it given back?".to_owned(),
            )
        })?;
    }
    backend.release(PLACES);
    for (index, client) in clients.iter_mut().enumerate() {
        let response = client.read_response("GET");
        ensure(response.as_ref().is_ok_and(|response| response.status == 200), || {
            format!("request {} waited for its turn, and got {}, need 200", index + 1, answer(&response))
        })?;
    }
    let order: Vec<String> =
        backend.requests()[PLACES..].iter().map(|request| request.head.start_line.clone()).collect();
    let needed: Vec<String> =
        (PLACES + 1..=PLACES + WAITING).map(|count| format!("GET /{count} HTTP/1.1")).collect();
    ensure(order == needed, || {
        format!(
            "the requests reached the backend in the order {order:?}. The request that has waited longest is next"
        )
    })?;
    let waited = format!("\nproxy_queue_wait_seconds_count {WAITING}\n");
    ensure(page(&running, "/metrics")?.contains(&waited), || {
        format!(
            "{WAITING} requests had to wait, and proxy_queue_wait_seconds_count in /metrics is not {WAITING}. Does a \
             request wait in `wait_for_place`, and only if no place is free?"
        )
    })?;
    // Again, on the same proxy: nothing was lost.
    backend.release(PLACES + WAITING);
    for _ in 0..PLACES + WAITING {
        let status = running.exchange(GET)?.status;
        ensure(status == 200, || format!("all places are free again; a request got {status}, need 200"))?;
    }
    Ok(())
}

fn keeps_no_place_for_a_tunnel(subject: &Subject<'_>) -> Result<(), Seen> {
    const OFFER: &str =
        "GET /tunnel HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let backend = Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            if head.start_line.contains("/tunnel") {
                connection.send(SWITCHED)?;
                connection.wait_for_end()?;
                break;
            }
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running =
        subject.start_with(&[backend.address()], &["--max-in-flight", "2", "--queue-wait", "1s"])?;
    let mut tunnels = Vec::new();
    for count in 1..=3 {
        let mut client = running.client()?;
        let status = exchange(&mut client, OFFER)?.status;
        ensure(status == 101, || {
            format!(
                "2 requests may be in flight; tunnel {count} got {status}, need 101. A tunnel that has begun is no \
                 longer in flight: is its place given back before `client.tunnel`?"
            )
        })?;
        tunnels.push(client);
    }
    let status = running.exchange(GET)?.status;
    ensure(status == 200, || format!("three tunnels are open; a GET got {status}, need 200"))
}

fn drops_requests_of_clients_that_left(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::slow(HELLO)?;
    let running = subject.start_with(&[backend.address()], &BOUNDED)?;
    let mut clients = fill(&running, &backend)?;
    for client in clients.drain(PLACES..) {
        client.reset()?;
    }
    let cause = "Is the client watched while its request waits?";
    wait_for(&running, "Waiting", 0, cause)?;
    let cause =
        "A client that left was not refused: does the request end with the error of `wait_for_reset`?";
    wait_for(&running, "Refused", 0, cause)?;
    backend.release(PLACES);
    for client in &mut clients {
        client.read_response("GET")?;
    }
    let came = backend.wait_for_requests_within(PLACES + 1, MUST_NOT_COME).is_ok();
    ensure(!came, || "a client left the queue, and its request reached the backend all the same".to_owned())?;
    backend.release(1);
    let status = running.exchange(GET)?.status;
    ensure(status == 200, || format!("all places are free; a GET got {status}, need 200"))
}
