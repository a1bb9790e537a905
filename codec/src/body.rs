//! Decodes incoming bodies and encodes outgoing ones, piece by piece, for each framing.

use std::fmt::{self, Write};

use bytes::{BufMut, BytesMut};
#[cfg(feature = "tokio")]
use socket2::SockRef;

use crate::chunked::{ChunkedDecoder, DecodedPart};
use crate::lines::put_field;
use crate::{BodyFraming, FieldSection, Limits, Refusal, forward};

/// A part of a body, borrowed from the connection that it was received from: its bytes are in the connection's buffer, or
/// still in its socket.
///
/// A body is one or more pieces. An empty body is one empty piece, which is the last. A piece can be sent once: sending
/// it may take its bytes out of the socket.
#[derive(Default)]
pub struct Piece<'a> {
    bytes: &'a [u8],
    /// If the bytes are still in the socket.
    promise: Option<&'a dyn Promise>,
    is_last: bool,
    trailers: Option<&'a FieldSection>,
}

/// Bytes of a body that the system has received and that were not read yet. An adapter implements this, so that the
/// core does no I/O.
pub(crate) trait Promise: Sync {
    /// The number of bytes that are promised.
    fn length(&self) -> usize;

    /// Reads the bytes, at the first call, without waiting. Fewer than promised only if the socket fails, which the
    /// next read reports, or if a writer has moved them on.
    fn bytes(&self) -> &[u8];

    /// Whether the bytes were read.
    #[cfg(feature = "tokio")]
    fn is_read(&self) -> bool;

    /// The socket that the bytes are in.
    #[cfg(feature = "tokio")]
    fn socket(&self) -> SockRef<'_>;

    /// Reports that a writer has moved `length` of the bytes out of the socket.
    #[cfg(feature = "tokio")]
    fn moved(&self, length: usize);
}

impl<'a> Piece<'a> {
    /// A piece that is not the last of its body.
    pub fn partial(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, promise: None, is_last: false, trailers: None }
    }

    /// The last piece of a body.
    pub fn last(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, promise: None, is_last: true, trailers: None }
    }

    /// The same piece, followed by a trailer section. Only a chunked body can carry one.
    #[must_use]
    pub fn with_trailers(self, trailers: Option<&'a FieldSection>) -> Piece<'a> {
        Piece { trailers, ..self }
    }

    /// The same piece, whose bytes are still in the socket.
    #[cfg(feature = "tokio")]
    pub(crate) fn with_promise(self, promise: Option<&'a dyn Promise>) -> Piece<'a> {
        Piece { promise, ..self }
    }

    /// The bytes, if they are still in the socket.
    #[cfg(feature = "tokio")]
    pub(crate) fn promise(&self) -> Option<&'a dyn Promise> {
        self.promise.filter(|promise| !promise.is_read())
    }

    /// The number of bytes. It reads none.
    pub fn len(&self) -> usize {
        self.promise.map_or(self.bytes.len(), Promise::length)
    }

    /// Whether there are no bytes: the body pauses here or has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, without any framing. If they are still in the socket, they are read now. A piece that is sent with
    /// an adapter and whose bytes were not requested may never enter the program.
    pub fn bytes(&self) -> &'a [u8] {
        self.promise.map_or(self.bytes, Promise::bytes)
    }

    /// Whether the body ends with this piece.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// The trailer section (RFC 9110 section 6.5). `None` if it is empty, or if this is not the last piece.
    pub fn trailers(&self) -> Option<&'a FieldSection> {
        self.trailers
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece")
            .field("bytes", &format_args!("\"{}\"", self.bytes.escape_ascii()))
            .field("promised", &self.promise.map(Promise::length))
            .field("is_last", &self.is_last)
            .field("trailers", &self.trailers)
            .finish()
    }
}

/// Checks the announced length of a body that is to be collected in memory.
///
/// # Errors
/// [`Refusal::BodyTooLarge`] if the length exceeds `max_bytes`.
pub(crate) fn check_length(framing: BodyFraming, max_bytes: usize) -> Result<(), Refusal> {
    match framing {
        BodyFraming::ContentLength(length) if length > max_bytes as u64 => Err(Refusal::BodyTooLarge),
        _ => Ok(()),
    }
}

/// Appends a piece to a body that is collected in memory.
///
/// # Errors
/// [`Refusal::BodyTooLarge`] if the body exceeds `max_bytes`.
pub(crate) fn collect(body: &mut Vec<u8>, piece: &Piece<'_>, max_bytes: usize) -> Result<(), Refusal> {
    if piece.len() > max_bytes.saturating_sub(body.len()) {
        return Err(Refusal::BodyTooLarge);
    }
    body.extend_from_slice(piece.bytes());
    Ok(())
}

/// The result of decoding the next piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decoded {
    /// A piece, available from [`Decoder::piece`](crate::Decoder::piece).
    Piece,
    /// No piece yet: the decoder needs more bytes.
    NeedsMore,
    /// No more pieces: the last piece was already decoded, or no head was decoded before the body.
    End,
}

