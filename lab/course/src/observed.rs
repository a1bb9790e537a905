//! What a check has observed, in words that lead to the cause.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Response, StartError};

use crate::trial::CLIENT_PATIENCE;

/// The most characters of a word: it fits into 80 columns with the indentation of a message.
pub const MAX_WORD: usize = 70;

/// The time that a proxy has after a failure to log what led to it. It logs a request after its response.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A wrong observation, in one sentence or two.
#[derive(Debug)]
pub struct Seen {
    pub text: String,
    /// What the proxy logs from here on follows from the end of the check, which drops its clients and backends.
    pub at: Instant,
}

/// Returns the observation as an error unless `is_so` is true.
pub fn ensure(is_so: bool, seen: impl FnOnce() -> String) -> Result<(), Seen> {
    if is_so { Ok(()) } else { Err(Seen::new(seen())) }
}

/// Describes why no response arrived.
pub fn silence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => format!("nothing came for {} seconds", CLIENT_PATIENCE.as_secs()),
        _ => error.to_string(),
    }
}

/// The likeliest cause if no response arrived.
pub fn cause_of_silence(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::TimedOut => {
            "Does it wait for something that never happens, or for a lock that it holds, or loop forever?"
        }
        _ => "Did it return before it had sent one, panic, or leave out an `.await`?",
    }
}

/// A response in a few words: its status, or why there is none.
pub fn answer(response: &io::Result<Response>) -> String {
    match response {
        Ok(response) => response.status.to_string(),
        Err(error) => format!("no response ({})", silence(error)),
    }
}

/// How a body that was received differs from the one that was sent.
pub fn difference(sent: &[u8], received: &[u8]) -> String {
    let same = sent.iter().zip(received).take_while(|(sent, received)| sent == received).count();
    match (same == sent.len(), same == received.len()) {
        (_, true) if same == 0 => "none of them. Is each piece sent?".to_owned(),
        (false, true) => format!("only the first {same} of them. Is each piece sent, to the last?"),
        (true, false) => format!("{} more behind them. Is a piece sent twice?", received.len() - same),
        _ => format!("others from byte {same} on. Is a piece left out, or sent twice?"),
    }
}

/// Text with words cut that have more characters than this, such as a long path.
pub fn shortened(text: &str, most: usize) -> String {
    let word = |word: &str| match word.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &word[..end]),
        None => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A count in words.
pub fn times(count: usize) -> String {
    match count {
        0 => "not".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

impl Seen {
    /// Describes what is seen now, after a moment in which the proxy logs what led to it.
    pub fn new(text: impl Into<String>) -> Seen {
        thread::sleep(LAST_WORDS);
        Seen { text: text.into(), at: Instant::now() }
    }
}

impl From<io::Error> for Seen {
    fn from(error: io::Error) -> Seen {
        Seen::new(error.to_string())
    }
}

impl From<StartError> for Seen {
    fn from(error: StartError) -> Seen {
        match error.exit_code {
            // The last line of its flag parser only says how to get help.
            Some(2) => Seen::new("it did not start: it does not take the flags of this stage"),
            _ => Seen::new(format!("it did not start: {error}")),
        }
    }
}
