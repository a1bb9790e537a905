//! Text for a terminal.

/// Prints a line on stdout. A closed stdout is ignored.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// The maximum width of a line.
const COLUMNS: usize = 80;

/// A number and its noun, which is in the plural unless the number is 1.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Wraps text into lines that start with `indent`. Lines of code (four leading spaces) stay unchanged.
pub fn wrap(text: &str, indent: &str) -> String {
    let mut wrapped = String::new();
    for paragraph in text.lines() {
        if paragraph.starts_with("    ") {
            wrapped.push_str(&format!("{indent}{paragraph}\n"));
            continue;
        }
        let mut line = indent.to_owned();
        for word in paragraph.split_whitespace() {
            let has_words = line.len() > indent.len();
            if has_words && line.chars().count() + 1 + word.chars().count() > COLUMNS {
                wrapped.push_str(&line);
                wrapped.push('\n');
                line = indent.to_owned();
            } else if has_words {
                line.push(' ');
            }
            line.push_str(word);
        }
        wrapped.push_str(line.trim_end());
        wrapped.push('\n');
    }
    wrapped
}
