//! What `/live.json` shows: the connections and the requests of the last ten seconds.
//!
//! Invariant: the entries of a [`Ring`] have consecutive numbers, so an entry is found without a search, and recording
//! costs the same however many there are. Connections and requests are recorded only if the request is not for the lab.

use std::collections::VecDeque;
use std::fmt::Write;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use codec::RequestHead;

/// How far back the picture goes.
const WINDOW: Duration = Duration::from_secs(10);
/// The most connections that are kept: more than a picture has room for.
const MAX_CONNECTIONS: usize = 512;
/// The most requests that are kept: a hundred a second for the whole window.
const MAX_REQUESTS: usize = 1024;
/// The most bytes of a path that are kept: longer ones do not fit into a row of the table.
const MAX_PATH_BYTES: usize = 80;

/// Milliseconds since the backend has started.
type Milliseconds = u64;

/// The recent connections and requests of all clients.
#[derive(Debug)]
pub struct Recent {
    start: Instant,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    connections: Ring<Connection>,
    requests: Ring<Request>,
    /// When the latest dropped request began: the record is complete after it.
    complete_since: Milliseconds,
}

#[derive(Debug)]
struct Connection {
    opened: Milliseconds,
    closed: Option<Milliseconds>,
}

#[derive(Debug)]
struct Request {
    /// The number of its connection.
    connection: u64,
    method: String,
    path: String,
    started: Milliseconds,
    /// `None` while the backend waits for the body.
    answering: Option<Milliseconds>,
    ended: Option<Milliseconds>,
    is_complete: bool,
}

/// The last entries, each with a number.
#[derive(Debug)]
struct Ring<Entry> {
    entries: VecDeque<Entry>,
    most: usize,
    /// The number of the oldest entry.
    first: u64,
}

impl<Entry> Ring<Entry> {
    fn new(most: usize) -> Ring<Entry> {
        Ring { entries: VecDeque::with_capacity(most), most, first: 1 }
    }

    /// Makes room for an entry; returns the one that is dropped for it.
    fn make_room(&mut self) -> Option<Entry> {
        let dropped = if self.entries.len() == self.most { self.entries.pop_front() } else { None };
        self.first += u64::from(dropped.is_some());
        dropped
    }

    /// Returns the number of the entry.
    fn push(&mut self, entry: Entry) -> u64 {
        self.entries.push_back(entry);
        self.first + self.entries.len() as u64 - 1
    }

    /// `None` if the entry was dropped.
    fn get(&mut self, number: u64) -> Option<&mut Entry> {
        let index = number.checked_sub(self.first)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }

    fn numbered(&self) -> impl Iterator<Item = (u64, &Entry)> {
        (self.first..).zip(&self.entries)
    }
}

impl Recent {
    pub fn new() -> Recent {
        let entries = Entries {
            connections: Ring::new(MAX_CONNECTIONS),
            requests: Ring::new(MAX_REQUESTS),
            complete_since: 0,
        };
        Recent { start: Instant::now(), entries: Mutex::new(entries) }
    }

