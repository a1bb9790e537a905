//! Stage 6: several backends share the requests, and a failing backend costs no request.

mod recovery;

use std::thread;
use std::time::{Duration, Instant};

use testkit::{Backend, Client, RefusedPort};

use crate::Folder;
use crate::observed::{Seen, answer, ensure, times};
use crate::trial::{CLIENT_PATIENCE, GET, HELLO, Running, Subject, exchange};
use testkit::text::counted;

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("6.1", include_str!("6.1.patch"), takes_turns),
        ("6.2", include_str!("6.2.patch"), leaves_out_what_fails),
        ("6.3", include_str!("6.3.patch"), repeats_what_is_safe),
        ("6.4", include_str!("6.4.patch"), recovery::takes_back_what_is_well),
        ("6.5", include_str!("6.5.patch"), takes_the_least_busy),
    ],
    larger: None,
};

/// The polling interval for what has no notification.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Checks run continuously.
const CHECKED: [&str; 2] = ["--health-interval", "20ms"];

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";

/// A backend that reads each request and closes the connection without a response.
fn closing() -> Result<Backend, Seen> {
    Ok(Backend::script(|connection| connection.read_request().map(drop))?)
}

/// The number of received requests with this method.
fn sent(backend: &Backend, method: &str) -> usize {
    let requests = backend.requests();
    requests.iter().filter(|request| request.head.start_line.split(' ').next() == Some(method)).count()
}

/// Sends `count` requests in sequence and checks that the good backends answer them.
fn get_all(running: &Running, count: usize, what: &str) -> Result<(), Seen> {
    let mut client = running.client()?;
    for number in 1..=count {
        let status = exchange(&mut client, GET)?.status;
        ensure(status == 200, || format!("{what}; request {number} of {count} was answered {status}"))?;
    }
    Ok(())
}

fn takes_turns(subject: &Subject<'_>) -> Result<(), Seen> {
    let backends = [Backend::good(HELLO)?, Backend::good(HELLO)?, Backend::good(HELLO)?];
    let addresses = backends.each_ref().map(Backend::address);
    let running = subject.start_with(&addresses, &[])?;
    let shares = shares(&running, &backends, "all backends are up")?;
    ensure(are_even(&shares), || {
        let cause = if shares.contains(&0) { ". Does each choice count `turn` up?" } else { "" };
        format!("three backends are up; {}{cause}", uneven(&shares))
    })?;

    // The checks take it down, since another task makes its requests do that.
    let port = RefusedPort::bind()?;
    let [first, second, third] = addresses;
    let running = subject.start_with(&[first, port.address()?, second, third], &CHECKED)?;
    let what = "one of four backends is down";
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let shares = self::shares(&running, &backends, what)?;
        if are_even(&shares) {
            break;
        }
        ensure(Instant::now() < deadline, || {
            format!(
                "{what}; {}. Does the one that follows it get its share, too? Count the turns over those that are \
                 up",
                uneven(&shares)
            )
        })?;
    }
    let running = subject.start_with(&[port.address()?; 2], &[])?;
    let status = running.exchange(GET)?.status;
    ensure(status == 503, || format!("no backend is left for a request; it was answered {status}, need 503"))
}

/// How many requests each backend is to get.
const EACH: usize = 50;

/// How many of as many requests as are due to three backends each of them gets.
fn shares(running: &Running, backends: &[Backend; 3], what: &str) -> Result<[usize; 3], Seen> {
    let before = backends.each_ref().map(|backend| sent(backend, "GET"));
    get_all(running, 3 * EACH, what)?;
    let after = backends.each_ref().map(|backend| sent(backend, "GET"));
    Ok([0, 1, 2].map(|index| after[index] - before[index]))
}

fn are_even(shares: &[usize; 3]) -> bool {
    shares.iter().all(|&share| share.abs_diff(EACH) <= 2)
}

fn uneven(shares: &[usize; 3]) -> String {
    format!("of {} requests the three that are up got {shares:?}, need about {EACH} each", 3 * EACH)
}

fn leaves_out_what_fails(subject: &Subject<'_>) -> Result<(), Seen> {
    let what = "one of two backends answers nothing";
    let (broken, good) = (closing()?, Backend::good(HELLO)?);
    let addresses = [broken.address(), good.address()];
    let running = subject.start_with(&addresses, &["--health-interval", "1m"])?;
    get_all(&running, 30, what)?;
    ensure_asked(&broken, 3, "It goes down with the third failure in a row, and not before")?;
    if !subject.is_stage() {
        return Ok(());
    }
    let running = subject.start_with(&addresses, &CHECKED)?;
    get_all(&running, 10, what)?;
    wait_for_checks(&broken, 3)?;
    get_all(&running, 10, what)?;
    ensure_asked(&broken, 6, "Its connections prove nothing: does it owe what `after_failure` is told?")
}

