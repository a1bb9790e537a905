//! The outcome of one request, for the log.

use std::fmt;
use std::time::Duration;

use crate::{Error, printable};

/// One line of a proxy's log: `GET /index.html 200 1234B 3.1ms`.
#[derive(Debug)]
pub struct Report {
    /// Method and path, without the query; empty for a request that could not be read.
    pub request: String,
    /// The status of the response to the client; `None` if there was none.
    pub status: Option<u16>,
    /// The bytes of the response's body that left, without framing.
    pub body_bytes: u64,
    /// From the first byte of the request until the head of the final response was queued; `None` if there was none.
    pub first_byte: Option<Duration>,
    /// From the first byte of the request to the last of the response, or of an upload that continues after it.
    pub elapsed: Duration,
    /// What failed; `None` if nothing did.
    pub error: Option<Error>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", printable(if self.request.is_empty() { "-" } else { &self.request }))?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("-")?,
        }
        let milliseconds = self.elapsed.as_secs_f64() * 1000.0;
        write!(f, " {}B {milliseconds:.1}ms", self.body_bytes)?;
        match &self.error {
            Some(error) => write!(f, " ({error})"),
            None => Ok(()),
        }
    }
}
