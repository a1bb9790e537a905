//! One list of what an HTTP/1.1 proxy must do, and the code that runs it against a stage or any other proxy.
//!
//! - A *case* is data: one exchange, with the RFC section that requires it. To add one, add a row to one of the
//!   `cases_*.rs` files. Names are unique and say what should happen.
//! - A *behaviour* is a function: a test that needs several connections, a signal, or a look at the process.
//!   To add one, write it in a file below `behaviours/` and name it in the `LIST` of that file.
//!
//! Both are judged by what the client received *and* by what reached the backend. `partN/tests/suite.rs` runs
//! all that apply to its stage as tests; `cargo maintain conform` runs the cases against several proxies and
//! prints a page.

/// A GET with these field lines after `Host`.
macro_rules! get {
    ($fields:literal) => {
        concat!("GET / HTTP/1.1\r\nHost: example.test\r\n", $fields, "\r\n")
    };
}

/// A GET of this path on a connection that stays open.
macro_rules! next {
    ($path:literal) => {
        concat!("GET ", $path, " HTTP/1.1\r\nHost: example.test\r\n\r\n")
    };
}

/// A POST with these field lines after `Host` and this body.
macro_rules! post {
    ($fields:literal, $body:literal) => {
        concat!("POST / HTTP/1.1\r\nHost: example.test\r\n", $fields, "\r\n", $body)
    };
}

/// A 200 response with these field lines and this body.
macro_rules! ok {
    ($fields:literal, $body:literal) => {
        concat!("HTTP/1.1 200 OK\r\n", $fields, "\r\n", $body)
    };
}

mod behaviours;
mod case;
mod cases_bad_responses;
mod cases_chunks;
mod cases_connections;
mod cases_connections_1_0;
mod cases_expect_upgrade;
mod cases_fields;
mod cases_forwarding;
mod cases_hosts;
mod cases_leftovers;
mod cases_lengths;
mod cases_request_line;
mod cases_response_heads;
mod cases_responses;
mod cases_targets;
mod column;
mod command;
mod exchange;
mod matrix;
mod own_answer;
mod subject;
mod suite;
mod verdict;

pub use case::{Case, Level, Needs};
pub use command::{Conform, command};
pub use exchange::Outcome;
pub use subject::{Subject, build};
pub use suite::{behaves, test_stage};
pub use verdict::{Row, Verdict};

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A behaviour of a proxy: a function that panics if the proxy does not have it.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// What holds; unique in its group.
    pub name: &'static str,
    run: fn(&Subject),
    /// Whether it is known only of a stage, so that any other proxy is not tested for it.
    of_stages: bool,
}

/// How many cases run concurrently.
const THREADS: usize = 8;

/// All cases, grouped by topic.
pub const GROUPS: [(&str, &[Case]); 14] = [
    ("Request lines", cases_request_line::CASES),
    ("Request targets", cases_targets::CASES),
    ("Fields and the limits of a head", cases_fields::CASES),
    ("Host", cases_hosts::CASES),
    ("Content-Length and Transfer-Encoding", cases_lengths::CASES),
    ("Chunks and bodies", cases_chunks::CASES),
    ("What an intermediary changes in a request", cases_forwarding::CASES),
    ("Expect and Upgrade", cases_expect_upgrade::CASES),
    ("Responses", cases_responses::CASES),
    ("What an intermediary changes in a response", cases_response_heads::CASES),
    ("Responses that break a rule", cases_bad_responses::CASES),
    ("Connections", cases_connections::CASES),
    ("Connections of HTTP/1.0", cases_connections_1_0::CASES),
    ("What is never served", cases_leftovers::CASES),
];

/// All cases in order.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(|(_, cases)| cases.iter())
}

/// Runs all cases whose names contain `only` against a proxy, several at once. The rows are in the order of the
/// cases.
///
/// Each case has its own proxy process and backend, so that everything the backend receives belongs to the
/// case.
pub fn run(subject: &Subject, only: &str) -> Vec<Row> {
    let selected: Vec<_> = cases().filter(|case| case.name.contains(only)).collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = selected.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = verdict::row(subject, case);
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|row| selected.iter().position(|case| case.name == row.case.name));
    rows
}
