//! What can go wrong in an exchange, whose fault it was, and which status answers it.
//!
//! The role types of the adapters set the blame, so a stage needs only `?`. All statuses are in `Error::status`.

use std::fmt;
use std::io;

use crate::{Refusal, WrongBodyLength};

/// Why an exchange failed.
#[derive(Debug)]
pub struct Error {
    blame: Blame,
    cause: Cause,
}

/// Whose fault it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client's: a bad request, a slow one, or the client has gone.
    Client,
    /// The backend's: not reachable, not in time, or not HTTP.
    Backend,
    /// Our own: descriptors, ports, threads or memory ran out.
    Proxy,
}

/// What went wrong.
#[derive(Debug)]
pub enum Cause {
    /// A message broke a rule.
    Refused(Refusal),
    /// Something took longer than its limit.
    TimedOut(Wait),
    /// The connection was closed before a message was complete.
    Closed(Wait),
    /// Connecting failed.
    Connect {
        /// The backend, as it was given.
        backend: String,
        /// Why the last of its addresses could not be reached.
        error: io::Error,
    },
    /// Reading or writing failed.
    Io(io::Error),
    /// The body handed over was not as long as its head announced.
    WrongBodyLength(WrongBodyLength),
    /// The other direction of the exchange has ended; says nothing by itself.
    Stopped,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A connection.
    Connect,
    /// The head of a message.
    Head,
    /// More of a body.
    Body,
    /// The other side to take what is written.
    Write,
}

impl Error {
    /// An error of the client's side.
    pub(crate) fn client(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Client, cause: cause.into() }
    }

    /// An error of the backend's side; of our own if resources ran out.
    pub(crate) fn backend(cause: impl Into<Cause>) -> Error {
        let cause = cause.into();
        match &cause {
            Cause::Connect { error, .. } if is_exhaustion(error) => Error { blame: Blame::Proxy, cause },
            _ => Error { blame: Blame::Backend, cause },
        }
    }

    /// An error of our own: something that the operating system does not give.
    pub fn proxy(error: io::Error) -> Error {
        Error { blame: Blame::Proxy, cause: Cause::Io(error) }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn client_io(error: io::Error) -> Error {
        Error::client(Cause::Io(error))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn backend_io(error: io::Error) -> Error {
        Error::backend(Cause::Io(error))
    }

    /// Whose fault it was.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The status that answers it; `None` if there is nobody left to answer.
    pub fn status(&self) -> Option<u16> {
        match (self.blame, &self.cause) {
            (Blame::Client, Cause::Refused(refusal)) => Some(refusal.status()),
            // RFC 9110 section 15.5.9: the request was not complete in time.
            (Blame::Client, Cause::TimedOut(Wait::Head | Wait::Body)) => Some(408),
            // RFC 9112 section 8: an incomplete request may be answered with an error; the client may have
            // closed its side only.
            (Blame::Client, Cause::Closed(_)) => Some(400),
            (Blame::Client, _) => None,
            // RFC 9110 section 15.6.5: the backend did not answer in time.
            (Blame::Backend, Cause::TimedOut(_)) => Some(504),
            // RFC 9110 section 15.6.3: it could not be reached, or its answer is not valid.
            (Blame::Backend, _) => Some(502),
            (Blame::Proxy, Cause::WrongBodyLength(_)) => Some(500),
            // RFC 9110 section 15.6.4: overloaded for the moment.
            (Blame::Proxy, _) => Some(503),
        }
    }

    /// One sentence for the client: the rule, and nothing about what is behind the proxy.
    pub(crate) fn explanation(&self) -> String {
        match (self.blame, &self.cause) {
            (Blame::Client, Cause::Refused(refusal)) => refusal.to_string(),
            (Blame::Client, Cause::TimedOut(Wait::Body)) => {
                "the request body paused for too long (RFC 9110 section 15.5.9)".into()
            }
            (Blame::Client, Cause::TimedOut(_)) => {
                "the request head was not complete in time (RFC 9110 section 15.5.9)".into()
            }
            (Blame::Client, _) => "the request ended before it was complete (RFC 9112 section 8)".into(),
            (Blame::Backend, Cause::TimedOut(Wait::Connect)) => {
                "the backend could not be reached in time (RFC 9110 section 15.6.5)".into()
            }
            (Blame::Backend, Cause::TimedOut(_)) => {
                "the backend did not answer in time (RFC 9110 section 15.6.5)".into()
            }
            (Blame::Backend, Cause::Connect { .. }) => {
                "the backend could not be reached (RFC 9110 section 15.6.3)".into()
            }
            (Blame::Backend, Cause::Refused(refusal)) => {
                format!("the backend's response is not valid: {refusal}")
            }
            (Blame::Backend, _) => {
                "the backend closed the connection before it answered (RFC 9110 section 15.6.3)".into()
            }
            (Blame::Proxy, _) => "no more connections for the moment (RFC 9110 section 15.6.4)".into(),
        }
    }

    /// The type of error that `Proxy-Status` names (RFC 9209 section 2.3).
    pub(crate) fn proxy_error_type(&self) -> &'static str {
        match (self.blame, &self.cause) {
            (Blame::Client, Cause::Refused(Refusal::FinalRecipient)) => "http_request_denied",
            (Blame::Client, _) => "http_request_error",
            (Blame::Backend, Cause::TimedOut(Wait::Connect)) => "connection_timeout",
            (Blame::Backend, Cause::TimedOut(_)) => "http_response_timeout",
            (Blame::Backend, Cause::Connect { error, .. })
                if error.kind() == io::ErrorKind::ConnectionRefused =>
            {
                "connection_refused"
            }
            (Blame::Backend, Cause::Connect { .. }) => "destination_unavailable",
            (Blame::Backend, Cause::Refused(_)) => "http_protocol_error",
            (Blame::Backend, _) => "connection_terminated",
            (Blame::Proxy, _) => "connection_limit_reached",
        }
    }
}

/// Whether the operating system has no descriptor or port left.
fn is_exhaustion(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const WSAEMFILE: i32 = 10024;
    error.kind() == io::ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(ENFILE | EMFILE | WSAEMFILE))
}

/// A refusal outside of a connection comes from `forward::request`, and so is the client's.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::client(refusal)
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Cause {
        Cause::Refused(refusal)
    }
}

impl From<WrongBodyLength> for Error {
    fn from(wrong: WrongBodyLength) -> Error {
        Error { blame: Blame::Proxy, cause: Cause::WrongBodyLength(wrong) }
    }
}

/// For the log: everything that is known.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.blame {
            Blame::Client => "client",
            Blame::Backend => "backend",
            Blame::Proxy => "proxy",
        };
        let what = |wait: &Wait| match wait {
            Wait::Connect => "the connection",
            Wait::Head => "the head of a message",
            Wait::Body => "more of a body",
            Wait::Write => "it to take more",
        };
        match &self.cause {
            Cause::Refused(refusal) => write!(f, "{who}: {refusal}"),
            Cause::TimedOut(wait) => write!(f, "{who}: waited too long for {}", what(wait)),
            Cause::Closed(wait) => {
                write!(f, "{who}: closed the connection, still waiting for {}", what(wait))
            }
            Cause::Connect { backend, error } => write!(f, "{who}: cannot connect to {backend}: {error}"),
            Cause::Io(error) => write!(f, "{who}: {error}"),
            Cause::WrongBodyLength(_) => write!(f, "{who}: the body has not the length that was announced"),
            Cause::Stopped => write!(f, "{who}: the other direction has ended"),
        }
    }
}

impl std::error::Error for Error {}
