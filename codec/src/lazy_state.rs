//! The state of a client's connection, held only while there is something to hold.

use std::time::Instant;

use crate::client_state::{ClientState, Ending};

/// The state of a client, from the first byte of a request until its response was sent. Most clients are idle,
/// and the state is most of a client's memory.
#[derive(Debug)]
pub(crate) enum LazyState {
    /// Nothing was received since this time, when the last exchange ended or the connection began.
    Idle(Instant),
    Active(Box<ClientState>),
}

impl LazyState {
    /// The state of a client that has just connected.
    pub(crate) fn new() -> LazyState {
        LazyState::Idle(Instant::now())
    }

    /// The state. That of an idle client is created.
    pub(crate) fn get(&mut self) -> &mut ClientState {
        if let LazyState::Idle(since) = *self {
            *self = LazyState::Active(Box::new(ClientState::new(since)));
        }
        match self {
            LazyState::Active(state) => state,
            LazyState::Idle(_) => unreachable!("it was created above"),
        }
    }

    /// The state, or `None` if the client is idle.
    pub(crate) fn held(&mut self) -> Option<&mut ClientState> {
        match self {
            LazyState::Active(state) => Some(state),
            LazyState::Idle(_) => None,
        }
    }

    /// Frees what is not needed until the next request. Returns since when the client is idle.
    pub(crate) fn become_idle(&mut self) -> Instant {
        match self {
            LazyState::Idle(since) => *since,
            LazyState::Active(state) => {
                let since = state.idle_since;
                if state.is_idle() {
                    *self = LazyState::Idle(since);
                }
                since
            }
        }
    }

    /// Frees the state of a client that turned out to be idle: it was created, and no byte was received.
    #[cfg(feature = "tokio")]
    pub(crate) fn stay_idle(&mut self) {
        if let LazyState::Active(state) = self {
            *self = LazyState::Idle(state.idle_since);
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        match self {
            LazyState::Active(state) => state.ending(),
            LazyState::Idle(_) => Ending::KeepAlive,
        }
    }

    /// Whether a byte of the next request was received.
    pub(crate) fn has_started(&mut self) -> bool {
        self.held().is_some_and(|state| state.decoder.has_started())
    }
}
