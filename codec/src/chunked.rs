//! The chunked transfer coding, decoded strictly (RFC 9112 section 7.1).
//!
//! httparse's `parse_chunk_size` is not used: it parses an empty line as size 0 and skips LF within an
//! extension. Either lets two recipients disagree on where a body ends.

use std::ops::Range;

use crate::scanner::Scanner;
use crate::token::is_token;
use crate::{FieldSection, Limits, Refusal};

/// The position of the decoder in a chunked body.
#[derive(Debug)]
pub(crate) enum ChunkedDecoder {
    /// Before or within the size of a chunk.
    Size,
    /// Within the data of a chunk, with the number of bytes that remain.
    Data(u64),
    /// Before the CR LF after the data of a chunk.
    DataEnd,
    /// In the trailer section.
    Trailers(Scanner),
    /// After the trailer section.
    End(Option<Box<FieldSection>>),
}

/// The result of one call to a body decoder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodedPart {
    /// The number of bytes of the input that are consumed.
    pub(crate) consumed: usize,
    /// The position of the body's bytes in the input. They were moved together if framing separated them.
    pub(crate) content: Range<usize>,
    /// Whether the body has ended.
    pub(crate) end: bool,
}

/// The most digits of a chunk size: 15 digits cannot overflow 64 bits.
const MAX_SIZE_DIGITS: usize = 15;

impl ChunkedDecoder {
    pub(crate) fn new() -> ChunkedDecoder {
        ChunkedDecoder::Size
    }

    /// Decodes as much of `input` as possible. Bytes that are not consumed must be passed again, followed by more.
    pub(crate) fn decode(&mut self, input: &mut [u8], limits: &Limits) -> Result<DecodedPart, Refusal> {
        let mut consumed = 0;
        let mut content = 0..0;
        loop {
            let rest = &input[consumed..];
            match self {
                ChunkedDecoder::Size => match size_line(rest, limits)? {
                    None => break,
                    Some((length, size)) => {
                        consumed += length;
                        // RFC 9112 section 7.1: a size of 0 is the last chunk; the trailer section follows.
                        *self = match size {
                            0 => ChunkedDecoder::Trailers(Scanner::default()),
                            _ => ChunkedDecoder::Data(size),
                        };
                    }
                },
                ChunkedDecoder::Data(remaining) => {
                    let length = rest.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                    if length == 0 {
                        break;
                    }
                    if content.is_empty() {
                        content = consumed..consumed + length;
                    } else {
                        input.copy_within(consumed..consumed + length, content.end);
                        content.end += length;
                    }
                    consumed += length;
                    *remaining -= length as u64;
                    if *remaining == 0 {
                        *self = ChunkedDecoder::DataEnd;
                    }
                }
                ChunkedDecoder::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        consumed += 2;
                        *self = ChunkedDecoder::Size;
                    }
                    [] | [b'\r'] => break,
                    // RFC 9112 section 7.1: CR LF follows the data, so the size is wrong.
                    _ => return Err(Refusal::InvalidChunkEnd),
                },
                ChunkedDecoder::Trailers(scanner) => match scanner.scan(rest, 0, limits)? {
                    None => break,
                    Some(section) => {
                        let block = rest[..section.length].to_vec();
                        consumed += section.length;
                        let trailers = match section.lines {
                            0 => None,
                            lines => Some(Box::new(FieldSection::parse(block, 0, lines)?)),
                        };
                        *self = ChunkedDecoder::End(trailers);
                    }
                },
                ChunkedDecoder::End(_) => break,
            }
        }
        Ok(DecodedPart { consumed, content, end: matches!(self, ChunkedDecoder::End(_)) })
    }

    /// The number of bytes that remain of the data of this chunk.
    #[cfg(feature = "tokio")]
    pub(crate) fn expected(&self) -> u64 {
        match self {
            ChunkedDecoder::Data(remaining) => *remaining,
            _ => 0,
        }
    }

    /// Skips `length` bytes of the data of this chunk.
    #[cfg(feature = "tokio")]
    pub(crate) fn skip(&mut self, length: u64) {
        if let ChunkedDecoder::Data(remaining) = self {
            *remaining -= length;
            if *remaining == 0 {
                *self = ChunkedDecoder::DataEnd;
            }
        }
    }

    /// The trailer section; `None` if it is empty, or if the body has not ended.
    pub(crate) fn trailers(&self) -> Option<&FieldSection> {
        match self {
            ChunkedDecoder::End(trailers) => trailers.as_deref(),
            _ => None,
        }
    }
}

