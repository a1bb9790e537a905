//! The faults of a backend, in every phase of an exchange.

use std::fmt;

/// What fails, and in which phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The backend closes the connection.
    Close,
    /// It resets the connection.
    Reset,
    /// It pauses for a moment, then continues.
    Pause,
    /// It stops doing anything.
    Stall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The head of the request has arrived, its body has not been read.
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
    /// A fault that ends at once, chosen by `dice`.
    pub(crate) fn any(dice: u64) -> Fault {
        let kind = KINDS[dice as usize % 3].0;
        Fault { kind, phase: PHASES[(dice >> 8) as usize % PHASES.len()].0 }
    }

    /// A backend that stalls forever, in each phase in turn. Never at the end: that would affect the next
    /// request on the connection instead of this one.
    pub(crate) fn stall(index: u64) -> Fault {
        Fault { kind: Kind::Stall, phase: PHASES[index as usize % (PHASES.len() - 1)].0 }
    }

    /// Parses the name of a fault.
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
