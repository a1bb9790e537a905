//! The errors of an exchange: what failed, which side is to blame, and the status of the response.
//!
//! The types of the adapters set the blame, so a stage needs only `?`. All responses are in `Error::response`.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::{Refusal, WrongBodyLength};

/// Why an exchange failed.
#[derive(Debug)]
pub struct Error {
    blame: Blame,
    /// Boxed, because every future of an exchange reserves space for an error.
    cause: Box<Cause>,
}

/// The side that is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The client: its request is invalid or slow, or the client is gone.
    Client,
    /// The backend: it is unreachable, too slow, or does not speak HTTP.
    Backend,
    /// This proxy: descriptors, ports, threads or memory ran out.
    Proxy,
}

/// What went wrong.
#[derive(Debug)]
pub enum Cause {
    /// A message broke a rule.
    Refused(Refusal),
    /// Something exceeded its time limit.
    TimedOut(Wait),
    /// The connection was closed before a message was complete.
    Closed(Wait),
    /// Connecting failed.
    Connect {
        /// The backend, as given.
        backend: String,
        /// The reason. Of several addresses, the most informative failure.
        error: io::Error,
    },
    /// Reading or writing failed.
    Io(io::Error),
    /// The body does not have the length that its head announced.
    WrongBodyLength(WrongBodyLength),
    /// No backend is left that the request may be sent to.
    Unavailable {
        /// The time after which a retry is worthwhile.
        retry_after: Duration,
    },
    /// The proxy has no room for the request: the limits on requests that are served and that wait are reached.
    Overloaded {
        /// The time after which a retry is worthwhile.
        retry_after: Duration,
    },
    /// The response was complete and accepted the request, but the backend did not get the complete request.
    CutUpload,
    /// The other direction of the exchange has ended. This is a consequence, not a fault of its own.
    Stopped,
}

/// What the proxy waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// A connection.
    Connect,
    /// The head of a message.
    Head,
    /// More of a body.
    Body,
    /// The other side to accept the written bytes.
    Write,
}

impl Error {
    /// An error that blames the client.
    pub(crate) fn client(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Client, cause: Box::new(cause.into()) }
    }

    /// An error that blames the backend.
    pub(crate) fn backend(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Backend, cause: Box::new(cause.into()) }
    }

    /// An error that blames this proxy: the operating system lacks a resource.
    pub(crate) fn proxy(cause: impl Into<Cause>) -> Error {
        Error { blame: Blame::Proxy, cause: Box::new(cause.into()) }
    }

    /// An error that blames the backends: none is available now, but one may be after `retry_after`.
    pub fn unavailable(retry_after: Duration) -> Error {
        Error::backend(Cause::Unavailable { retry_after })
    }

    /// An error that blames this proxy: it has no room for the request now, but may have some after `retry_after`.
    pub fn overloaded(retry_after: Duration) -> Error {
        Error::proxy(Cause::Overloaded { retry_after })
    }

    /// The side that is to blame.
    pub fn blame(&self) -> Blame {
        self.blame
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether connecting failed. No byte of the request was sent then, so any request can be retried,
    /// whatever its method (RFC 9110 section 9.2.2).
    pub fn is_connect_failure(&self) -> bool {
        matches!(*self.cause, Cause::Connect { .. } | Cause::TimedOut(Wait::Connect))
    }

    /// The response to this error; `None` if the client cannot be answered. The sentence is for the client: it
    /// names the rule, and reveals nothing behind the proxy.
    pub(crate) fn response(&self) -> Option<ErrorResponse> {
        let response = |status, error_type, sentence: &str| {
            Some(ErrorResponse { status, error_type, sentence: sentence.to_owned() })
        };
        match (self.blame, &*self.cause) {
            (Blame::Client, Cause::Refused(refusal)) => {
                response(refusal.status(), "http_request_error", &refusal.to_string())
            }
            (Blame::Client, Cause::TimedOut(Wait::Head)) => {
                let sentence = "the request head was not complete in time (RFC 9110 section 15.5.9)";
                response(408, "http_request_error", sentence)
            }
            (Blame::Client, Cause::TimedOut(Wait::Body)) => {
                let sentence = "the request body paused for too long (RFC 9110 section 15.5.9)";
                response(408, "http_request_error", sentence)
            }
            // The client may have closed only its write side, and still read.
            (Blame::Client, Cause::Closed(_)) => {
                let sentence = "the request ended before it was complete (RFC 9112 section 8)";
                response(400, "http_request_error", sentence)
            }
            (Blame::Client, _) => None,
            (Blame::Backend, Cause::TimedOut(Wait::Connect)) => {
                let sentence = "the backend could not be reached in time (RFC 9110 section 15.6.5)";
                response(504, "connection_timeout", sentence)
            }
            (Blame::Backend, Cause::TimedOut(_)) => {
                let sentence = "the backend did not answer in time (RFC 9110 section 15.6.5)";
                response(504, "http_response_timeout", sentence)
            }
            (Blame::Backend, Cause::Connect { error, .. }) => {
                let error_type = match error.kind() {
                    io::ErrorKind::ConnectionRefused => "connection_refused",
                    _ => "destination_unavailable",
                };
                response(502, error_type, "the backend could not be reached (RFC 9110 section 15.6.3)")
            }
            (Blame::Backend, Cause::Unavailable { .. }) => {
                let sentence = "no backend is available for the moment (RFC 9110 section 15.6.4)";
                response(503, "destination_unavailable", sentence)
            }
            (Blame::Backend, Cause::Refused(refusal)) => response(
                502,
                "http_protocol_error",
                &format!("the backend's response is not valid: {refusal}"),
            ),
            (Blame::Backend, _) => {
                let sentence =
                    "the backend closed the connection before it answered (RFC 9110 section 15.6.3)";
                response(502, "connection_terminated", sentence)
            }
            (Blame::Proxy, Cause::WrongBodyLength(_)) => {
                response(500, "proxy_internal_error", "the response failed (RFC 9110 section 15.6.1)")
            }
            (Blame::Proxy, Cause::Overloaded { .. }) => {
                let sentence = "too many requests for the moment (RFC 9110 section 15.6.4)";
                response(503, "connection_limit_reached", sentence)
            }
            (Blame::Proxy, _) => {
                let sentence = "no more connections for the moment (RFC 9110 section 15.6.4)";
                response(503, "connection_limit_reached", sentence)
            }
        }
    }

    /// Whether this is not a fault: this proxy is the final recipient of the request, and answers it itself.
    pub(crate) fn is_final_recipient(&self) -> bool {
        matches!(*self.cause, Cause::Refused(Refusal::FinalRecipient))
    }
}

/// The response that answers an error.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    /// The error type in `Proxy-Status` (RFC 9209 section 2.3).
    pub(crate) error_type: &'static str,
    pub(crate) sentence: String,
}

/// A refusal outside of a connection comes from `forward::request`, so it blames the client.
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

/// For the log: states everything that is known.
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
            Cause::Overloaded { .. } => write!(f, "{who}: no room for another request"),
            Cause::CutUpload => write!(f, "{who}: the response was complete, the upload was cut"),
            Cause::Stopped => write!(f, "{who}: the other direction has ended"),
        }
    }
}

impl std::error::Error for Error {}
