//! Stage 1: steps 5 to 7 of one exchange.

use testkit::Backend;

use crate::tasks::Check;
use crate::tasks::trial::{GET, HELLO, Seen, Subject, ensure, exchange, pattern};

/// For each task, the unified diff that removes it from the sources, and the check of its promise.
pub const CHECKS: &[Check] = &[
    ("1.1", include_str!("1.1.patch"), sends_the_request),
    ("1.2", include_str!("1.2.patch"), sends_the_response_on),
    ("1.3", include_str!("1.3.patch"), passes_interim_responses_on),
];

fn sends_the_request(subject: &Subject<'_>) -> Result<(), Seen> {
    const SIZE: usize = 100_000;
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let body = pattern(SIZE);
    let mut in_chunks = Vec::new();
    for chunk in body.chunks(4093) {
        in_chunks.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
        in_chunks.extend_from_slice(chunk);
        in_chunks.extend_from_slice(b"\r\n");
    }
    in_chunks.extend_from_slice(b"0\r\n\r\n");
    let by_length = format!("Content-Length: {SIZE}");
    let requests = [("", Vec::new(), 0), (&by_length, body.clone(), SIZE)];
    let chunked = ("Transfer-Encoding: chunked", in_chunks, SIZE);
    for (index, (framing, coded, size)) in requests.into_iter().chain([chunked]).enumerate() {
        let method = if size == 0 { "GET" } else { "POST" };
        let fields = if framing.is_empty() { String::new() } else { format!("{framing}\r\n") };
        let head = format!("{method} / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n");
        // Another task makes the answer arrive. This check only looks at what the backend received.
        let answer = running.client()?.exchange([head.as_bytes(), &coded].concat());
        let requests = backend.requests();
        let received = requests.get(index).ok_or_else(|| {
            let why = answer.err().map(|error| format!(" ({error})")).unwrap_or_default();
            Seen(format!(
                "a client sent a {method} with {size} bytes of body; it did not reach the backend{why}"
            ))
        })?;
        ensure(received.body == body[..size], || {
            let came = received.body_bytes;
            format!("a client sent a {method} with {size} bytes of body; the backend got {came}, or others")
        })?;
    }
    Ok(())
}

fn sends_the_response_on(subject: &Subject<'_>) -> Result<(), Seen> {
    const SIZE: usize = 1024 * 1024;
    let body = pattern(SIZE);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
    let backend = Backend::good([head.as_bytes(), &body].concat())?;
    let response = subject.start(&backend)?.exchange(GET)?;
    ensure(response.body == body, || {
        let came = response.body.len();
        format!("the backend sent {SIZE} bytes of body; the client got {came}, or others")
    })?;

    // The second event is sent only after the client has received the first.
    let backend = Backend::script(|connection| {
        connection.read_request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")?;
        connection.wait_for_release()?;
        connection.send("data: 2\n\n")
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send(GET)?;
    let mut events = 0;
    let streamed = client.read_streamed("GET", &mut |piece| {
        events += piece.len();
        if !piece.is_empty() {
            backend.release(1);
        }
        Ok(())
    });
    let why = streamed.err().map(|error| format!(" ({error})")).unwrap_or_default();
    ensure(events == 18, || {
        format!(
            "the backend sent 9 bytes, and 9 more once the client had the first; the client got {events}{why}"
        )
    })
}

fn passes_interim_responses_on(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::script(|connection| {
        while connection.read_request()?.is_some() {
            let fields = "Link: </style.css>\r\nConnection: X-Hop\r\nX-Hop: 1";
            connection.send(format!("HTTP/1.1 103 Early Hints\r\n{fields}\r\n\r\n"))?;
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    let response = exchange(&mut running.client()?, GET)?;
    let interim = response.interim.len();
    ensure((interim, response.status) == (1, 200), || {
        let status = response.status;
        format!(
            "the backend sent 103 Early Hints and then 200; the client got {interim} interim responses and \
             then {status}"
        )
    })?;
    ensure(response.interim[0].all("x-hop").is_empty(), || {
        "the 103 came with a field that its Connection field names: that is for the proxy only, and \
         `forward::response` takes it out"
            .to_owned()
    })
}
