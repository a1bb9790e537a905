//! How many connections of a pool may be borrowed at once, and the order in which requests wait for one.
//!
//! Invariant: a pool of `size` has at least `size` turns, those of borrowed connections included.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{BodyFraming, Persistence, ResponseHead, is_media_type};

/// The turns of one pool: a request needs one to borrow a connection without exceeding the size of the pool.
#[derive(Clone, Debug)]
pub struct Borrows {
    size: usize,
    turns: Arc<Semaphore>,
}

/// One borrowed connection. If this is dropped before it is returned, the connection is lost: it will not return,
/// so another one may be opened in its place.
#[derive(Debug)]
pub struct Borrow {
    turns: Arc<Semaphore>,
    adds_turn: bool,
}

impl Borrows {
    /// As many turns as the pool has room for connections.
    pub fn new(size: usize) -> Borrows {
        Borrows { size, turns: Arc::new(Semaphore::new(size)) }
    }

    /// Takes a turn; `None` if all are taken. A free turn belongs to the request that waits longest.
    pub fn try_begin(&self) -> Option<Borrow> {
        self.turns.try_acquire().ok()?.forget();
        Some(self.borrow(true))
    }

    /// Waits for a turn, in the order of the calls. May be dropped: the turn then goes to the next request.
    pub async fn begin(&self) -> Borrow {
        // The semaphore is never closed.
        if let Ok(turn) = self.turns.acquire().await {
            turn.forget();
        }
        self.borrow(true)
    }

    /// Borrows one more than there are turns. The pool gets a turn for it when the connection returns.
    pub fn begin_beyond_size(&self) -> Borrow {
        self.borrow(false)
    }

    /// Removes the free turns beyond the size of the pool. Returns their number.
    pub fn shrink(&self) -> usize {
        self.turns.forget_permits(self.turns.available_permits().saturating_sub(self.size))
    }

    fn borrow(&self, adds_turn: bool) -> Borrow {
        Borrow { turns: Arc::clone(&self.turns), adds_turn }
    }
}

impl Borrow {
    /// Ends the borrow: the connection is in the pool again, and the next request may have it.
    pub fn returned(mut self) {
        self.adds_turn = true;
    }
}

impl Drop for Borrow {
    fn drop(&mut self) {
        if self.adds_turn {
            self.turns.add_permits(1);
        }
    }
}

/// Whether the connection may serve another request soon after this response.
///
/// A body of unknown length may still be short. An event stream rarely is (WHATWG HTML section 9.2).
pub(super) fn may_return(head: &ResponseHead, persistence: Persistence) -> bool {
    let is_event_stream = || {
        let value = head.fields.get("Content-Type");
        value.is_some_and(|value| is_media_type(value, "text/event-stream"))
    };
    match (persistence, head.framing()) {
        (Persistence::Close, _) | (_, BodyFraming::CloseDelimited) => false,
        (_, BodyFraming::Empty | BodyFraming::ContentLength(_)) => true,
        (_, BodyFraming::Chunked) => !is_event_stream(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use super::*;

    fn is_ready(future: Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_returned_connection_is_for_the_request_that_waits_longest() {
        let borrows = Borrows::new(1);
        let borrow = borrows.try_begin().unwrap();
        let (mut first, mut second) = (pin!(borrows.begin()), pin!(borrows.begin()));
        assert!(!is_ready(first.as_mut()) && !is_ready(second.as_mut()));
        borrow.returned();
        assert!(borrows.try_begin().is_none(), "a new request overtakes one that waits");
        assert!(!is_ready(second.as_mut()));
        assert!(is_ready(first.as_mut()));
    }

    #[test]
    fn a_lost_connection_makes_room_for_one_request() {
        let borrows = Borrows::new(1);
        let borrow = borrows.try_begin().unwrap();
        let (mut first, mut second) = (pin!(borrows.begin()), pin!(borrows.begin()));
        assert!(!is_ready(first.as_mut()) && !is_ready(second.as_mut()));
        drop(borrow);
        assert!(!is_ready(second.as_mut()) && is_ready(first.as_mut()));
    }

    #[test]
    fn the_pool_grows_by_a_returned_connection_beyond_its_size_until_it_shrinks() {
        let borrows = Borrows::new(1);
        let (borrow, beyond) = (borrows.try_begin().unwrap(), borrows.begin_beyond_size());
        beyond.returned();
        let grown = borrows.try_begin();
        assert!(grown.is_some(), "a request waits although a connection has come back");
        assert_eq!(borrows.shrink(), 0, "no turn is free");
        drop((borrow, grown));
        assert_eq!(borrows.shrink(), 1);
        let borrow = borrows.try_begin();
        assert!(borrow.is_some() && borrows.try_begin().is_none());
    }

    #[test]
    fn a_lost_connection_beyond_the_size_makes_no_room() {
        let borrows = Borrows::new(1);
        let _borrow = borrows.try_begin().unwrap();
        drop(borrows.begin_beyond_size());
        assert!(borrows.try_begin().is_none());
    }
}
