//! Text from the network, shown to people: characters that a terminal would act on are escaped.

use std::fmt::{self, Write};

/// Text in which every control, format and separator character except a space is escaped, such as ESC as `\u{1b}`.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(&'a str);

/// Makes text from outside safe to show on a terminal or in a log. The result is one line.
pub fn printable(text: &str) -> Printable<'_> {
    Printable(text)
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return f.write_str(self.0);
        }
        // The standard library also escapes these three, but no terminal acts on them.
        for part in self.0.split_inclusive(['"', '\'', '\\']) {
            let (text, mark) = match part.char_indices().next_back() {
                Some((place, mark @ ('"' | '\'' | '\\'))) => (&part[..place], Some(mark)),
                _ => (part, None),
            };
            write!(f, "{}", text.escape_debug())?;
            mark.map_or(Ok(()), |mark| f.write_char(mark))?;
        }
        Ok(())
    }
}
