//! What a backend can do wrong, at every phase of an exchange.

use std::fmt;

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