/// Checks how many requests a backend that answers nothing was sent.
fn ensure_asked(broken: &Backend, needed: usize, cause: &str) -> Result<(), Seen> {
    let asked = sent(broken, "GET");
    ensure(asked == needed, || {
        format!(
            "a backend that answers nothing was sent {}, need {needed}. {cause}",
            counted(asked, "request")
        )
    })
}

/// Waits until so many more connections have been made to a backend: the checks make them.
fn wait_for_checks(backend: &Backend, count: usize) -> Result<(), Seen> {
    let (before, deadline) = (backend.accepted(), Instant::now() + CLIENT_PATIENCE);
    while backend.accepted() < before + count {
        ensure(Instant::now() < deadline, || "no health checks came to a backend".to_owned())?;
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

fn repeats_what_is_safe(subject: &Subject<'_>) -> Result<(), Seen> {
    let put = POST.replace("POST", "PUT");
    let empty_post = POST.replace("4\r\n\r\nbody", "0\r\n\r\n");
    for request in [POST, &put, &empty_post] {
        let backends = [closing()?, closing()?];
        let running = subject.start_with(&backends.each_ref().map(Backend::address), &[])?;
        // Without the task no response may arrive: a body that was sent once is not available a second time.
        let response = running.client()?.exchange(request);
        let method = request.split(' ').next().unwrap_or_default();
        let count: usize = backends.iter().map(|backend| sent(backend, method)).sum();
        ensure(count == 1 && response.as_ref().is_ok_and(|response| response.status == 502), || {
            let (sent, got) = (times(count), answer(&response));
            format!(
                "backends died under a {method}: sent {sent}, and the client got {got}; need once and 502. Only what \
                 `is_repeatable` may be sent again once it was sent"
            )
        })?;
    }
    let (broken, good, port) = (closing()?, Backend::good(HELLO)?, RefusedPort::bind()?);
    let running = subject.start_with(&[broken.address(), good.address()], &[])?;
    get_all(&running, 4, "one of two backends answers nothing, a GET may be sent to the other")?;
    let running = subject.start_with(&[port.address()?, good.address()], &[])?;
    for _ in 0..2 {
        let status = running.exchange(POST)?.status;
        ensure(status == 200, || {
            format!(
                "one of two backends refuses connections, so nothing was sent; a POST got {status}, need 200"
            )
        })?;
    }
    Ok(())
}

/// Waits until these backends have received `count` requests in total; returns the count of each.
fn wait_for_requests(backends: &[Backend], count: usize) -> Result<Vec<usize>, Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let each: Vec<usize> = backends.iter().map(|backend| sent(backend, "GET")).collect();
        if each.iter().sum::<usize>() >= count {
            return Ok(each);
        }
        ensure(Instant::now() < deadline, || format!("of {count} requests, {each:?} reached the backends"))?;
        thread::yield_now();
    }
}

fn takes_the_least_busy(subject: &Subject<'_>) -> Result<(), Seen> {
    let backends = [Backend::slow(HELLO)?, Backend::slow(HELLO)?, Backend::slow(HELLO)?];
    let running = subject.start_with(&backends.each_ref().map(Backend::address), &[])?;
    let mut clients: Vec<Client> = Vec::new();
    let (mut each, mut first) = (Vec::new(), 0);
    for count in 1..=backends.len() {
        clients.push(running.client()?);
        clients[count - 1].send(GET)?;
        each = wait_for_requests(&backends, count)?;
        if count == 1 {
            first = each.iter().position(|&requests| requests == 1).unwrap_or_default();
        }
    }
    let what = "of 3 requests that take long, three backends got";
    ensure(each == [1, 1, 1], || format!("{what} {each:?}, need one each. The fewest `in_flight` wins"))?;
    // One backend now answers quickly, and the others keep their requests.
    for round in 1..=4 {
        backends[first].release(1);
        clients[0].read_response("GET")?;
        clients[0].send(GET)?;
        each = wait_for_requests(&backends, backends.len() + round)?;
        let what = "two backends have a request each, one has none, and did not get the next";
        ensure(each[first] == 1 + round, || format!("{what}: {each:?}"))?;
    }
    let backends = [Backend::good(HELLO)?, Backend::good(HELLO)?, Backend::good(HELLO)?];
    let running = subject.start_with(&backends.each_ref().map(Backend::address), &[])?;
    let shares = shares(&running, &backends, "all backends are idle")?;
    ensure(are_even(&shares), || {
        format!("three backends are idle; {}. Where several are equal, the turn decides", uneven(&shares))
    })
}
