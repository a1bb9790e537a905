//! Writes the lines of a head.

use bytes::{BufMut, BytesMut};

use crate::{BodyFraming, ResponseHead};

pub(crate) fn put_status_line(out: &mut BytesMut, head: &ResponseHead) {
    // RFC 9110 section 2.5: a response carries the version of its sender, not that of the client.
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(itoa::Buffer::new().format(head.status()).as_bytes());
    out.put_slice(b" ");
    out.put_slice(head.reason());
    out.put_slice(b"\r\n");
}

/// Writes a field line.
pub(crate) fn put_field(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

pub(crate) fn put_framing(out: &mut BytesMut, framing: BodyFraming) {
    match framing {
        BodyFraming::Empty | BodyFraming::CloseDelimited => {}
        BodyFraming::ContentLength(length) => put_length(out, length),
        BodyFraming::Chunked => put_field(out, b"Transfer-Encoding", b"chunked"),
    }
}

pub(crate) fn put_length(out: &mut BytesMut, length: u64) {
    out.put_slice(b"Content-Length: ");
    out.put_slice(itoa::Buffer::new().format(length).as_bytes());
    out.put_slice(b"\r\n");
}

/// RFC 9110 section 7.6.1: `Connection` lists what is meant for the next hop only. TE (section 10.1.4) and
/// Upgrade (section 7.8) are valid only if they are listed.
pub(crate) fn put_connection(out: &mut BytesMut, options: [(bool, &str); 3]) {
    let mut separator = "Connection: ";
    for (_, name) in options.iter().filter(|(is_set, _)| *is_set) {
        out.put_slice(separator.as_bytes());
        out.put_slice(name.as_bytes());
        separator = ", ";
    }
    if options.iter().any(|(is_set, _)| *is_set) {
        out.put_slice(b"\r\n");
    }
}
