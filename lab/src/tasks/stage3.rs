//! Stage 3: counting, exact under concurrency and true for every kind of body.

use std::collections::BTreeSet;
use std::thread;

use testkit::{Backend, Response};

use super::Task;
use super::trial::{GET, HELLO, Running, Seen, Subject, ensure, exchange, get, silence};

pub(super) const TASKS: [Task; 3] = [
    Task {
        name: "3.1",
        title: "Announce a body of known length",
        promise: "X-Bytes counts the response that carries it",
        file: "stats.rs",
        function: "Stats::count",
        lines: 1,
        minutes: 4,
        needs: None,
        hints: [
            "In `count`, the `match` on how the body of the response is framed.",
            "`BodyFraming::ContentLength` holds the number of bytes that will follow. They are counted before they \
             have gone, so that X-Bytes can say it: the head goes first.",
            "    BodyFraming::ContentLength(length) => ... ,",
        ],
        patch: include_str!("../../tasks/3.1.patch"),
        holds: announces_known_lengths,
    },
    Task {
        name: "3.2",
        title: "Add and read the total under one lock",
        promise: "400 responses to 8 clients say 400 different totals",
        file: "stats.rs",
        function: "Stats::add",
        lines: 8,
        minutes: 10,
        needs: Some("3.1"),
        hints: [
            "In `add`, after `has_room` is known: nothing is put into the map yet.",
            "`totals` is the map, for as long as you hold the lock. Take the entry of `path` if there is one; else \
             make one, for `path` if there is room and for `OTHER` if not. Change it, and return what it has become, \
             before `totals` goes out of scope. `wrapping_add`, because 3.3 will add negative numbers.",
            "With `let mut totals`:\n\
             \x20   let total = match totals.get_mut(path) {\n\
             \x20       Some(total) => total,\n\
             \x20       None => totals.entry( ... ).or_default(),\n\
             \x20   };\n\
             \x20   *total = total.wrapping_add( ... );\n\
             \x20   *total",
        ],
        patch: include_str!("../../tasks/3.2.patch"),
        holds: counts_exactly,
    },
    Task {
        name: "3.3",
        title: "Correct what was announced to what was sent",
        promise: "cut bodies and bodies of unknown length count what was sent",
        file: "stats.rs",
        function: "Count::drop",
        lines: 1,
        minutes: 6,
        needs: Some("3.2"),
        hints: [
            "In `drop` of `Count`, which runs when a response has ended, however it ended.",
            "`sent` is what has gone, `announced` is what was counted before. Their difference may be negative, \
             and the total is a `u64`: `wrapping_sub` here and `wrapping_add` in `add` come out right.",
            "    self.stats.add(self.path, self.sent. ... (self.announced));",
        ],
        patch: include_str!("../../tasks/3.3.patch"),
        holds: corrects_what_was_announced,
    },
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
    // An update is lost by chance. Long names make it likelier, since a lock is held while they are looked up, and
    // so do several rounds.
    const ROUNDS: usize = 5;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    for round in 0..ROUNDS {
        count_round(&running, &format!("/{}{round}", "x".repeat(1000)))?;
    }
    Ok(())
}

/// Asks 400 times for a path that is new to the proxy.
fn count_round(running: &Running, path: &str) -> Result<(), Seen> {
    const CLIENTS: u64 = 8;
    const EACH: u64 = 50;
    let requests = get(path).repeat(EACH as usize);
    // All are sent at once, so that the proxy waits for nobody but the backend.
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
    // On one connection, so that the second request is only read when the first response is counted.
    let mut client = running.client()?;
    for (responses, total) in [("no response", 0), ("one chunked response of 5 bytes", 5)] {
        expect(&exchange(&mut client, get("/chunked"))?, total, responses)?;
    }
    Ok(())
}
