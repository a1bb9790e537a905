//! The head of a message, parsed strictly.

use std::io;

use crate::fault::invalid;
use crate::wire::Framing;

/// The head of a message, or its trailer section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The first line, without its line end; empty for a trailer section.
    pub start_line: String,
    /// Names as received, values without surrounding white space.
    pub fields: Vec<(String, String)>,
    /// All its bytes, including the empty line.
    pub raw: Vec<u8>,
}

impl Head {
    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The values of all fields of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    /// How `Content-Length` and `Transfer-Encoding` delimit a body; `None` if neither is present.
    ///
    /// # Errors
    /// Both are present, one is present twice, or a value is not exactly a number or `chunked`.
    pub fn framing(&self) -> io::Result<Option<Framing>> {
        match (&self.all("content-length")[..], &self.all("transfer-encoding")[..]) {
            ([], []) => Ok(None),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
            ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                let length = length.parse().map_err(|_| invalid("content-length", &self.raw))?;
                Ok(Some(Framing::ContentLength(length)))
            }
            _ => Err(invalid("framing", &self.raw)),
        }
    }

    /// Parses lines that each end with CR LF. The last line is empty.
    pub(crate) fn parse(raw: Vec<u8>, has_start_line: bool) -> io::Result<Head> {
        let mut head = Head::default();
        let text = String::from_utf8_lossy(&raw).into_owned();
        for (index, line) in text.trim_end_matches("\r\n").split("\r\n").enumerate() {
            if line.bytes().any(|byte| byte != b'\t' && (byte < b' ' || byte == 0x7f)) {
                return Err(invalid("control character in a head", &raw));
            }
            if index == 0 && has_start_line {
                head.start_line = line.to_owned();
            } else if !line.is_empty() {
                let is_name_byte =
                    |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
                match line.split_once(':') {
                    Some((name, value)) if !name.is_empty() && name.bytes().all(is_name_byte) => {
                        head.fields.push((name.to_owned(), value.trim().to_owned()));
                    }
                    _ => return Err(invalid("field line", &raw)),
                }
            }
        }
        head.raw = raw;
        Ok(head)
    }
}
