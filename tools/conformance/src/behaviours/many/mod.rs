//! What a stage with a task for each connection adds: many concurrent clients, many requests on a connection.

pub mod after_failures;
pub mod clients;
pub mod descriptors;
pub mod keep_alive;
pub mod pipelining;
pub mod stopping;
pub mod threads;
pub mod timeouts;
pub mod upgrade;

use std::io;

use testkit::Backend;

use crate::behaviours::setup::{chunked, pattern_byte};

/// `size` bytes that differ for each seed.
fn body_of(seed: usize, size: usize) -> Vec<u8> {
    (seed..seed + size).map(pattern_byte).collect()
}

/// A request for [`answering_as_asked`]: the response is framed as `answer` says; `seed` gives its body.
fn ask(line: &str, answer: &str, seed: usize, size: usize) -> String {
    format!("{line}\r\nHost: example.test\r\nX-Answer: {answer}\r\nX-Seed: {seed}\r\nX-Size: {size}\r\n")
}

/// A backend that answers each request as the request asks.
fn answering_as_asked() -> io::Result<Backend> {
    Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            let number = |name| head.field(name).and_then(|value| value.parse().ok()).unwrap_or(0);
            let body = body_of(number("x-seed"), number("x-size"));
            let answer = head.field("x-answer").unwrap_or("content-length");
            let (start, body) = match answer {
                "content-length" => (format!("200 OK\r\nContent-Length: {}\r\n", body.len()), body),
                "chunked" => ("200 OK\r\nTransfer-Encoding: chunked\r\n".to_owned(), chunked(&body, 4093)),
                "close-delimited" => ("200 OK\r\n".to_owned(), body),
                status => (format!("{status} Nothing\r\n"), Vec::new()),
            };
            let body = if head.start_line.starts_with("HEAD ") { Vec::new() } else { body };
            connection.answer([format!("HTTP/1.1 {start}\r\n").as_bytes(), &body].concat())?;
            if answer == "close-delimited" {
                break;
            }
        }
        Ok(())
    })
}
