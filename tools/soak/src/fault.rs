//! What a backend can do wrong, at every phase of an exchange, and what may come of it.

use std::fmt;

use crate::verdict::Outcome;

/// What goes wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The backend closes the connection.
    Close,
    /// It resets it.
    Reset,
    /// It does nothing for a moment, and goes on.
    Pause,
    /// It does nothing any more.
    Stall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The head of the request has come, its body was not read.
    InRequest,
    BeforeHead,
    InHead,
    AfterHead,
    InChunk,
    AtEnd,
}

pub(crate) const KINDS: [(Kind, &str); 4] =
    [(Kind::Close, "close"), (Kind::Reset, "reset"), (Kind::Pause, "pause"), (Kind::Stall, "stall")];

const PHASES: [(Phase, &str); 6] = [
    (Phase::InRequest, "in the request"),
    (Phase::BeforeHead, "before the head"),
    (Phase::InHead, "in the head"),
    (Phase::AfterHead, "after the head"),
    (Phase::InChunk, "in a chunk"),
    (Phase::AtEnd, "at the end"),
];

impl Fault {
    /// One of those that are over at once, chosen by this number.
    pub(crate) fn any(dice: u64) -> Fault {
        let kind = KINDS[dice as usize % 3].0;
        Fault { kind, phase: PHASES[(dice >> 8) as usize % PHASES.len()].0 }
    }

    /// A backend that stalls for good, in each phase in turn. Not at the end: that would hit the next request on the
    /// connection, and be no fault of this one.
    pub(crate) fn stall(index: u64) -> Fault {
        Fault { kind: Kind::Stall, phase: PHASES[index as usize % (PHASES.len() - 1)].0 }
    }

    /// The fault that is called so.
    pub(crate) fn read(text: &str) -> Option<Fault> {
        let (kind, phase) = text.split_once(' ')?;
        let kind = KINDS.iter().find(|(_, name)| *name == kind)?.0;
        let phase = PHASES.iter().find(|(_, name)| *name == phase)?.0;
        Some(Fault { kind, phase })
    }

    /// Whether this may come of it, if nothing else goes wrong.
    pub(crate) fn allows(self, outcome: &Outcome) -> bool {
        let is_answered = matches!(outcome, Outcome::Answered);
        let is_cut = matches!(outcome, Outcome::Cut);
        let is_refused_with = |status| matches!(outcome, Outcome::Refused(other) if *other == status);
        match (self.kind, self.phase) {
            (Kind::Pause, _) | (Kind::Close | Kind::Stall, Phase::AtEnd) => is_answered,
            // A reset may overtake what was sent before it.
            (Kind::Reset, Phase::AtEnd) => is_answered || is_cut || is_refused_with(502),
            (Kind::Close | Kind::Reset, Phase::InRequest | Phase::BeforeHead | Phase::InHead) => {
                is_refused_with(502)
            }
            // The head was not sent on, or it was.
            (Kind::Close | Kind::Reset, Phase::AfterHead | Phase::InChunk) => is_cut || is_refused_with(502),
            (Kind::Stall, Phase::InRequest | Phase::BeforeHead | Phase::InHead) => is_refused_with(504),
            (Kind::Stall, Phase::AfterHead | Phase::InChunk) => is_cut,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.phase)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PHASES.iter().find(|(phase, _)| phase == self).map_or("", |(_, name)| name))
    }
}
