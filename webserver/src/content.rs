//! Sending the bytes of a representation: a file goes through one bounded buffer, whatever its size.
//!
//! Whoever edits this: as many bytes leave as the head announced, or the connection is cut. Files change while
//! they are sent.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use codec::{Error, Piece, ResponseHead};

use crate::answer::Answer;

/// The most of a file that is in memory at once. A client that reads slowly holds that much.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where the bytes are.
#[derive(Debug)]
pub enum Content {
    Memory(Cow<'static, [u8]>),
    File(Arc<File>),
}

impl Content {
    /// Sends `head`, and a part that is as long as it says.
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
    // The head waits for the first piece: as long as it has not left, there can be another answer.
    if let Err(error) = content.read_piece().await {
        log::warn!("a file cannot be read: {error}");
        return answer.write_text(500, "the file cannot be read\n").await;
    }
    answer.write_head(head);
    while !content.part.is_empty() {
        answer.write_piece(Piece::partial(&content.piece)).await?;
        if let Err(error) = content.read_piece().await {
            log::warn!("a file became shorter, or cannot be read any more: {error}");
            // A response that did not end makes the codec close the connection.
            return Ok(());
        }
    }
    answer.write_piece(Piece::last(&content.piece)).await
}

/// A part of a file, on its way.
#[derive(Debug)]
struct FilePart {
    file: Arc<File>,
    /// What was not read yet.
    part: Range<u64>,
    /// What was read last.
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
        // Disks make a thread wait, so it is not one of those that serve clients.
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

/// What is indexed is in memory, so it fits.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
