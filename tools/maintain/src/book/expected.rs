//! Compares the output that the book shows for a command with its actual output.
//!
//! A line `...` matches any lines, `[..]` matches any text within a line. Times differ between runs and need
//! no mark: `12 ms`, `3.1ms`, `1.9 s`, `12:04:31`. Cargo's build messages are ignored.

const ANY_LINES: &str = "...";
const ANY_TEXT: &str = "[..]";

/// The first line that differs, in words; `None` if all lines match. A program that keeps running may print
/// more afterwards.
pub fn difference(expected: &[String], printed: &str, goes_on: bool) -> Option<String> {
    let printed: Vec<&str> = printed.lines().filter(|line| !is_of_cargo(line)).collect();
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    if goes_on {
        expected.push(ANY_LINES);
    }
    if lines_match(&expected, &printed) {
        return None;
    }
    // The longest prefix that still matches shows where the difference is.
    let right = (0..=expected.len()).rev().find(|&count| {
        let beginning = [&expected[..count], &[ANY_LINES]].concat();
        lines_match(&beginning, &printed)
    });
    let wrong = expected.get(right.unwrap_or_default());
    Some(match wrong {
        Some(line) => format!("expected, and not printed: {line}"),
        None => "it printed more than is expected".to_owned(),
    })
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, _) => printed.is_empty(),
        (Some((&ANY_LINES, expected)), _) => {
            (0..=printed.len()).any(|skipped| lines_match(expected, &printed[skipped..]))
        }
        (Some((line, expected)), Some((other, printed))) => {
            line_matches(line, other) && lines_match(expected, printed)
        }
        (Some(_), None) => false,
    }
}

fn line_matches(expected: &str, printed: &str) -> bool {
    let (expected, printed) = (without_times(expected), without_times(printed));
    let Some((first, after_first)) = expected.split_once(ANY_TEXT) else {
        return expected == printed;
    };
    let (between, last) = after_first.rsplit_once(ANY_TEXT).unwrap_or(("", after_first));
    let inside = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let Some(mut rest) = inside else {
        return false;
    };
    for part in between.split(ANY_TEXT) {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// The words of a line, with each time replaced by the same word.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut shown: Vec<&str> = Vec::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_end_matches([',', '.', ')', ';', ':']);
        let unit = ["ms", "us", "s"].into_iter().find(|unit| bare.strip_suffix(unit).is_some_and(is_number));
        let is_clock = bare.len() == 8 && bare.split(':').count() == 3 && bare.split(':').all(is_number);
        let is_amount = is_number(bare)
            && words.next_if(|next| ["ms", "us", "s"].contains(&next.trim_end_matches([',', '.']))).is_some();
        shown.push(if unit.is_some() || is_clock || is_amount { "TIME" } else { word });
    }
    shown.join(" ")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether cargo printed the line: its verb ends in the twelfth column, as in `   Compiling part1 v0.1.0`.
fn is_of_cargo(line: &str) -> bool {
    let Some((verb, rest)) = line.split_at_checked(12) else {
        return false;
    };
    let word = verb.trim_start();
    verb.starts_with(' ')
        && rest.starts_with(' ')
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}