/// Parses `chunk-size [ chunk-ext ] CRLF`. Returns its length and the size, or `None` if it is incomplete.
fn size_line(input: &[u8], limits: &Limits) -> Result<Option<(usize, u64)>, Refusal> {
    let digits = input.iter().take_while(|byte| byte.is_ascii_hexdigit()).take(MAX_SIZE_DIGITS + 1).count();
    let rest = &input[digits..];
    // RFC 9112 section 7.1: at least one digit. `0x5`, `+5`, ` 5` and an empty line are rejected.
    if digits > MAX_SIZE_DIGITS || (digits == 0 && !rest.is_empty()) {
        return Err(Refusal::InvalidChunkSize);
    }
    let extension = match rest {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', ..] => 0,
        [b';', ..] => match extension(rest, limits)? {
            None => return Ok(None),
            Some(length) => length,
        },
        // RFC 9112 section 7.1.1 allows "bad" white space here. It is rejected: a sender has no reason to write it.
        _ => return Err(Refusal::InvalidChunkSize),
    };
    let size = input[..digits]
        .iter()
        .fold(0, |size, &digit| size << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or(0)));
    Ok(Some((digits + extension + 2, size)))
}

/// The length of the chunk extension that `input` starts with; `None` if its CR LF has not arrived.
fn extension(input: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
    let Some(line_feed) = input.iter().position(|&byte| byte == b'\n') else {
        return match input.len() > limits.max_chunk_extension_bytes.saturating_add(1) {
            true => Err(Refusal::ChunkExtensionTooLong),
            false => Ok(None),
        };
    };
    // The length is checked first, so that the reported rule does not depend on how the bytes arrive.
    if line_feed > limits.max_chunk_extension_bytes.saturating_add(1) {
        return Err(Refusal::ChunkExtensionTooLong);
    }
    // A LF without CR is rejected, as are control characters in the extension: Pingora accepted both.
    let Some(extension) = input[..line_feed].strip_suffix(b"\r") else {
        return Err(Refusal::InvalidChunkExtension);
    };
    if !is_extension(extension) {
        return Err(Refusal::InvalidChunkExtension);
    }
    Ok(Some(extension.len()))
}

/// RFC 9112 section 7.1.1: `*( ";" name [ "=" value ] )`, where a value is a token or a quoted string.
fn is_extension(mut rest: &[u8]) -> bool {
    while let Some(tail) = rest.strip_prefix(b";") {
        let end = tail.iter().position(|byte| b"=;".contains(byte)).unwrap_or(tail.len());
        if !is_token(&tail[..end]) {
            return false;
        }
        rest = &tail[end..];
        if let Some(value) = rest.strip_prefix(b"=") {
            let Some(length) = value_length(value) else {
                return false;
            };
            rest = &value[length..];
        }
    }
    rest.is_empty()
}

/// The length of the token or quoted string (RFC 9110 section 5.6.4) that `input` starts with.
fn value_length(input: &[u8]) -> Option<usize> {
    if input.first() != Some(&b'"') {
        let end = input.iter().position(|&byte| byte == b';').unwrap_or(input.len());
        return is_token(&input[..end]).then_some(end);
    }
    let mut escaped = false;
    for (index, &byte) in input.iter().enumerate().skip(1) {
        match byte {
            _ if byte != b'\t' && (byte < b' ' || byte == 0x7f) => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}
