//! Stage 7: requests wait in a queue that has an end, and all times are counted.

use std::thread;
use std::time::{Duration, Instant};

use testkit::{Backend, Client};

use crate::tasks::Check;
use crate::tasks::observed::{Seen, answer, ensure};
use crate::tasks::trial::{CLIENT_PATIENCE, GET, HELLO, Running, Subject, exchange, get};

/// For each task, the unified diff that removes it from the sources, and the check of its promise.
pub const CHECKS: &[Check] = &[
    ("7.1", include_str!("7.1.patch"), refuses_what_it_has_no_room_for),
    ("7.2", include_str!("7.2.patch"), keeps_no_place_for_a_tunnel),
    ("7.3", include_str!("7.3.patch"), counts_each_time_in_its_bucket),
    ("7.4", include_str!("7.4.patch"), estimates_percentiles),
    ("7.5", include_str!("7.5.patch"), drops_requests_of_clients_that_left),
];

/// The bounds of the checks.
const PLACES: usize = 3;
const WAITING: usize = 4;
const BOUNDED: [&str; 4] = ["--max-in-flight", "3", "--queue", "4"];

/// The polling interval for what has no notification.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long a check waits for a request that must not come.
const MUST_NOT_COME: Duration = Duration::from_millis(100);

/// The value of a field in an answer of the port of the RPC, such as `"Waiting":4`.
fn number(text: &str, name: &str) -> Option<f64> {
    let rest = text.split(&format!("\"{name}\":")).nth(1)?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

fn page(running: &Running, path: &str) -> Result<String, Seen> {
    let response = exchange(&mut running.rpc_client()?, get(path).replace("example.test", "localhost"))?;
    let status = response.status;
    ensure(status == 200, || format!("GET {path} of the RPC's port was answered {status}, need 200"))?;
    Ok(response.text())
}

/// Waits until a number on the page has this value. The error has the last value, and the cause.
fn wait_for(running: &Running, name: &str, needed: usize, cause: &str) -> Result<(), Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let seen = number(&page(running, "/state.json")?, name);
        if seen == Some(needed as f64) {
            return Ok(());
        }
        ensure(Instant::now() < deadline, || {
            let seen = seen.map_or("nothing".to_owned(), |seen| seen.to_string());
            format!("\"{name}\" in /state.json is {seen}, need {needed}. {cause}")
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
                Seen(format!(
                    "{count} requests came, and only {} reached the backend, need all: {PLACES} may be in flight. Is a \
                     free place taken at once, and given back?",
                    backend.requests().len()
                ))
            })?;
        } else {
            let cause = "Does a request that gets no place wait?";
            wait_for(running, "Waiting", count - PLACES, cause)?;
        }
    }
    Ok(clients)
}

