//! Stage 2: many clients at a time, many requests a connection, both directions at once.

use std::sync::mpsc::channel;

use testkit::Backend;

use super::Task;
use super::trial::{CLIENT_PATIENCE, GET, HELLO, Seen, Subject, ensure, silence};

pub(super) const TASKS: [Task; 3] = [
    Task {
        name: "2.1",
        title: "Serve each client in a task of its own",
        promise: "8 clients are served at once",
        file: "main.rs",
        function: "run, step 2",
        lines: 2,
        minutes: 8,
        needs: None,
        hints: [
            "In `run`, the loop that accepts clients: it waits until the client is served before it accepts the \
             next.",
            "`tokio::spawn` starts a task and returns at once. The task may outlive the loop, so it must own \
             what it uses: `Arc::clone` gives it a share of the proxy, `async move` takes it along.",
            "    let proxy = Arc::clone( ... );\n\
             \x20   tokio::spawn(async move { ... });",
        ],
        patch: include_str!("../../tasks/2.1.patch"),
        holds: serves_clients_at_once,
    },
    Task {
        name: "2.2",
        title: "Keep the connection for more requests",
        promise: "one connection carries three requests",
        file: "proxy.rs",
        function: "Proxy::serve",
        lines: 1,
        minutes: 4,
        needs: None,
        hints: [
            "In `serve`: one request is waited for, and then the connection is closed.",
            "`wait_for_request` says whether another request follows. It says no when the client has left, or was \
             silent for too long. And `close_after_response` tells the client that there will be no more.",
            "Take `close_after_response` out, and turn the `if` into a loop:\n\
             \x20   while ... {",
        ],
        patch: include_str!("../../tasks/2.2.patch"),
        holds: keeps_the_connection,
    },
    Task {
        name: "2.3",
        title: "Run both directions of an exchange at once",
        promise: "an early answer is heard, and a client that left is noticed",
        file: "proxy.rs",
        function: "Proxy::relay, steps 5 to 7",
        lines: 3,
        minutes: 8,
        needs: None,
        hints: [
            "In `relay`, at its end: `upload.await` returns when the request has left whole, and only then is the \
             response looked at. And in `upload`, what follows the loop.",
            "`both_ways` in `codec::tokio` takes both futures, and asks each in turn whether it can go on. When \
             the request has left, the upload still has something to do: `wait_for_reset` on the body says \
             when the client leaves. Do both: without `both_ways`, the response waits for that, too.",
            "    request_body. ... ().await\n\
             at the end of `upload`, and\n\
             \x20   both_ways( ... , ... ).await?;\n\
             with `both_ways` in the first `use`.",
        ],
        patch: include_str!("../../tasks/2.3.patch"),
        holds: runs_both_directions_at_once,
    },
];

fn serves_clients_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    const CLIENTS: usize = 8;
    let backend = Backend::slow(HELLO)?;
    let running = subject.start(&backend)?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = running.client()?;
        client.send(GET)?;
        clients.push(client);
    }
    // The backend answers none of them before all have come.
    let all_came = backend.wait_for_requests_within(CLIENTS, CLIENT_PATIENCE);
    let most = backend.in_flight_max();
    ensure(all_came.is_ok(), || {
        format!("{CLIENTS} clients sent a request each; the backend saw {most} in flight, need {CLIENTS}")
    })?;
    backend.release(CLIENTS);
    for client in &mut clients {
        let text = client.read_response("GET").map_err(|error| {
            let why = silence(&error);
            Seen(format!(
                "{CLIENTS} clients are served at once, and one gets no response; is 2.3 half done? ({why})"
            ))
        })?;
        let text = text.text();
        ensure(text == "hello", || format!("the backend sent \"hello\"; a client got {text:?}"))?;
    }
    Ok(())
}

fn keeps_the_connection(subject: &Subject<'_>) -> Result<(), Seen> {
    const REQUESTS: usize = 3;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    for number in 1..=REQUESTS {
        let seen = match client.exchange(GET) {
            Ok(response) if response.status == 200 => continue,
            Ok(response) => format!("was answered {}", response.status),
            Err(error) => format!("got no response: {}", silence(&error)),
        };
        return Err(Seen(format!("of {REQUESTS} requests on one connection, number {number} {seen}")));
    }
    client.half_close()?;
    let more = client.read_bytes(1);
    ensure(more.is_ok_and(|bytes| bytes.is_empty()), || {
        "a client ended its connection, and the proxy did not: does its loop end when `wait_for_request` says no?"
            .to_owned()
    })
}

fn runs_both_directions_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send("POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nhello")?;
    let status = client.read_response("POST").map(|response| response.status);
    ensure(matches!(status, Ok(413)), || {
        let heard =
            status.map_or_else(|error| format!("nothing: {}", silence(&error)), |status| status.to_string());
        format!("the backend answered 413 before the body had come whole; the client got {heard}")
    })?;

    let (end, ended) = channel();
    let backend = Backend::script(move |connection| {
        connection.read_request()?;
        connection.wait_for_end()?;
        // Nobody listens if the check has given up.
        let _ = end.send(());
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send(GET)?;
    backend.wait_for_requests_within(1, CLIENT_PATIENCE)?;
    client.reset()?;
    ensure(ended.recv_timeout(CLIENT_PATIENCE).is_ok(), || {
        let seconds = CLIENT_PATIENCE.as_secs();
        format!("a client left before its answer; the backend was not told of it within {seconds} s")
    })
}
