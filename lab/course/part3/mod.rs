//! Stage 3: byte counts, exact under concurrency and for every kind of body.

use std::collections::BTreeSet;
use std::thread;

use testkit::{Backend, Response};

use crate::Folder;
use crate::observed::{Seen, cause_of_silence, ensure, silence};
use crate::trial::{GET, HELLO, Running, Subject, exchange, get};
use testkit::text::counted;

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("3.1", include_str!("3.1.patch"), announces_known_lengths),
        ("3.2", include_str!("3.2.patch"), counts_exactly),
        ("3.3", include_str!("3.3.patch"), corrects_what_was_announced),
    ],
    larger: Some(include_str!("3.all.patch")),
};

/// A response of 5 bytes whose length is not announced.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/// The value of `X-Bytes`.
fn x_bytes(response: &Response) -> Result<u64, Seen> {
    match &response.head.all("x-bytes")[..] {
        [] => Err(Seen::new(format!("a response {} has no X-Bytes field", response.status))),
        [value] => value.parse().map_err(|_| Seen::new(format!("X-Bytes is {value:?}, need a number"))),
        _ => Err(Seen::new("a response has more than one X-Bytes field")),
    }
}

fn expect(response: &Response, total: u64, what: &str) -> Result<(), Seen> {
    let said = x_bytes(response)?;
    ensure(said == total, || {
        let cause = match said {
            1 => ". Are requests counted, not bytes?",
            _ => "",
        };
        format!("X-Bytes says {said} after {what}, need {total}{cause}")
    })
}

fn announces_known_lengths(subject: &Subject<'_>) -> Result<(), Seen> {
    let fields = "X-Bytes: 99\r\nContent-Length: 5";
    let backend = Backend::script(move |connection| {
        while let Some(head) = connection.read_request()? {
            let body = if head.start_line.starts_with("HEAD ") { "" } else { "hello" };
            match head.start_line.contains("/chunked") {
                true => connection.answer(CHUNKED)?,
                false => connection.answer(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}"))?,
            }
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    expect(&running.exchange(GET)?, 5, "one response of 5 bytes")?;
    expect(&running.exchange(get("/other"))?, 5, "one response of 5 bytes to another path")?;
    expect(
        &running.exchange(get("/chunked"))?,
        0,
        "no response: one of unknown length is counted at its end",
    )?;
    // Its Content-Length is that of a response to GET. RFC 9110 section 9.3.2: it has no body.
    let head = get("/head").replace("GET", "HEAD");
    expect(&running.exchange(head)?, 0, "one response to HEAD, which has no body")
}

fn counts_exactly(subject: &Subject<'_>) -> Result<(), Seen> {
    // Updates are lost by chance. Long names make a loss more likely, because a lock is held during their
    // lookup. Several rounds make it more likely too.
    const ROUNDS: usize = 16;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    for round in 0..ROUNDS {
        count_round(&running, &format!("/{}{round}", "x".repeat(1000)))?;
    }
    let [first, second] = ["a", "b"].map(|letter| get(&format!("/{}", letter.repeat(2000))));
    expect(&running.exchange(first)?, 5, "one response of 5 bytes to a path that is too long")?;
    let totals = x_bytes(&running.exchange(second)?)?;
    ensure(totals == 10, || {
        format!(
            "two paths are too long to be counted under their own names; X-Bytes says {totals} after a response of 5 \
             bytes to each, need 10. Without `has_room` the map grows without bound: what has no room is counted \
             under `OTHER`"
        )
    })?;
    keeps_the_known_paths(subject)
}

/// Fills the map of a stage. Another proxy may have no bound.
fn keeps_the_known_paths(subject: &Subject<'_>) -> Result<(), Seen> {
    const KNOWN: &str = "/known";
    // `MAX_PATHS` of the stage, and some that have no room.
    const OTHERS: usize = 10_100;
    const CLIENTS: usize = 4;
    if !subject.is_stage() {
        return Ok(());
    }
    // It closes each connection first, so that the proxy keeps no port of it for a minute: there are some 16,000.
    let backend = Backend::closing(HELLO)?;
    let running = subject.start(&backend)?;
    expect(&running.exchange(get(KNOWN))?, 5, "one response of 5 bytes")?;
    let ask = |client: usize| -> Result<(), Seen> {
        let requests: String =
            (client..OTHERS).step_by(CLIENTS).map(|path| get(&format!("/{path}"))).collect();
        let mut connection = running.client()?;
        connection.send(&requests)?;
        (client..OTHERS).step_by(CLIENTS).try_for_each(|_| connection.read_response("GET").map(drop))?;
        Ok(())
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || ask(client))).collect();
        asking.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| Err(client_failed())))
    })?;
    let total = x_bytes(&running.exchange(get(KNOWN))?)?;
    ensure(total == 10, || {
        format!(
            "X-Bytes says {total} after two responses of 5 bytes to a path, with {OTHERS} other paths between them, need \
             10. The map is full, but this path is in it: look for `path` first, also without room for another"
        )
    })
}

