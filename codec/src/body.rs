//! Bodies, piece by piece: decoding what comes in and encoding what goes out, for each framing.

use bytes::{BufMut, BytesMut};

use crate::chunked::{ChunkedDecoder, Progress};
use crate::{BodyFraming, FieldSection, Limits, Refusal, forward};

/// A part of a body, lent from the buffer of the connection that it was read from.
///
/// A body is one or more pieces; a body without a byte is one empty piece, the last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece<'a> {
    bytes: &'a [u8],
    is_last: bool,
    trailers: Option<&'a FieldSection>,
}

impl<'a> Piece<'a> {
    /// A piece that more will follow.
    pub fn of(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, is_last: false, trailers: None }
    }

    /// The last piece of a body.
    pub fn last(bytes: &'a [u8]) -> Piece<'a> {
        Piece { bytes, is_last: true, trailers: None }
    }

    /// The same piece with a trailer section behind it, which only a chunked body can carry.
    #[must_use]
    pub fn with_trailers(self, trailers: Option<&'a FieldSection>) -> Piece<'a> {
        Piece { trailers, ..self }
    }

    /// The bytes, without any framing; none if the body pauses here or has ended.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the body ends with this piece.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// The trailer section (RFC 9110 section 6.5); `None` but on the last piece, or if it is empty.
    pub fn trailers(&self) -> Option<&'a FieldSection> {
        self.trailers
    }
}

/// Takes the framing off a body.
#[derive(Debug)]
pub(crate) enum BodyDecoder {
    Empty,
    ContentLength { missing: u64 },
    Chunked(ChunkedDecoder),
    CloseDelimited,
}

impl BodyDecoder {
    pub(crate) fn new(framing: BodyFraming) -> BodyDecoder {
        match framing {
            BodyFraming::Empty => BodyDecoder::Empty,
            BodyFraming::ContentLength(missing) => BodyDecoder::ContentLength { missing },
            BodyFraming::Chunked => BodyDecoder::Chunked(ChunkedDecoder::new()),
            BodyFraming::CloseDelimited => BodyDecoder::CloseDelimited,
        }
    }

    /// Decodes as much of `input` as there is. `at_end_of_file`: no more bytes will come.
    pub(crate) fn decode(
        &mut self,
        input: &mut [u8],
        at_end_of_file: bool,
        limits: &Limits,
    ) -> Result<Progress, Refusal> {
        let all = |length, end| Progress { consumed: length, payload: 0..length, end };
        match self {
            BodyDecoder::Empty => Ok(all(0, true)),
            BodyDecoder::ContentLength { missing } => {
                let length = input.len().min(usize::try_from(*missing).unwrap_or(usize::MAX));
                *missing -= length as u64;
                Ok(all(length, *missing == 0))
            }
            BodyDecoder::Chunked(decoder) => decoder.decode(input, limits),
            BodyDecoder::CloseDelimited => Ok(all(input.len(), at_end_of_file)),
        }
    }

    /// Whether the body has no byte, which is known without a piece being asked for.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, BodyDecoder::Empty | BodyDecoder::ContentLength { missing: 0 })
    }

    pub(crate) fn trailers(&self) -> Option<&FieldSection> {
        match self {
            BodyDecoder::Chunked(decoder) => decoder.trailers(),
            _ => None,
        }
    }
}

/// Puts the framing onto a body.
#[derive(Debug)]
pub(crate) enum BodyEncoder {
    Empty,
    ContentLength { missing: u64 },
    Chunked,
    CloseDelimited,
}

/// The body handed over does not have the length that its head announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongBodyLength;

impl BodyEncoder {
    pub(crate) fn new(framing: BodyFraming) -> BodyEncoder {
        match framing {
            BodyFraming::Empty => BodyEncoder::Empty,
            BodyFraming::ContentLength(missing) => BodyEncoder::ContentLength { missing },
            BodyFraming::Chunked => BodyEncoder::Chunked,
            BodyFraming::CloseDelimited => BodyEncoder::CloseDelimited,
        }
    }

    /// Writes what stands before and behind the piece's bytes. Returns whether the bytes are sent at all.
    pub(crate) fn encode(
        &mut self,
        piece: &Piece<'_>,
        before: &mut BytesMut,
        behind: &mut BytesMut,
    ) -> Result<bool, WrongBodyLength> {
        match self {
            // A response to HEAD: what a body would be is not sent.
            BodyEncoder::Empty => return Ok(false),
            BodyEncoder::CloseDelimited => {}
            BodyEncoder::ContentLength { missing } => {
                // RFC 9112 section 6.3: more or less than was announced would shift the next message.
                *missing = missing.checked_sub(piece.bytes.len() as u64).ok_or(WrongBodyLength)?;
                if piece.is_last && *missing > 0 {
                    return Err(WrongBodyLength);
                }
            }
            BodyEncoder::Chunked => {
                // RFC 9112 section 7.1: a chunk of size 0 would end the body, so an empty piece is none.
                if !piece.bytes.is_empty() {
                    put_hexadecimal(before, piece.bytes.len());
                    before.put_slice(b"\r\n");
                    behind.put_slice(b"\r\n");
                }
                if piece.is_last {
                    behind.put_slice(b"0\r\n");
                    if let Some(trailers) = piece.trailers {
                        forward::put_trailers(behind, trailers);
                    }
                    behind.put_slice(b"\r\n");
                }
            }
        }
        Ok(true)
    }
}

fn put_hexadecimal(out: &mut BytesMut, number: usize) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for index in (0..digits).rev() {
        out.put_u8(b"0123456789abcdef"[(number >> (index * 4)) & 0xf]);
    }
}
