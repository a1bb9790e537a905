//! Code as HTML: escaped, Rust with its keywords, comments and strings marked, and listings with line numbers.

const KEYWORDS: &str = " as async await break const continue crate dyn else enum extern false fn for if impl in let \
    loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while ";

/// Escapes text for HTML, also for an attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Rust in three colours. More would need a compiler, which knows what a word means.
pub fn rust(code: &str) -> String {
    let mut html = String::with_capacity(code.len() * 2);
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let (length, class) = token(rest, first);
        let (text, tail) = rest.split_at(length);
        rest = tail;
        // A mark ends with its line, so that each line is valid HTML on its own.
        for line in text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            match class {
                Some(class) if !line.is_empty() => {
                    html += &format!("<span class=\"{class}\">{}</span>", escape(line));
                }
                _ => html += &escape(line),
            }
            html += end;
        }
    }
    html
}

/// The length of the token that `rest` begins with, and its mark.
fn token(rest: &str, first: char) -> (usize, Option<&'static str>) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Some("comment"));
    }
    if let Some(length) = raw_string(rest) {
        return (length, Some("string"));
    }
    if first == '"' || rest.starts_with("b\"") {
        let start = if first == '"' { 1 } else { 2 };
        return (start + quoted(&rest[start..], '"'), Some("string"));
    }
    if first == '\'' {
        // A character, unless it is a lifetime: that has no quote after its first letter.
        let mut after = rest[1..].chars();
        let is_character = matches!((after.next(), after.next()), (Some('\\'), _) | (_, Some('\'')));
        return if is_character { (1 + quoted(&rest[1..], '\''), Some("string")) } else { (1, None) };
    }
    if is_word(first) {
        let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        let is_keyword = KEYWORDS.contains(&format!(" {} ", &rest[..length]));
        return (length, is_keyword.then_some("keyword"));
    }
    (first.len_utf8(), None)
}

/// The length of the raw string that `rest` begins with.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let content = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - content.len();
    Some(content.find(&end).map_or(rest.len(), |index| start + index + end.len()))
}

/// The length up to and with the closing quote.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, character) in rest.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A complete file with line numbers that can be linked to; `prefix` distinguishes those of two files.
pub fn listing(name: &str, text: &str, prefix: &str) -> String {
    let marked = if name.ends_with(".rs") { rust(text) } else { escape(text) };
    let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table class=\"listing\">\n");
    for (index, line) in marked.lines().enumerate() {
        let (number, id) = (index + 1, format!("{prefix}L{}", index + 1));
        html += &format!(
            "<tr id=\"{id}\"><td class=\"number\"><a href=\"#{id}\">{number}</a></td><td><code>{line}</code></td></tr>\n"
        );
    }
    html + "</table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::rust;

    #[test]
    fn comments_strings_and_keywords_are_marked_line_by_line() {
        for (code, html) in [
            (
                "let a = 1; // b < c\nd",
                "<span class=\"keyword\">let</span> a = 1; <span class=\"comment\">// b &lt; c</span>\nd",
            ),
            (
                "f(\"a\\\"\nb\")",
                "f(<span class=\"string\">&quot;a\\&quot;</span>\n<span class=\"string\">b&quot;</span>)",
            ),
            (
                "&'a str, '\\'', '\"'",
                "&amp;'a str, <span class=\"string\">'\\''</span>, <span class=\"string\">'&quot;'</span>",
            ),
            ("r#\"a\"b\"# letter", "<span class=\"string\">r#&quot;a&quot;b&quot;#</span> letter"),
        ] {
            assert_eq!(rust(code), html);
        }
    }
}
