//! Sends the bytes of a representation: a file of any size passes through one bounded buffer.
//!
//! Invariant: exactly as many bytes are sent as the head announced, or the connection is cut, because a file may change
//! while it is sent.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use codec::{Error, Piece, ResponseHead};

use crate::answer::Answer;

/// The most bytes of a file in memory. A client that reads slowly holds that many.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where the bytes are.
#[derive(Debug)]
pub enum Content {
    Memory(Cow<'static, [u8]>),
    File(Arc<File>),
}

impl Content {
    /// Sends `head`, and a part of the announced length.
    pub async fn send(
        self,
        head: &ResponseHead,
        part: Range<u64>,
        answer: &mut Answer<'_>,
    ) -> Result<(), Error> {
        if !answer.has_body() || part.is_empty() {
            return answer.write_head_alone(head).await;
        }
        match self {
            Content::Memory(bytes) => {
                let (start, end) = (index(part.start), index(part.end));
                answer.write_head(head);
                answer.write_piece(Piece::last(bytes.get(start..end).unwrap_or_default())).await
            }
            Content::File(file) => send_file(FilePart { file, part, piece: Vec::new() }, head, answer).await,
        }
    }
}

async fn send_file(mut content: FilePart, head: &ResponseHead, answer: &mut Answer<'_>) -> Result<(), Error> {
    // The head waits for the first piece, because an error response is possible until the head is sent.
    if let Err(error) = content.read_piece().await {
        log::warn!("a file cannot be read: {error}");
        return answer.write_text(500, "the file cannot be read\n").await;
    }
    answer.write_head(head);
    while !content.part.is_empty() {
        answer.write_piece(Piece::partial(&content.piece)).await?;
        if let Err(error) = content.read_piece().await {
            log::warn!("a file became shorter, or cannot be read any more: {error}");
            // After an incomplete response the codec closes the connection.
            return Ok(());
        }
    }
    answer.write_piece(Piece::last(&content.piece)).await
}

/// A part of a file that is being sent.
#[derive(Debug)]
struct FilePart {
    file: Arc<File>,
    /// The range that is not read yet.
    part: Range<u64>,
    /// The piece that was read last.
    piece: Vec<u8>,
}

impl FilePart {
    /// # Errors
    /// The file has become too short, or cannot be read.
    async fn read_piece(&mut self) -> io::Result<()> {
        let offset = self.part.start;
        let length = PIECE_BYTES.min(self.part.end - offset);
        let mut piece = mem::take(&mut self.piece);
        piece.resize(index(length), 0);
        let file = Arc::clone(&self.file);
        // A disk may block, so the read runs on a thread that serves no clients.
        let read = tokio::task::spawn_blocking(move || {
            let mut file = &*file;
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut piece)?;
            io::Result::Ok(piece)
        });
        self.piece = read.await??;
        self.part.start += length;
        Ok(())
    }
}

/// The indexed bytes are in memory, so the offset fits.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