fn refuses_what_it_has_no_room_for(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::slow(HELLO)?;
    let running = subject.start_with(&[backend.address()], &BOUNDED)?;
    let mut clients = fill(&running, &backend)?;
    let in_flight = backend.requests().len();
    ensure(in_flight == PLACES, || {
        format!(
            "{in_flight} requests reached the backend at once, need {PLACES}. Who gets no place must wait"
        )
    })?;
    let refused = running.client()?.exchange(GET);
    ensure(refused.as_ref().is_ok_and(|response| response.status == 503), || {
        format!(
            "{PLACES} requests are served and {WAITING} wait; the next one got {}, need 503. Is a request refused at once \
             if there is no room for it?",
            answer(&refused)
        )
    })?;
    // One place after the other comes free.
    for waiting in 1..=WAITING {
        backend.release(1);
        backend.wait_for_requests_within(PLACES + waiting, CLIENT_PATIENCE).map_err(|_| {
            Seen("a place came free, and none of the requests that wait got it. Is it given back?".to_owned())
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

/// A backend that answers a path such as `/60` after as many milliseconds.
fn late() -> Result<Backend, Seen> {
    Ok(Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            let digits: String = head.start_line.chars().filter(char::is_ascii_digit).collect();
            // The digits of HTTP/1.1 come after those of the path.
            let milliseconds = digits.strip_suffix("11").and_then(|digits| digits.parse().ok()).unwrap_or(0);
            thread::sleep(Duration::from_millis(milliseconds));
            connection.answer(HELLO)?;
        }
        Ok(())
    })?)
}

/// The count of each bucket of the histogram of whole requests.
fn buckets(state: &str) -> Option<Vec<u64>> {
    let whole = state.split("\"Whole\":").nth(1)?;
    let list = whole.split("\"Buckets\":[").nth(1)?.split(']').next()?;
    list.split(',').map(|count| count.trim().parse().ok()).collect()
}

fn counts_each_time_in_its_bucket(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = late()?;
    let running = subject.start_with(&[backend.address()], &[])?;
    let milliseconds = [0, 60, 60, 250];
    for (count, time) in milliseconds.iter().enumerate() {
        running.exchange(get(&format!("/{time}")))?;
        // A request is counted after its response.
        wait_until_counted(&running, count + 1)?;
    }
    let state = page(&running, "/state.json")?;
    let sum = state.split("\"Whole\":").nth(1).and_then(|whole| number(whole, "SumMillis"));
    let least = milliseconds.iter().sum::<u64>() as f64;
    let sum = sum.unwrap_or(f64::NAN);
    ensure(sum >= least && sum < least + 4000.0, || {
        format!(
            "four requests took a little over {least} ms together; the sum is {sum} ms. Is each time added?"
        )
    })?;
    let buckets = buckets(&state).unwrap_or_default();
    let bounds = bounds(&state);
    for time in milliseconds {
        // A time is at least what the backend waits, so it is in none of the buckets below.
        let below: u64 = buckets
            .iter()
            .zip(&bounds)
            .take_while(|&(_, &bound)| bound <= time * 1000)
            .map(|(count, _)| count)
            .sum();
        let needed = milliseconds.iter().filter(|&&other| other < time).count() as u64;
        ensure(below <= needed, || {
            format!(
                "of requests that took {milliseconds:?} ms and a little more, {below} are in buckets up to {time} ms, \
                 need {needed} at most. The bounds are microseconds; the bucket is the first whose bound is not less"
            )
        })?;
    }
    let fast: u64 =
        buckets.iter().zip(&bounds).filter(|&(_, &bound)| bound <= 50_000).map(|(count, _)| count).sum();
    ensure(fast >= 1, || {
        format!("a request took less than 50 ms, and is in none of the buckets up to 50 ms: {buckets:?}")
    })
}

/// The upper bounds of the buckets in microseconds.
fn bounds(state: &str) -> Vec<u64> {
    let list = state.split("\"BoundsMicros\":[").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split(',').filter_map(|bound| bound.trim().parse().ok()).collect()
}

fn wait_until_counted(running: &Running, needed: usize) -> Result<(), Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let counted: u64 = buckets(&page(running, "/state.json")?).unwrap_or_default().iter().sum();
        if counted == needed as u64 {
            return Ok(());
        }
        ensure(Instant::now() < deadline, || {
            format!(
                "after request {needed} the buckets have {counted} times in all, need {needed}. Is each counted once?"
            )
        })?;
        thread::sleep(LOOK_AGAIN);
    }
}

fn estimates_percentiles(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = late()?;
    let running = subject.start_with(&[backend.address()], &[])?;
    let before = page(&running, "/state.json")?;
    ensure(number(&before, "P50") == Some(0.0), || {
        format!("no request has come, and the 50th percentile is {:?}, need 0", number(&before, "P50"))
    })?;
    for _ in 0..8 {
        running.exchange(get("/0"))?;
    }
    for _ in 0..2 {
        running.exchange(get("/300"))?;
    }
    wait_until_counted(&running, 10)?;
    let state = page(&running, "/state.json")?;
    let (buckets, bounds) = (buckets(&state).unwrap_or_default(), bounds(&state));
    let whole = state.split("\"Whole\":").nth(1).unwrap_or_default();
    for (name, rank) in [("P50", 5), ("P90", 9), ("P99", 10)] {
        let (mut sum, mut index) = (0, 0);
        while index < buckets.len() && sum + buckets[index] < rank {
            sum += buckets[index];
            index += 1;
        }
        let milliseconds = |bound: Option<&u64>| bound.map_or(f64::INFINITY, |&bound| bound as f64 / 1000.0);
        let from = if index == 0 { 0.0 } else { milliseconds(bounds.get(index - 1)) };
        let to = milliseconds(bounds.get(index));
        let seen = number(whole, name).unwrap_or(f64::NAN);
        ensure(from <= seen && seen <= to, || {
            format!(
                "8 requests took a moment and 2 took 300 ms; {name} is {seen} ms, need {from} to {to}: time number {rank} \
                 is in that bucket. Are the counts before a bucket added up, and are the bounds microseconds?"
            )
        })?;
    }
    let (half, most) = (number(whole, "P90").unwrap_or(0.0), number(whole, "P99").unwrap_or(0.0));
    ensure(half < most, || {
        format!(
            "P90 is {half} ms and P99 is {most} ms, of 2 times in one bucket: the times of a bucket lie evenly between \
             its bounds, so P90 is half way, and P99 near the end"
        )
    })
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
