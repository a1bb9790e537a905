//! Large answers: made outside of the runtime, shared by callers, bounded in total, and sent piece by piece.
//!
//! A task that encodes megabytes delays every task on its thread, so answers are encoded on a blocking
//! thread, one at a time.
//!
//! Invariant: a piece of an answer exists only with its permit. All answers together, unfinished ones
//! included, hold at most `MAX_ANSWERS_BYTES`.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Weak};
use std::time::Instant;

use codec::tokio::ResponseWriter;
use codec::{Error, Piece};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::{spawn_blocking, yield_now};

/// The bound on the memory of all answers: six copies of 10 MiB, which slow callers may hold for long.
const MAX_ANSWERS_BYTES: usize = 64 * 1024 * 1024;

/// The size of a piece. It is copied to the kernel in a few microseconds, and then other tasks run.
const PIECE_BYTES: usize = 16 * 1024;

/// Makes answers.
#[derive(Debug)]
pub struct Answers {
    /// The newest answer of each kind, while a caller holds it. Locked while an answer is made.
    newest: Mutex<HashMap<&'static str, Weak<Encoded>>>,
    /// One permit for each piece.
    room: Arc<Semaphore>,
}

/// An answer, made by writing to it.
#[derive(Debug)]
pub struct Encoded {
    begun: Instant,
    pieces: Vec<Vec<u8>>,
    permits: OwnedSemaphorePermit,
}

impl Default for Answers {
    fn default() -> Answers {
        let room = Arc::new(Semaphore::new(MAX_ANSWERS_BYTES / PIECE_BYTES));
        Answers { newest: Mutex::default(), room }
    }
}

impl Answers {
    /// Returns an answer that `write` has begun after this call, so it is never older than the call. Callers
    /// of the same `kind` that wait at the same time share one answer.
    ///
    /// # Errors
    /// Those of `write`. One of them is that the answer does not fit into the memory that is left.
    pub async fn get<W>(&self, kind: &'static str, write: W) -> io::Result<Arc<Encoded>>
    where
        W: FnOnce(&mut Encoded) -> io::Result<()> + Send + 'static,
    {
        let asked = Instant::now();
        let mut newest = self.newest.lock().await;
        if let Some(answer) = newest.get(kind).and_then(Weak::upgrade)
            && answer.begun > asked
        {
            return Ok(answer);
        }
        let permits = Arc::clone(&self.room).try_acquire_many_owned(0).map_err(io::Error::other)?;
        let made = spawn_blocking(move || {
            let mut answer = Encoded { begun: Instant::now(), pieces: Vec::new(), permits };
            write(&mut answer).map(|()| Arc::new(answer))
        });
        let answer = made.await??;
        newest.insert(kind, Arc::downgrade(&answer));
        Ok(answer)
    }
}

impl Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE_BYTES) {
            let room = Arc::clone(self.permits.semaphore());
            self.permits.merge(room.try_acquire_owned().map_err(|_| no_room())?);
            self.pieces.push(Vec::with_capacity(PIECE_BYTES));
        }
        let Some(piece) = self.pieces.last_mut() else {
            return Ok(0);
        };
        let length = bytes.len().min(PIECE_BYTES - piece.len());
        piece.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_room() -> io::Error {
    let most = MAX_ANSWERS_BYTES / (1024 * 1024);
    let message =
        format!("all answers together may use {most} MiB. Try again when other callers have read theirs");
    io::Error::new(io::ErrorKind::OutOfMemory, message)
}

/// The body of a response: text, and answers that other bodies may share.
#[derive(Debug, Default)]
pub struct Body(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Encoded(Arc<Encoded>),
}

impl Body {
    /// Appends text.
    pub fn push_text(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.0.push(Part::Text(more.to_owned())),
        }
    }

    /// Appends an answer.
    pub fn push_encoded(&mut self, encoded: Arc<Encoded>) {
        self.0.push(Part::Encoded(encoded));
    }

    /// The length in bytes.
    pub fn length(&self) -> u64 {
        self.0.iter().flat_map(Part::pieces).map(|piece| piece.len() as u64).sum()
    }

    /// Sends the body after a head that is queued. Other tasks run after each piece. The future must not be dropped.
    ///
    /// # Errors
    /// Those of [`ResponseWriter::write_piece`].
    pub async fn send(&self, to_client: &mut ResponseWriter<'_>) -> Result<(), Error> {
        for piece in self.0.iter().flat_map(Part::pieces) {
            to_client.write_piece(Piece::partial(piece)).await?;
            yield_now().await;
        }
        to_client.write_piece(Piece::last(&[])).await?;
        Ok(())
    }
}

impl From<Arc<Encoded>> for Body {
    fn from(encoded: Arc<Encoded>) -> Body {
        Body(vec![Part::Encoded(encoded)])
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body(vec![Part::Text(text)])
    }
}

impl Part {
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (text, pieces) = match self {
            Part::Text(text) => (Some(text.as_bytes()), &[][..]),
            Part::Encoded(encoded) => (None, &encoded.pieces[..]),
        };
        text.into_iter().chain(pieces.iter().map(Vec::as_slice))
    }
}
