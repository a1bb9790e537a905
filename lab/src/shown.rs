//! Prepares a body for a terminal: lines are kept, and other control characters are made visible.

use std::mem;

use stage::printable;

/// Turns the pieces of a body into text. A character may be split between two pieces.
#[derive(Default)]
pub struct Shown {
    /// The start of an incomplete character, or an invalid byte.
    rest: Vec<u8>,
}

impl Shown {
    /// The text for the next piece.
    pub fn piece(&mut self, piece: &[u8]) -> String {
        self.rest.extend_from_slice(piece);
        let bytes = mem::take(&mut self.rest);
        let mut text = String::new();
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text += chunk.valid();
            if chunks.peek().is_some() {
                text.push(char::REPLACEMENT_CHARACTER);
            } else {
                self.rest = chunk.invalid().to_vec();
            }
        }
        lines(&text)
    }

    /// The text for the end of the body.
    pub fn end(self) -> String {
        String::from_utf8_lossy(&self.rest).into_owned()
    }
}

/// Makes text safe to print and keeps its lines and tabs.
fn lines(text: &str) -> String {
    let mut shown = String::new();
    for part in text.replace("\r\n", "\n").split_inclusive(['\n', '\t']) {
        let inner = part.trim_end_matches(['\n', '\t']);
        shown += &printable(inner).to_string();
        shown += &part[inner.len()..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8], piece_bytes: usize) -> String {
        let mut shown = Shown::default();
        let text: String = body.chunks(piece_bytes).map(|piece| shown.piece(piece)).collect();
        text + &shown.end()
    }

    #[test]
    fn text_and_line_ends_are_unchanged_and_control_characters_are_escaped() {
        let body = "a\tb\n\n\u{1b}[2J\u{9b}1m\u{202e} ä日本🦀\r".as_bytes();
        for piece_bytes in 1..=body.len() {
            let expected = "a\tb\n\n\\u{1b}[2J\\u{9b}1m\\u{202e} ä日本🦀\\r";
            assert_eq!(shown(body, piece_bytes), expected, "{piece_bytes}");
        }
        assert_eq!(shown(b"a\r\nb\r\n", 6), "a\nb\n");
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        for piece_bytes in 1..=6 {
            assert_eq!(
                shown(b"a\xffb\xc3(\xf0", piece_bytes),
                "a\u{fffd}b\u{fffd}(\u{fffd}",
                "{piece_bytes}"
            );
        }
    }
}
