//! The state of a client's connection, held only while there is something to hold.

use std::time::Instant;

use crate::client_state::{ClientState, Ending};

/// The state of a client, from the first byte of a request until its response was sent. Most clients are idle,
/// and the state is most of a client's memory.
#[derive(Debug)]
pub(crate) struct LazyState {
    /// `None` while the client is idle.
    state: Option<Box<ClientState>>,
    /// When the last exchange ended, or when the connection began if there was no exchange. It outlives the state.
    idle_since: Instant,
}

impl LazyState {
    /// The state of a client that has just connected.
    pub(crate) fn new() -> LazyState {
        LazyState { state: None, idle_since: Instant::now() }
    }

    /// The state. That of an idle client is created.
    pub(crate) fn get(&mut self) -> &mut ClientState {
        self.state.get_or_insert_with(|| Box::new(ClientState::new(self.idle_since)))
    }

    /// The state, or `None` if the client is idle.
    pub(crate) fn held(&mut self) -> Option<&mut ClientState> {
        self.state.as_deref_mut()
    }

    /// Frees what is not needed until the next request. Returns since when the client is idle.
    pub(crate) fn become_idle(&mut self) -> Instant {
        if let Some(state) = &self.state {
            self.idle_since = state.idle_since;
            if state.is_idle() {
                self.state = None;
            }
        }
        self.idle_since
    }

    pub(crate) fn ending(&self) -> Ending {
        self.state.as_ref().map_or(Ending::KeepAlive, |state| state.ending())
    }

    /// Whether a byte of the next request was received.
    pub(crate) fn has_started(&mut self) -> bool {
        self.held().is_some_and(|state| state.decoder.has_started())
    }
}
