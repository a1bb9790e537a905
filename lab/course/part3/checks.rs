//! Stage 3: byte counts, exact under concurrency and for every kind of body.

use std::collections::BTreeSet;
use std::thread;

use testkit::{Backend, Response};

use crate::tasks::Check;
use crate::tasks::trial::{GET, HELLO, Running, Seen, Subject, ensure, exchange, get, silence};

/// For each task, the unified diff that removes it from the sources, and the check of its promise.
pub const CHECKS: &[Check] = &[
    ("3.1", include_str!("3.1.patch"), announces_known_lengths),
    ("3.2", include_str!("3.2.patch"), counts_exactly),
    ("3.3", include_str!("3.3.patch"), corrects_what_was_announced),
];

/// The value of `X-Bytes`.
fn x_bytes(response: &Response) -> Result<u64, Seen> {
    match &response.head.all("x-bytes")[..] {
        [] => Err(Seen(format!("a response {} has no X-Bytes field", response.status))),
        [value] => value.parse().map_err(|_| Seen(format!("X-Bytes says {value:?}, which is no number"))),
        _ => Err(Seen("a response has more than one X-Bytes field".to_owned())),
    }
}

fn expect(response: &Response, total: u64, what: &str) -> Result<(), Seen> {
    let said = x_bytes(response)?;
    ensure(said == total, || format!("X-Bytes says {said} after {what}, need {total}"))
}

fn announces_known_lengths(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good("HTTP/1.1 200 OK\r\nX-Bytes: 99\r\nContent-Length: 5\r\n\r\nhello")?;
    let running = subject.start(&backend)?;
    expect(&running.exchange(GET)?, 5, "one response of 5 bytes")?;
    expect(&running.exchange(get("/other"))?, 5, "one response of 5 bytes to another path")
}

fn counts_exactly(subject: &Subject<'_>) -> Result<(), Seen> {
    // Updates are lost by chance. Long names make a loss more likely, because a lock is held during their
    // lookup. Several rounds make it more likely too.
    const ROUNDS: usize = 5;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    for round in 0..ROUNDS {
        count_round(&running, &format!("/{}{round}", "x".repeat(1000)))?;
    }
    Ok(())
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
                x_bytes(&response.map_err(|error| Seen(format!("no response: {}", silence(&error))))?)
            })
            .collect()
    };
    let mut seen = BTreeSet::new();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        for worker in workers {
            let totals = worker.join().map_err(|_| Seen("a client of the check has failed".to_owned()))?;
            seen.extend(totals?);
        }
        Ok::<(), Seen>(())
    })?;
    let count = CLIENTS * EACH;
    ensure(seen == (1..=count).map(|number| number * 5).collect(), || {
        let (distinct, last) = (seen.len(), seen.last().copied().unwrap_or_default());
        format!(
            "{count} responses of 5 bytes said {distinct} different totals, the largest {last}; need {count}, \
             the largest {}",
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
            if head.start_line.contains("/chunked") {
                connection
                    .answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")?;
                continue;
            }
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    running.exchange(get("/?cut=1"))?;
    expect(&running.exchange(GET)?, 8 + 5, "8 of 100 bytes, and a response of 5 bytes")?;
    // On one connection, so that the second request is read only after the first response is counted.
    let mut client = running.client()?;
    for (responses, total) in [("no response", 0), ("one chunked response of 5 bytes", 5)] {
        expect(&exchange(&mut client, get("/chunked"))?, total, responses)?;
    }
    Ok(())
}
