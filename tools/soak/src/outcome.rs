//! The outcome of a request, whether it is allowed, and the sums.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::backend::WRONG_REQUEST;
use crate::fault::{Fault, Kind, Phase};
use crate::message::{Ask, number_of};
use testkit::Response;

/// How many problems are kept as text. All are counted.
const KEPT_PROBLEMS: usize = 10;

/// The outcome of a request.
pub(crate) enum Outcome {
    /// The correct answer, complete.
    Answered,
    /// A framed error from the proxy itself, with this status.
    Refused(u16),
    /// The connection was cut, which the client can detect.
    Cut,
    /// Any other response: an answer to another request, wrong bytes, invalid HTTP.
    Wrong(String),
    /// No response before the timeout.
    Lost(String),
}

/// The outcomes of many requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    /// Status -> number of answers of the proxy with it.
    pub(crate) refused: BTreeMap<u16, u64>,
    pub(crate) cut: u64,
    /// The longest time from a request to the end of its response.
    pub(crate) slowest: Duration,
    /// The number of clients that left before their answer.
    pub(crate) left: u64,
    /// Fault -> number of injections.
    pub(crate) injected: BTreeMap<Fault, u64>,
    pub(crate) wrong: u64,
    pub(crate) lost: u64,
    /// Requests with an outcome that is not allowed.
    pub(crate) unexpected: u64,
    pub(crate) problems: Vec<String>,
}

/// Determines the allowed outcomes of a request without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Circumstances {
    /// Nothing else fails: the request is answered.
    Calm,
    /// Backends that fail for other requests leave dead connections behind. A request that may be repeated is
    /// still answered, others may be refused (502).
    DeadConnections,
    /// The proxy has too few descriptors for all clients.
    FewDescriptors,
    /// The backend was killed in the meantime.
    Killed,
}

impl Outcome {
    /// Classifies the response to `ask`, or its failure.
    pub(crate) fn of(ask: &Ask, response: io::Result<Response>) -> Outcome {
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::UnexpectedEof => Outcome::Cut,
                    ErrorKind::TimedOut => Outcome::Lost(error.to_string()),
                    _ => Outcome::Wrong(error.to_string()),
                };
            }
        };
        if !response.is_complete() {
            return Outcome::Cut;
        }
        // RFC 9209: marks the errors of the proxy itself.
        let is_error = response.field("proxy-status").is_some() && response.field("x-number").is_none();
        match response.status {
            200 => {
                let number = response.field("x-number").and_then(|number| number.parse().ok());
                if number == Some(ask.number) && number_of(&response.body) == number {
                    Outcome::Answered
                } else {
                    let came = (number, number_of(&response.body), response.body.len(), response.ended);
                    Outcome::Wrong(format!("a body of {} bytes came as {came:?}", ask.answer_bytes))
                }
            }
            WRONG_REQUEST => Outcome::Wrong("the body of the request did not reach the backend".to_owned()),
            status @ (502..=504) if is_error => Outcome::Refused(status),
            status => Outcome::Wrong(format!("status {status}: {}", response.text())),
        }
    }

    fn is_allowed(&self, ask: &Ask, circumstances: Circumstances) -> bool {
        match circumstances {
            // RFC 9110 section 9.2.2: a POST is not resent when the connection turns out to be dead.
            Circumstances::DeadConnections if !ask.is_get() && matches!(self, Outcome::Refused(502)) => true,
            Circumstances::FewDescriptors if matches!(self, Outcome::Refused(503)) => true,
            Circumstances::Killed => {
                matches!(self, Outcome::Answered | Outcome::Refused(_) | Outcome::Cut)
            }
            _ => match ask.fault {
                Some(fault) => self.may_come_of(fault),
                None => matches!(self, Outcome::Answered),
            },
        }
    }

    /// Whether a fault alone may have this outcome.
    fn may_come_of(&self, fault: Fault) -> bool {
        let is_answered = matches!(self, Outcome::Answered);
        let is_cut = matches!(self, Outcome::Cut);
        let is_refused_with = |status| matches!(self, Outcome::Refused(other) if *other == status);
        match (fault.kind, fault.phase) {
            (Kind::Pause, _) | (Kind::Close | Kind::Stall, Phase::AtEnd) => is_answered,
            // A reset may overtake the bytes that were sent before it.
            (Kind::Reset, Phase::AtEnd) => is_answered || is_cut || is_refused_with(502),
            (Kind::Close | Kind::Reset, Phase::InRequest | Phase::BeforeHead | Phase::InHead) => {
                is_refused_with(502)
            }
            // The head may or may not have been forwarded.
            (Kind::Close | Kind::Reset, Phase::AfterHead | Phase::InChunk) => is_cut || is_refused_with(502),
            (Kind::Stall, Phase::InRequest | Phase::BeforeHead | Phase::InHead) => is_refused_with(504),
            (Kind::Stall, Phase::AfterHead | Phase::InChunk) => is_cut,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Answered => f.write_str("answered"),
            Outcome::Refused(status) => write!(f, "refused with {status}"),
            Outcome::Cut => f.write_str("cut"),
            Outcome::Wrong(what) => write!(f, "wrong: {what}"),
            Outcome::Lost(what) => write!(f, "lost: {what}"),
        }
    }
}

impl Tally {
    /// Counts the outcome of a request.
    pub(crate) fn count(&mut self, ask: &Ask, outcome: Outcome, circumstances: Circumstances) {
        self.requests += 1;
        let is_allowed = outcome.is_allowed(ask, circumstances);
        match &outcome {
            Outcome::Answered => self.answered += 1,
            Outcome::Refused(status) => *self.refused.entry(*status).or_default() += 1,
            Outcome::Cut => self.cut += 1,
            Outcome::Wrong(_) => self.wrong += 1,
            Outcome::Lost(_) => self.lost += 1,
        }
        if !is_allowed {
            self.unexpected += u64::from(!matches!(outcome, Outcome::Wrong(_) | Outcome::Lost(_)));
            self.problem(format!("{outcome} ({circumstances:?}): {ask:?}"));
        }
    }

    /// Counts an injected fault.
    pub(crate) fn inject(&mut self, fault: Fault) {
        *self.injected.entry(fault).or_default() += 1;
    }

    /// Records a problem that belongs to no single request.
    pub(crate) fn problem(&mut self, problem: String) {
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Counts unexpected bytes after the last answer on a connection.
    pub(crate) fn surplus(&mut self, what: String) {
        self.wrong += 1;
        self.problem(what);
    }

    pub(crate) fn add(&mut self, part: Tally) {
        self.requests += part.requests;
        self.answered += part.answered;
        self.cut += part.cut;
        self.left += part.left;
        self.slowest = self.slowest.max(part.slowest);
        self.wrong += part.wrong;
        self.lost += part.lost;
        self.unexpected += part.unexpected;
        for (status, count) in part.refused {
            *self.refused.entry(status).or_default() += count;
        }
        for (fault, count) in part.injected {
            *self.injected.entry(fault).or_default() += count;
        }
        for problem in part.problems {
            self.problem(problem);
        }
    }
}
