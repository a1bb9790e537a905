//! Three readers of HTTP/1.1 that share no code with the codec and stand for the recipients after a proxy: one built on
//! httparse, like many servers in Rust, one strict, and one as lenient as old servers.
//!
//! A message that the codec accepts must mean the same to all. Otherwise an attacker can exploit the difference between
//! the proxy and its backend.

use crate::message::{Fields, Message};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Heads and chunk sizes are parsed by httparse, which accepts LF for CR LF and other deviations.
    Httparse,
    /// Heads are parsed by httparse, but every line must end with CR LF, and every chunk size must be valid.
    Strict,
    /// CR, LF or CR LF end a line; white space is trimmed everywhere; a folded line continues the value; digits are
    /// read as far as they go; `chunked` anywhere in Transfer-Encoding counts.
    Lenient,
}

pub const READERS: [Reader; 3] = [Reader::Httparse, Reader::Strict, Reader::Lenient];

/// Which message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    /// A response; `true`: to HEAD.
    Response(bool),
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    Incomplete,
    Invalid,
}

struct Head {
    start: Vec<u8>,
    fields: Fields,
    end: usize,
}

impl Reader {
    /// The message in `input` from `at` on. The stream ends with `input`.
    pub fn read(self, kind: Kind, input: &[u8], at: usize) -> Result<Message, No> {
        let head = match self {
            Reader::Httparse | Reader::Strict => parsed_head(kind, input, at)?,
            Reader::Lenient => lenient_head(kind, input, at)?,
        };
        if self == Reader::Strict && has_bare_line_feed(&input[at..head.end]) {
            return Err(No::Invalid);
        }
        let status = head.start.get(..3).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
        let is_empty = match (kind, status) {
            (Kind::Request, _) => false,
            (Kind::Response(to_head), status) => to_head || matches!(status, Some(100..=199 | 204 | 304)),
        };
        let codings: Vec<_> = values(&head.fields, "transfer-encoding").collect();
        let lengths: Vec<_> = values(&head.fields, "content-length").collect();
        let mut message = Message { start: head.start, fields: head.fields.clone(), ..Message::default() };
        message.end = head.end;
        if is_empty {
            return Ok(message);
        }
        if !codings.is_empty() {
            let is_chunked = match self {
                Reader::Httparse | Reader::Strict => {
                    codings.len() == 1 && codings[0].eq_ignore_ascii_case(b"chunked")
                }
                Reader::Lenient => codings.iter().any(|coding| contains(coding, b"chunked")),
            };
            let is_doubtful = kind == Kind::Request && !lengths.is_empty();
            if !is_chunked || is_doubtful {
                return Err(No::Invalid);
            }
            return self.read_chunks(input, message);
        }
        let length = match (self, &lengths[..]) {
            (_, []) if kind == Kind::Request => 0,
            (_, []) => input.len() - message.end,
            (Reader::Httparse | Reader::Strict, [length]) if length.iter().all(u8::is_ascii_digit) => {
                number(length, 10).ok_or(No::Invalid)?
            }
            (Reader::Httparse | Reader::Strict, _) => return Err(No::Invalid),
            (Reader::Lenient, [.., length]) => number(length, 10).unwrap_or(0),
        };
        let body = input[message.end..].get(..length).ok_or(No::Incomplete)?;
        message.body = body.to_vec();
        message.end += length;
        Ok(message)
    }

    fn read_chunks(self, input: &[u8], mut message: Message) -> Result<Message, No> {
        loop {
            let (size, start) = self.chunk_size(input, message.end)?;
            message.end = start;
            if size == 0 {
                break;
            }
            let data = input[start..].get(..size).ok_or(No::Incomplete)?;
            message.body.extend_from_slice(data);
            let (rest, next) = line(input, start + size).ok_or(No::Incomplete)?;
            if !rest.is_empty() || (self == Reader::Strict && next != start + size + 2) {
                return Err(No::Invalid);
            }
            message.end = next;
        }
        let (trailers, end) = match self {
            Reader::Httparse | Reader::Strict => parsed_fields(input, message.end)?,
            Reader::Lenient => lenient_fields(input, message.end)?,
        };
        if self == Reader::Strict && has_bare_line_feed(&input[message.end..end]) {
            return Err(No::Invalid);
        }
        Ok(Message { trailers, end, ..message })
    }

    fn chunk_size(self, input: &[u8], at: usize) -> Result<(usize, usize), No> {
        match self {
            Reader::Httparse => match httparse::parse_chunk_size(&input[at..]) {
                Ok(httparse::Status::Complete((length, size))) => {
                    Ok((usize::try_from(size).map_err(|_| No::Invalid)?, at + length))
                }
                Ok(httparse::Status::Partial) => Err(No::Incomplete),
                Err(_) => Err(No::Invalid),
            },
            // RFC 9112 section 7.1: chunk-size [ chunk-ext ] CRLF; an extension starts with a semicolon.
            Reader::Strict => {
                let end = input[at..].windows(2).position(|pair| pair == b"\r\n").ok_or(No::Incomplete)?;
                let text = &input[at..at + end];
                let digits = text.split(|&byte| byte == b';').next().unwrap_or_default();
                let is_valid = digits.iter().all(u8::is_ascii_hexdigit)
                    && !text.iter().any(|&byte| byte != b'\t' && byte.is_ascii_control());
                let size = number(digits, 16).filter(|&size| is_valid && size < usize::MAX);
                Ok((size.ok_or(No::Invalid)?, at + end + 2))
            }
            Reader::Lenient => {
                let (text, next) = line(input, at).ok_or(No::Incomplete)?;
                Ok((number(text, 16).unwrap_or(0), next))
            }
        }
    }
}