/// Removes the framing from a body.
#[derive(Debug)]
pub(crate) enum BodyDecoder {
    Empty,
    ContentLength { remaining: u64 },
    Chunked(ChunkedDecoder),
    CloseDelimited,
}

impl BodyDecoder {
    pub(crate) fn new(framing: BodyFraming) -> BodyDecoder {
        match framing {
            BodyFraming::Empty => BodyDecoder::Empty,
            BodyFraming::ContentLength(remaining) => BodyDecoder::ContentLength { remaining },
            BodyFraming::Chunked => BodyDecoder::Chunked(ChunkedDecoder::new()),
            BodyFraming::CloseDelimited => BodyDecoder::CloseDelimited,
        }
    }

    /// Decodes as much of `input` as possible. `at_end_of_file` means that no more bytes follow.
    pub(crate) fn decode(
        &mut self,
        input: &mut [u8],
        at_end_of_file: bool,
        limits: &Limits,
    ) -> Result<DecodedPart, Refusal> {
        let all = |length, end| DecodedPart { consumed: length, content: 0..length, end };
        match self {
            BodyDecoder::Empty => Ok(all(0, true)),
            BodyDecoder::ContentLength { remaining } => {
                let length = input.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                *remaining -= length as u64;
                Ok(all(length, *remaining == 0))
            }
            BodyDecoder::Chunked(decoder) => decoder.decode(input, limits),
            BodyDecoder::CloseDelimited => Ok(all(input.len(), at_end_of_file)),
        }
    }

    /// The number of bytes of the body that come next for certain, before any framing. Without a length, each byte
    /// that arrives belongs to the body.
    #[cfg(feature = "tokio")]
    pub(crate) fn expected(&self) -> u64 {
        match self {
            BodyDecoder::Empty => 0,
            BodyDecoder::ContentLength { remaining } => *remaining,
            BodyDecoder::Chunked(decoder) => decoder.expected(),
            BodyDecoder::CloseDelimited => u64::MAX,
        }
    }

    /// Skips `length` bytes of the body, at most [`expected`](BodyDecoder::expected).
    #[cfg(feature = "tokio")]
    pub(crate) fn skip(&mut self, length: u64) {
        match self {
            BodyDecoder::Empty | BodyDecoder::CloseDelimited => {}
            BodyDecoder::ContentLength { remaining } => *remaining -= length,
            BodyDecoder::Chunked(decoder) => decoder.skip(length),
        }
    }

    /// Whether no byte of the body remains, if this is known without decoding another piece.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, BodyDecoder::Empty | BodyDecoder::ContentLength { remaining: 0 })
    }

    pub(crate) fn trailers(&self) -> Option<&FieldSection> {
        match self {
            BodyDecoder::Chunked(decoder) => decoder.trailers(),
            _ => None,
        }
    }
}

/// The body does not have the length that its head announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WrongBodyLength;

impl fmt::Display for WrongBodyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body does not have the length that its head announced")
    }
}

impl std::error::Error for WrongBodyLength {}

/// Writes the framing before the bytes of a piece. The bytes themselves are sent unchanged.
///
/// Reduces a `ContentLength` to the number of bytes that remain to be sent.
pub(crate) fn put_before(
    out: &mut BytesMut,
    framing: &mut BodyFraming,
    piece: &Piece<'_>,
) -> Result<(), WrongBodyLength> {
    match framing {
        BodyFraming::Empty | BodyFraming::CloseDelimited => {}
        BodyFraming::ContentLength(remaining) => {
            // RFC 9112 section 6.3: a longer or shorter body than announced would shift the next message.
            *remaining = remaining.checked_sub(piece.len() as u64).ok_or(WrongBodyLength)?;
            if piece.is_last && *remaining > 0 {
                return Err(WrongBodyLength);
            }
        }
        BodyFraming::Chunked => {
            // RFC 9112 section 7.1: a chunk of size 0 ends the body, so an empty piece is not sent as a chunk.
            if !piece.is_empty() {
                // Writing to a growing buffer does not fail.
                let _ = write!(out, "{:x}\r\n", piece.len());
            }
        }
    }
    Ok(())
}

/// Writes the framing after the bytes of a piece, and the trailer section unless it is dropped.
pub(crate) fn put_after(out: &mut BytesMut, framing: BodyFraming, piece: &Piece<'_>, drops_trailers: bool) {
    if framing != BodyFraming::Chunked {
        return;
    }
    if !piece.is_empty() {
        out.put_slice(b"\r\n");
    }
    if piece.is_last {
        out.put_slice(b"0\r\n");
        let trailers = piece.trailers.filter(|_| !drops_trailers);
        for (name, value) in trailers.into_iter().flat_map(FieldSection::iter) {
            if forward::may_be_in_trailers(name) {
                put_field(out, name, value);
            }
        }
        out.put_slice(b"\r\n");
    }
}
