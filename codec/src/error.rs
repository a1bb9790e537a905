//! What can go wrong in an exchange, whose fault it was, and which status answers it.
//!
//! The role types of the adapters set the blame, so a stage needs only `?`. All answers are in `Error::answer`.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::{Refusal, WrongBodyLength};

/// Why an exchange failed.
#[derive(Debug)]
pub struct Error {
    blame: Blame,
    /// Boxed, because every future of an exchange keeps room for an error.
    cause: Box<Cause>,
}

/// Whose fault it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        /// Why it could not be reached; of several addresses, the failure that tells most.
        error: io::Error,
    },
    /// Reading or writing failed.
    Io(io::Error),
    /// The body handed over was not as long as its head announced.
    WrongBodyLength(WrongBodyLength),
    /// Of all backends that may be asked, none is left.
    Unavailable {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The response was complete and accepted the request, of which the backend has not got all.
    CutUpload,
    /// The other direction of the exchange has ended; says nothing by itself.
    Stopped,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        Error { blame: Blame::Client, cause: Box::new(cause.into()) }
    }

    /// An error of the backend's side.
    pub(crate) fn backend(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Backend, cause: Box::new(cause.into()) }
    }

    /// An error of our own: something that the operating system does not give.
    pub(crate) fn proxy(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Proxy, cause: Box::new(cause.into()) }
    }

    /// An error of the backends' side: none of them can be asked now, but perhaps after `retry_after`.
    pub fn unavailable(retry_after: Duration) -> Error {
        Error::backend(Cause::Unavailable { retry_after })
    }

    /// Whose fault it was.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether connecting failed, so that no byte of the request was sent: any request can be sent again, whatever its
    /// method (RFC 9110 section 9.2.2).
    pub fn is_connect_failure(&self) -> bool {
        matches!(*self.cause, Cause::Connect { .. } | Cause::TimedOut(Wait::Connect))
    }

    /// How it is answered; `None` if there is nobody left to answer. The sentence is for the client: it names the
    /// rule, and nothing that lies beyond the proxy.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let answer = |status, error_type, sentence: &str| {
            Some(Answer { status, error_type, sentence: sentence.to_owned() })
        };
        match (self.blame, &*self.cause) {
            (Blame::Client, Cause::Refused(refusal)) => {
                answer(refusal.status(), "http_request_error", &refusal.to_string())
            }
            (Blame::Client, Cause::TimedOut(Wait::Head)) => {
                let sentence = "the request head was not complete in time (RFC 9110 section 15.5.9)";
                answer(408, "http_request_error", sentence)
            }
            (Blame::Client, Cause::TimedOut(Wait::Body)) => {
                let sentence = "the request body paused for too long (RFC 9110 section 15.5.9)";
                answer(408, "http_request_error", sentence)
            }
            // The client may have closed its side only, and still read.
            (Blame::Client, Cause::Closed(_)) => {
                let sentence = "the request ended before it was complete (RFC 9112 section 8)";
                answer(400, "http_request_error", sentence)
            }
            (Blame::Client, _) => None,
            (Blame::Backend, Cause::TimedOut(Wait::Connect)) => {
                let sentence = "the backend could not be reached in time (RFC 9110 section 15.6.5)";
                answer(504, "connection_timeout", sentence)
            }
            (Blame::Backend, Cause::TimedOut(_)) => {
                let sentence = "the backend did not answer in time (RFC 9110 section 15.6.5)";
                answer(504, "http_response_timeout", sentence)
            }
            (Blame::Backend, Cause::Connect { error, .. }) => {
                let error_type = match error.kind() {
                    io::ErrorKind::ConnectionRefused => "connection_refused",
                    _ => "destination_unavailable",
                };
                answer(502, error_type, "the backend could not be reached (RFC 9110 section 15.6.3)")
            }
            (Blame::Backend, Cause::Unavailable { .. }) => {
                let sentence = "no backend is available for the moment (RFC 9110 section 15.6.4)";
                answer(503, "destination_unavailable", sentence)
            }
            (Blame::Backend, Cause::Refused(refusal)) => {
                answer(502, "http_protocol_error", &format!("the backend's response is not valid: {refusal}"))
            }
            (Blame::Backend, _) => {
                let sentence =
                    "the backend closed the connection before it answered (RFC 9110 section 15.6.3)";
                answer(502, "connection_terminated", sentence)
            }
            (Blame::Proxy, Cause::WrongBodyLength(_)) => {
                answer(500, "proxy_internal_error", "the response failed (RFC 9110 section 15.6.1)")
            }
            (Blame::Proxy, _) => {
                let sentence = "no more connections for the moment (RFC 9110 section 15.6.4)";
                answer(503, "connection_limit_reached", sentence)
            }
        }
    }

    /// Whether it is no fault: this proxy is the final recipient of the request, and answers by itself.
    pub(crate) fn is_final_recipient(&self) -> bool {
        matches!(*self.cause, Cause::Refused(Refusal::FinalRecipient))
    }
}

/// How an error is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The type of error that `Proxy-Status` names (RFC 9209 section 2.3).
    pub(crate) error_type: &'static str,
    pub(crate) sentence: String,
}

/// A refusal outside of a connection comes from `forward::request`, and so is the client's.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::client(refusal)
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Cause {
        match refusal {
            Refusal::IncompleteHead => Cause::Closed(Wait::Head),
            Refusal::IncompleteBody => Cause::Closed(Wait::Body),
            refusal => Cause::Refused(refusal),
        }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Cause {
        Cause::Io(error)
    }
}

impl From<WrongBodyLength> for Error {
    fn from(wrong: WrongBodyLength) -> Error {
        Error { blame: Blame::Proxy, cause: Box::new(Cause::WrongBodyLength(wrong)) }
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
            Wait::Body => "a body",
            Wait::Write => "it to take more",
        };
        match &*self.cause {
            Cause::Refused(refusal) => write!(f, "{who}: {refusal}"),
            Cause::TimedOut(wait) => write!(f, "{who}: waited too long for {}", what(wait)),
            Cause::Closed(wait) => {
                write!(f, "{who}: closed the connection before the end of {}", what(wait))
            }
            Cause::Connect { backend, error } => write!(f, "{who}: cannot connect to {backend}: {error}"),
            Cause::Io(error) => write!(f, "{who}: {error}"),
            Cause::WrongBodyLength(_) => write!(f, "{who}: the body has not the length that was announced"),
            Cause::Unavailable { .. } => write!(f, "{who}: none is available"),
            Cause::CutUpload => write!(f, "{who}: the response was complete, the upload was cut"),
            Cause::Stopped => write!(f, "{who}: the other direction has ended"),
        }
    }
}

impl std::error::Error for Error {}
