//! Stage 1: steps 5 to 7 of one exchange.

use testkit::Backend;

use crate::Folder;
use crate::observed::{Seen, answer, difference, ensure};
use crate::trial::{GET, HELLO, Subject, leave_within_body, pattern};

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("1.1", include_str!("1.1.patch"), forwards_the_request),
        ("1.2", include_str!("1.2.patch"), forwards_the_response),
        ("1.3", include_str!("1.3.patch"), forwards_interim_responses),
    ],
    larger: Some(include_str!("1.all.patch")),
};

fn forwards_the_request(subject: &Subject<'_>) -> Result<(), Seen> {
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
            Seen::new(format!(
                "a client sent a {method} with {size} bytes of body; it did not reach the backend{why}. The head \
                 leaves with the first piece. Is each piece sent, also an empty one, and to the last?"
            ))
        })?;
        ensure(received.body == body[..size], || {
            let got = difference(&body[..size], &received.body);
            format!("a client sent a {method} with {size} bytes of body; the backend got {got}")
        })?;
    }
    Ok(())
}

fn forwards_the_response(subject: &Subject<'_>) -> Result<(), Seen> {
    const SIZE: usize = 1024 * 1024;
    let body = pattern(SIZE);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
    let backend = Backend::good([head.as_bytes(), &body].concat())?;
    let running = subject.start(&backend)?;
    let response = running.exchange(GET)?;
    ensure(response.body == body, || {
        let got = difference(&body, &response.body);
        format!("the backend sent {SIZE} bytes of body; the client got {got}")
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
            "the backend sent 9 bytes, and 9 more once the client had the first; the client got {events}{why}. Is \
             each piece sent as soon as it is read?"
        )
    })?;
    reports_errors(subject)
}

/// An error while the response is read, or written, ends the exchange.
fn reports_errors(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::closing("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")?;
    let response = subject.start(&backend)?.client()?.exchange(GET);
    let is_reported = match &response {
        Ok(response) if subject.is_stage() => response.status == 502,
        // Another proxy may have sent the head before it reads the chunk. Then it can only close.
        Ok(response) => response.status >= 500 || !response.is_complete(),
        Err(_) => !subject.is_stage(),
    };
    ensure(is_reported, || {
        let got = answer(&response);
        format!(
            "the backend sent a bad chunk, need 502; the client got {got}. Is an error of `next_piece` returned with \
             `?`?"
        )
    })?;
    leave_within_body(subject)
}

fn forwards_interim_responses(subject: &Subject<'_>) -> Result<(), Seen> {
    const SENT: [u16; 3] = [103, 103, 200];
    let backend = Backend::script(|connection| {
        while connection.read_request()?.is_some() {
            let fields = "Link: </style.css>\r\nConnection: X-Hop\r\nX-Hop: 1";
            connection.send(format!("HTTP/1.1 103 Early Hints\r\n{fields}\r\n\r\n").repeat(2))?;
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    client.send(GET)?;
    let mut received = Vec::new();
    while received.len() < SENT.len()
        && let Ok(Some(response)) = client.read_head()
    {
        received.push(response);
    }
    let statuses: Vec<u16> = received.iter().map(|response| response.status).collect();
    ensure(statuses == SENT, || {
        format!(
            "the backend sent {SENT:?}; the client got {statuses:?}. Is each response that is interim sent with \
             `write_interim`, before the next is read?"
        )
    })?;
    ensure(received.iter().all(|response| response.head.all("x-hop").is_empty()), || {
        "a 103 came with a field that its Connection field names: that is for the proxy only, and \
         `forward::response` takes it out"
            .to_owned()
    })?;
    let body = client.read_bytes(5)?;
    ensure(body == b"hello", || {
        format!("after a 103 the backend sent \"hello\"; the client got {:?}", String::from_utf8_lossy(&body))
    })
}
