//! The experiments that are valid HTTP, a few lines each, and `/truncate`, which only stops too early.
//!
//! Invariant: a response that may differ the next time starts from [`revalidated_head`]. Those of `/hello`, `/bytes`,
//! `/chunked`, `/truncate` and `/trailers` never do, and are short heads: benchmarks load them.

use std::time::Duration;

use codec::tokio::RequestBody;
use codec::{BodyFraming, Error, FieldSection, Piece, RequestHead, ResponseHead, reason_phrase};

use crate::answer::{Answer, TEXT, revalidated_head};
use crate::pattern;
use crate::pause::pause;
use crate::router::Experiment;

pub async fn run(
    experiment: Experiment,
    request: &RequestHead,
    body: RequestBody<'_>,
    mut answer: Answer<'_>,
) -> Result<(), Error> {
    match experiment {
        Experiment::Favicon => answer.write_empty(204).await,
        Experiment::Hello { name } => hello(&name, answer).await,
        Experiment::Bytes(length) => write_pattern(BodyFraming::ContentLength(length), length, answer).await,
        Experiment::Chunked(length) => write_pattern(BodyFraming::Chunked, length, answer).await,
        Experiment::Truncate(length) => truncate(length, answer).await,
        Experiment::Echo => echo(request, body, answer).await,
        Experiment::Headers => headers(request, answer).await,
        Experiment::Status(status) => match status_text(status) {
            Some(text) => answer.write_text(status, &text).await,
            None => answer.write_empty(status).await,
        },
        Experiment::Delay { milliseconds } => {
            pause(Duration::from_millis(milliseconds)).await;
            answer.write_text(200, &format!("waited {milliseconds} ms\n")).await
        }
        Experiment::Drip { count, milliseconds } => drip(count, milliseconds, answer).await,
        Experiment::Hints => hints(answer).await,
        Experiment::Trailers => trailers(answer).await,
        Experiment::UpgradeRequired => upgrade_required(answer).await,
        // Answered by server.rs, which has what they need.
        Experiment::Site
        | Experiment::Counters
        | Experiment::Live
        | Experiment::ResetCounters
        | Experiment::Bypass(_) => Ok(()),
    }
}

/// One line of text for a status; `None` where there is no body.
pub fn status_text(status: u16) -> Option<String> {
    match status {
        // RFC 9110 sections 15.3.5, 15.3.6, 15.4.5: these have no content.
        204 | 205 | 304 => None,
        _ => Some(format!("{status} {}", reason_phrase(status)).trim_end().to_owned() + "\n"),
    }
}

async fn hello(name: &str, mut answer: Answer<'_>) -> Result<(), Error> {
    let text = format!("hello, {name}!\n");
    let head = |framing| ResponseHead::new(200, framing).with("Content-Type", TEXT);
    answer.write_whole(text.as_bytes(), head).await
}

async fn write_pattern(framing: BodyFraming, length: u64, mut answer: Answer<'_>) -> Result<(), Error> {
    answer.write_head(&ResponseHead::new(200, framing).with("Content-Type", TEXT));
    if !answer.has_body() {
        return answer.write_piece(Piece::last(&[])).await;
    }
    let mut missing = length;
    loop {
        let bytes = pattern::next_bytes(missing);
        missing -= bytes.len() as u64;
        if missing == 0 {
            return answer.write_piece(Piece::last(bytes)).await;
        }
        answer.write_piece(Piece::partial(bytes)).await?;
    }
}

async fn truncate(length: u64, mut answer: Answer<'_>) -> Result<(), Error> {
    let framing = BodyFraming::ContentLength(length);
    answer.write_head(&ResponseHead::new(200, framing).with("Content-Type", TEXT));
    if !answer.has_body() || length == 0 {
        return answer.write_piece(Piece::last(&[])).await;
    }
    // The head is sent even if half of the length is 0.
    answer.write_piece(Piece::partial(&[])).await?;
    let mut missing = length / 2;
    while missing > 0 {
        let bytes = pattern::next_bytes(missing);
        answer.write_piece(Piece::partial(bytes)).await?;
        missing -= bytes.len() as u64;
    }
    // After an incomplete response the codec closes the connection.
    Ok(())
}

async fn echo(request: &RequestHead, mut body: RequestBody<'_>, mut answer: Answer<'_>) -> Result<(), Error> {
    let framing = match request.framing() {
        BodyFraming::Empty => BodyFraming::ContentLength(0),
        framing => framing,
    };
    let mut head = revalidated_head(200, framing);
    for name in ["Content-Type", "Trailer"] {
        for value in request.fields.get_all(name) {
            head.fields.append(name, value);
        }
    }
    answer.ask_for_body().await?;
    answer.write_head(&head);
    while let Some(piece) = body.next_piece().await? {
        answer.write_piece(piece).await?;
    }
    Ok(())
}

async fn headers(request: &RequestHead, mut answer: Answer<'_>) -> Result<(), Error> {
    let (method, target, version) = (request.method(), request.target(), request.version());
    let mut text = format!("{method} {target} {version}\n").into_bytes();
    for (name, value) in &request.fields {
        for part in [name, b": ", value, b"\n"] {
            text.extend_from_slice(part);
        }
    }
    answer.write_whole(&text, |framing| revalidated_head(200, framing).with("Content-Type", TEXT)).await
}

async fn drip(count: u64, milliseconds: u64, mut answer: Answer<'_>) -> Result<(), Error> {
    let head = ResponseHead::new(200, BodyFraming::Chunked)
        .with("Content-Type", "text/event-stream")
        .with("Cache-Control", "no-store");
    answer.write_head(&head);
    if !answer.has_body() || count == 0 {
        return answer.write_piece(Piece::last(&[])).await;
    }
    for event in 1..count {
        answer.write_piece(Piece::partial(format!("data: {event}\n\n").as_bytes())).await?;
        pause(Duration::from_millis(milliseconds)).await;
    }
    answer.write_piece(Piece::last(format!("data: {count}\n\n").as_bytes())).await
}

async fn hints(mut answer: Answer<'_>) -> Result<(), Error> {
    let interim = ResponseHead::new(103, BodyFraming::Empty);
    answer.write_interim(&interim.with("Link", "</bytes/1000>; rel=preload; as=fetch")).await?;
    answer.write_text(200, "a 103 (Early Hints) came before this\n").await
}

async fn trailers(mut answer: Answer<'_>) -> Result<(), Error> {
    let mut section = FieldSection::new();
    section.append("X-Trailer", "this came after the body");
    let head = ResponseHead::new(200, BodyFraming::Chunked).with("Content-Type", TEXT);
    answer.write_head(&head.with("Trailer", "X-Trailer"));
    answer.write_piece(Piece::last(b"a trailer section follows\n").with_trailers(Some(&section))).await
}

/// RFC 9110 section 15.5.22: 426 says which protocol is required.
async fn upgrade_required(mut answer: Answer<'_>) -> Result<(), Error> {
    let text = "send `Connection: upgrade` and `Upgrade: echo` in a GET of HTTP/1.1\n";
    answer
        .write_whole(text.as_bytes(), |framing| {
            revalidated_head(426, framing).with("Content-Type", TEXT).with("Upgrade", "echo")
        })
        .await
}