    /// The state now. All times are in milliseconds since the start; `null` is a time that has not come yet.
    pub fn json(&self) -> String {
        let entries = self.lock();
        let (now, window) = (self.now(), milliseconds(WINDOW));
        let is_shown = |ended: Option<Milliseconds>| ended.is_none_or(|ended| ended + window >= now);
        let connections =
            entries.connections.numbered().filter(|(_, connection)| is_shown(connection.closed));
        let connections = connections.map(|(number, Connection { opened, closed })| {
            format!(r#"{{"number":{number},"opened":{opened},"closed":{}}}"#, or_null(*closed))
        });
        let requests = entries.requests.entries.iter().filter(|request| is_shown(request.ended));
        format!(
            r#"{{"now":{now},"window":{window},"complete_since":{},"connections":[{}],"requests":[{}]}}"#,
            entries.complete_since,
            connections.collect::<Vec<_>>().join(","),
            requests.map(Request::json).collect::<Vec<_>>().join(","),
        )
    }

    fn now(&self) -> Milliseconds {
        milliseconds(self.start.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Each change is complete in itself, so a panic elsewhere leaves nothing half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn json(&self) -> String {
        let state = match (self.ended, self.answering) {
            (Some(_), _) if self.is_complete => "done",
            (Some(_), _) => "cut",
            (None, Some(_)) => "answering",
            (None, None) => "waiting for its body",
        };
        format!(
            r#"{{"connection":{},"method":{},"path":{},"state":"{state}","started":{},"answering":{},"ended":{}}}"#,
            self.connection,
            string(&self.method),
            string(&self.path),
            self.started,
            or_null(self.answering),
            or_null(self.ended),
        )
    }
}

/// A connection, recorded from its first request that is not for the lab. It is closed when this is dropped.
#[derive(Debug)]
pub struct RecentConnection<'a> {
    recent: &'a Recent,
    opened: Milliseconds,
    /// 0 before the first request.
    number: u64,
}

impl<'a> RecentConnection<'a> {
    /// A connection that was accepted now.
    pub fn new(recent: &'a Recent) -> RecentConnection<'a> {
        RecentConnection { recent, opened: recent.now(), number: 0 }
    }

    /// Records a request whose head was read.
    pub fn begin_request(&mut self, head: &RequestHead) -> RecentRequest<'a> {
        let started = self.recent.now();
        let mut entries = self.recent.lock();
        // A connection that was dropped for newer ones is recorded again.
        if entries.connections.get(self.number).is_none() {
            entries.connections.make_room();
            self.number = entries.connections.push(Connection { opened: self.opened, closed: None });
        }
        let dropped = entries.requests.make_room();
        entries.complete_since = dropped.as_ref().map_or(entries.complete_since, |dropped| dropped.started);
        // The memory of the dropped request is reused, so that recording allocates nothing.
        let (mut method, mut path) =
            dropped.map(|dropped| (dropped.method, dropped.path)).unwrap_or_default();
        replace(&mut method, head.method());
        replace(&mut path, head.path());
        let is_waiting = head.has_body();
        let number = entries.requests.push(Request {
            connection: self.number,
            method,
            path,
            started,
            answering: (!is_waiting).then_some(started),
            ended: None,
            is_complete: false,
        });
        RecentRequest { recent: self.recent, number, is_waiting, is_complete: false }
    }
}

impl Drop for RecentConnection<'_> {
    fn drop(&mut self) {
        let closed = self.recent.now();
        if let Some(connection) = self.recent.lock().connections.get(self.number) {
            connection.closed = Some(closed);
        }
    }
}

/// A recorded request. It counts as cut if this is dropped before [`RecentRequest::done`].
#[derive(Debug)]
pub struct RecentRequest<'a> {
    recent: &'a Recent,
    number: u64,
    is_waiting: bool,
    is_complete: bool,
}

impl RecentRequest<'_> {
    /// The backend does not wait for more of the body.
    pub fn answering(&mut self) {
        if !mem::take(&mut self.is_waiting) {
            return;
        }
        let now = self.recent.now();
        if let Some(request) = self.recent.lock().requests.get(self.number) {
            request.answering = Some(now);
        }
    }

    /// The response was sent.
    pub fn done(mut self) {
        self.is_complete = true;
    }
}

impl Drop for RecentRequest<'_> {
    fn drop(&mut self) {
        let ended = self.recent.now();
        if let Some(request) = self.recent.lock().requests.get(self.number) {
            (request.ended, request.is_complete) = (Some(ended), self.is_complete);
        }
    }
}

fn milliseconds(duration: Duration) -> Milliseconds {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Replaces text, truncated to [`MAX_PATH_BYTES`] at a character boundary.
fn replace(text: &mut String, new: &str) {
    let mut lengths = (0..=new.len().min(MAX_PATH_BYTES)).rev();
    let length = lengths.find(|&length| new.is_char_boundary(length)).unwrap_or(0);
    text.clear();
    text.push_str(&new[..length]);
}

fn or_null(time: Option<Milliseconds>) -> String {
    time.map_or_else(|| "null".to_owned(), |time| time.to_string())
}

/// A string in JSON (RFC 8259 section 7).
fn string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            // Writing to a String does not fail.
            '\0'..' ' => _ = write!(json, "\\u{:04x}", u32::from(character)),
            _ => json.push(character),
        }
    }
    json + "\""
}
