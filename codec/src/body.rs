//! Decodes incoming bodies and encodes outgoing ones, piece by piece, for each framing.

use std::fmt::{self, Write};

use bytes::{BufMut, BytesMut};

use crate::chunked::{ChunkedDecoder, DecodedPart};
use crate::lines::put_field;
use crate::{BodyFraming, FieldSection, Limits, Refusal, forward};

/// A part of a body, borrowed from the buffer of the connection that it was read from.
///
/// A body is one or more pieces. An empty body is one empty piece, which is the last.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece<'a> {
    bytes: &'a [u8],
    is_last: bool,
    trailers: Option<&'a FieldSection>,
}

impl<'a> Piece<'a> {
    /// A piece that is not the last of its body.
    pub fn partial(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, is_last: false, trailers: None }
    }

    /// The last piece of a body.
    pub fn last(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, is_last: true, trailers: None }
    }

    /// The same piece, followed by a trailer section. Only a chunked body can carry one.
    #[must_use]
    pub fn with_trailers(self, trailers: Option<&'a FieldSection>) -> Piece<'a> {
        Piece { trailers, ..self }
    }

    /// The bytes, without any framing. Empty if the body pauses here or has ended.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
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
    if piece.bytes.len() > max_bytes.saturating_sub(body.len()) {
        return Err(Refusal::BodyTooLarge);
    }
    body.extend_from_slice(piece.bytes);
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
            *remaining = remaining.checked_sub(piece.bytes.len() as u64).ok_or(WrongBodyLength)?;
            if piece.is_last && *remaining > 0 {
                return Err(WrongBodyLength);
            }
        }
        BodyFraming::Chunked => {
            // RFC 9112 section 7.1: a chunk of size 0 ends the body, so an empty piece is not sent as a chunk.
            if !piece.bytes.is_empty() {
                // Writing to a growing buffer does not fail.
                let _ = write!(out, "{:x}\r\n", piece.bytes.len());
            }
        }
    }
    Ok(())
}

/// Writes the framing after the bytes of a piece.
pub(crate) fn put_after(out: &mut BytesMut, framing: BodyFraming, piece: &Piece<'_>) {
    if framing != BodyFraming::Chunked {
        return;
    }
    if !piece.bytes.is_empty() {
        out.put_slice(b"\r\n");
    }
    if piece.is_last {
        out.put_slice(b"0\r\n");
        for (name, value) in piece.trailers.into_iter().flat_map(FieldSection::iter) {
            if forward::may_be_in_trailers(name) {
                put_field(out, name, value);
            }
        }
        out.put_slice(b"\r\n");
    }
}
