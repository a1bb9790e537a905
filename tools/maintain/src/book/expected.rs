//! Compares the output that the book shows for a command with its actual output.
//!
//! A line `...` matches any lines, `[..]` matches any text within a line. Times differ between runs and need
//! no mark: `12 ms`, `3.1ms`, `1.9 s`, `12:04:31`. Cargo's build messages are ignored.

use snapbox::IntoData;
use snapbox::filter::NormalizeToExpected;

const ANY_LINES: &str = "...";

/// The first line that differs, in words; `None` if all lines match. A program that keeps running may print
/// more afterwards.
pub fn difference(expected: &[String], printed: &str, goes_on: bool) -> Option<String> {
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    if goes_on {
        expected.push(ANY_LINES);
    }
    let text = |lines: &[&str]| lines.iter().map(|line| without_times(line) + "\n").collect::<String>();
    let wanted = text(&expected);
    let printed: Vec<&str> = printed.lines().filter(|line| !is_of_cargo(line)).collect();
    // What matches is replaced by what is expected.
    let matcher = NormalizeToExpected::new().redact();
    let matched = matcher.normalize(text(&printed).into_data(), &wanted.clone().into_data()).to_string();
    if matched == wanted {
        return None;
    }
    let right = wanted.lines().zip(matched.lines()).take_while(|(wanted, matched)| wanted == matched).count();
    Some(match expected[right..].iter().find(|line| **line != ANY_LINES) {
        Some(line) => format!("expected, and not printed: {line}"),
        None => "it printed more than is expected".to_owned(),
    })
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