/// The values of all fields of that name, which is lower case.
pub fn values<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let same = move |other: &[u8]| other.to_ascii_lowercase() == name.as_bytes();
    fields.iter().filter(move |(other, _)| same(other)).map(|(_, value)| value.as_slice())
}

fn parsed_head(kind: Kind, input: &[u8], at: usize) -> Result<Head, No> {
    let mut bytes = input[at..].to_vec();
    // httparse rejects minor versions over 1, which RFC 9110 section 2.5 handles as 1.
    if let Some(minor) = place_of_minor_version(kind, &bytes)
        && (b'2'..=b'9').contains(&bytes[minor])
    {
        bytes[minor] = b'1';
    }
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let version = |minor: Option<u8>| if minor == Some(0) { &b"1.0"[..] } else { b"1.1" };
    let status;
    let (start, fields, length) = match kind {
        Kind::Request => {
            let mut head = httparse::Request::new(&mut fields);
            let length = complete(head.parse(&bytes))?;
            let method = head.method.unwrap_or_default().as_bytes();
            let target = head.path.unwrap_or_default().as_bytes();
            ([method, target, version(head.version)].join(&b' '), head.headers, length)
        }
        Kind::Response(_) => {
            let mut head = httparse::Response::new(&mut fields);
            let length = complete(head.parse(&bytes))?;
            status = head.code.unwrap_or_default().to_string();
            ([status.as_bytes(), version(head.version)].join(&b' '), head.headers, length)
        }
    };
    Ok(Head { start, fields: copy(fields), end: at + length })
}

fn parsed_fields(input: &[u8], at: usize) -> Result<(Fields, usize), No> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    match httparse::parse_headers(&input[at..], &mut fields) {
        Ok(httparse::Status::Complete((length, fields))) => Ok((copy(fields), at + length)),
        Ok(httparse::Status::Partial) => Err(No::Incomplete),
        Err(_) => Err(No::Invalid),
    }
}

fn copy(fields: &[httparse::Header<'_>]) -> Fields {
    fields.iter().map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec())).collect()
}

fn place_of_minor_version(kind: Kind, bytes: &[u8]) -> Option<usize> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let (first, _) = line(bytes, start)?;
    let end = if kind == Kind::Request { first.len() } else { first.len().min(8) };
    first[..end].get(end.checked_sub(8)?..end - 1)?.eq(b"HTTP/1.").then_some(start + end - 1)
}

fn complete(parsed: httparse::Result<usize>) -> Result<usize, No> {
    match parsed {
        Ok(httparse::Status::Complete(length)) => Ok(length),
        Ok(httparse::Status::Partial) => Err(No::Incomplete),
        Err(_) => Err(No::Invalid),
    }
}

fn lenient_head(kind: Kind, input: &[u8], mut at: usize) -> Result<Head, No> {
    let first = loop {
        let (text, next) = line(input, at).ok_or(No::Incomplete)?;
        at = next;
        if !text.is_empty() {
            break text;
        }
    };
    let words: Vec<&[u8]> =
        first.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty()).collect();
    let minor = |version: &&[u8]| if version.ends_with(b".0") { &b"1.0"[..] } else { b"1.1" };
    let start = match (kind, &words[..]) {
        (Kind::Request, [method, target @ .., version]) => {
            [*method, target.join(&b' ').as_slice(), minor(version)].join(&b' ')
        }
        (Kind::Response(_), [version, status, ..]) => [*status, minor(version)].join(&b' '),
        _ => return Err(No::Invalid),
    };
    let (fields, end) = lenient_fields(input, at)?;
    Ok(Head { start, fields, end })
}

fn lenient_fields(input: &[u8], mut at: usize) -> Result<(Fields, usize), No> {
    let mut fields = Fields::new();
    loop {
        let (text, next) = line(input, at).ok_or(No::Incomplete)?;
        at = next;
        if text.is_empty() {
            return Ok((fields, at));
        }
        if b" \t".contains(&text[0])
            && let Some((_, value)) = fields.last_mut()
        {
            value.extend_from_slice(text);
            continue;
        }
        let colon = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
        let value = text.get(colon + 1..).unwrap_or_default();
        fields.push((text[..colon].trim_ascii().to_vec(), value.trim_ascii().to_vec()));
    }
}

/// The line that starts at `at`, and the start of the next line. A CR at the end of the input may be half of a line
/// end.
fn line(input: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = input[at..].iter().position(|byte| b"\r\n".contains(byte))?;
    let end = at + length;
    match &input[end..] {
        [b'\r'] => None,
        [b'\r', b'\n', ..] => Some((&input[at..end], end + 2)),
        _ => Some((&input[at..end], end + 1)),
    }
}

/// The number at the start of a text, after white space; saturating. `None` if there are no digits.
fn number(text: &[u8], radix: u32) -> Option<usize> {
    let digits = text.trim_ascii_start().iter().map_while(|&byte| char::from(byte).to_digit(radix));
    digits.fold(None, |sum: Option<usize>, digit| {
        let sum = sum.unwrap_or(0).saturating_mul(radix as usize);
        Some(sum.saturating_add(digit as usize))
    })
}

fn has_bare_line_feed(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|index| bytes[index] == b'\n' && (index == 0 || bytes[index - 1] != b'\r'))
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    value.to_ascii_lowercase().windows(word.len()).any(|window| window == word)
}