fn client_failed() -> Seen {
    Seen::new("a client of the check has failed")
}

/// Sends 400 requests for a path that is new to the proxy.
fn count_round(running: &Running, path: &str) -> Result<(), Seen> {
    const CLIENTS: u64 = 8;
    const EACH: u64 = 50;
    let requests = get(path).repeat(EACH as usize);
    // All requests are sent at once, so that the proxy waits only for the backend.
    let ask = || -> Result<Vec<u64>, Seen> {
        let mut client = running.client()?;
        client.send(&requests)?;
        (0..EACH)
            .map(|_| {
                let response = client.read_response("GET");
                let response = response.map_err(|error| {
                    let (why, cause) = (silence(&error), cause_of_silence(&error));
                    Seen::new(format!("no response to one of 400 requests: {why}. {cause}"))
                })?;
                x_bytes(&response)
            })
            .collect()
    };
    let mut seen = BTreeSet::new();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        for worker in workers {
            let totals = worker.join().map_err(|_| client_failed())?;
            seen.extend(totals?);
        }
        Ok::<(), Seen>(())
    })?;
    let count = CLIENTS * EACH;
    ensure(seen == (1..=count).map(|number| number * 5).collect(), || {
        let (distinct, last) = (seen.len(), seen.last().copied().unwrap_or_default());
        let cause = match (distinct as u64 == count, last) {
            (_, 5) => "Is the sum put back into the map?",
            (true, _) if seen.contains(&0) => "Is the total from before the addition returned?",
            (true, _) if last == count => "Are requests added, not bytes?",
            _ => "Is the lock released between reading the total and writing it?",
        };
        format!(
            "{count} responses of 5 bytes said {}, the largest {last}; need {count}, the largest {}. {cause}",
            counted(distinct, "different total"),
            count * 5
        )
    })
}

fn corrects_what_was_announced(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            if head.start_line.contains("cut=1") {
                return connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345678");
            }
            let is_chunked = head.start_line.contains("/chunked");
            connection.answer(if is_chunked { CHUNKED } else { HELLO })?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    running.exchange(get("/?cut=1"))?;
    let total = x_bytes(&running.exchange(GET)?)?;
    ensure(total == 8 + 5, || {
        let cause = match total {
            105 => "what was announced is not taken off again",
            113 => "what was sent is added to what was announced: it is counted twice",
            197 => "the difference is the wrong way round",
            _ => "the difference is not right",
        };
        format!(
            "X-Bytes says {total} after 8 of 100 bytes, and a response of 5 bytes, need 13: {cause}. Add `sent` less \
             `announced`"
        )
    })?;
    // On one connection, so that the second request is read only after the first response is counted.
    let mut client = running.client()?;
    for (responses, total) in [("no response", 0), ("one chunked response of 5 bytes", 5)] {
        expect(&exchange(&mut client, get("/chunked"))?, total, responses)?;
    }
    Ok(())
}
