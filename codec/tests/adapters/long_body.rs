//! Long bodies: their bytes, how they are framed, and how a test reads them.

use std::io::Read;
use std::net::TcpStream;
use std::sync::OnceLock;

use crate::read_until;

/// Bytes that repeat at no distance that a buffer or a pipe has.
pub fn body(length: usize) -> Vec<u8> {
    const PERIOD: usize = 100_003;
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    let byte = |place: usize| (place.wrapping_mul(2_654_435_761) >> 13) as u8;
    let mut bytes = PATTERN.get_or_init(|| (0..PERIOD).map(byte).collect()).repeat(length / PERIOD + 1);
    bytes.truncate(length);
    bytes
}

/// Asserts without printing a megabyte.
pub fn assert_same(found: &[u8], sent: &[u8]) {
    if found != sent {
        let common = found.iter().zip(sent).take_while(|(found, sent)| found == sent).count();
        panic!("{} bytes of {}, the first {common} are right", found.len(), sent.len());
    }
}

/// How a body is framed.
#[derive(Clone, Copy, Debug)]
pub enum Framed {
    Length,
    /// In one chunk.
    Chunk,
    Close,
}

impl Framed {
    /// The field that says so, and the body.
    pub fn message(self, body: &[u8]) -> Vec<u8> {
        let (field, before, after) = match self {
            Framed::Length => (format!("Content-Length: {}\r\n", body.len()), String::new(), ""),
            Framed::Chunk => {
                let field = "Transfer-Encoding: chunked\r\n".to_owned();
                (field, format!("{:x}\r\n", body.len()), "\r\n0\r\n\r\n")
            }
            Framed::Close => (String::new(), String::new(), ""),
        };
        [field.as_bytes(), b"\r\n", before.as_bytes(), body, after.as_bytes()].concat()
    }
}

/// Reads a chunked body, and returns its content.
fn read_chunked(stream: &mut TcpStream) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let size = read_until(stream, "\r\n");
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        content.extend(read_exactly(stream, size));
        assert_eq!(read_exactly(stream, 2), b"\r\n");
        if size == 0 {
            return content;
        }
    }
}

pub fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Reads the body of a message with this head.
pub fn read_body(stream: &mut TcpStream, head: &str, length: usize) -> Vec<u8> {
    match head.contains("Transfer-Encoding: chunked") {
        true => read_chunked(stream),
        false => read_exactly(stream, length),
    }
}

/// Reads to the end or to an error, and returns the number of bytes.
pub fn drain(stream: &mut TcpStream) -> usize {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes.len()
}
