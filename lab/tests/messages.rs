//! What the commands for attendees say when something fails: each message, as the sources have it, says what to do next.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// How a message begins that ends a command.
const STARTS: [&str; 5] = ["bail!(", "anyhow!(", "Failure::Usage(", "Failure::Environment(", "usage("];
/// What each of them has one of: the next command, or where it stands.
const NEXT: [&str; 4] = ["Try: ", "Try one of: ", "cargo lab ", "above"];
/// A message that only adds where it was to another one.
const ADDED: [&str; 3] = ["docs/src/{name}: {error}", "task {}: {error}", "cannot catch Ctrl-C: {error}"];

/// The first string literal in Rust code, its escapes resolved as far as they are used for breaking lines.
fn literal(code: &str) -> Option<String> {
    let inside = code.split_once('"')?.1;
    let mut text = String::new();
    let mut characters = inside.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            '\\' => text.extend(characters.next().filter(|escaped| *escaped != '\n')),
            character => text.push(character),
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
    }
}

#[test]
fn every_message_that_ends_a_command_says_what_to_do_next() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for part in ["attendee", "bench"] {
        sources(&folder.join(part), &mut files);
    }
    for name in ["demo.rs", "diff.rs", "get.rs", "stop.rs"] {
        files.push((name.to_owned(), fs::read_to_string(folder.join(name)).unwrap()));
    }
    let mut count = 0;
    for (file, text) in files {
        for start in STARTS {
            for (place, _) in text.match_indices(start) {
                let code = &text[place..];
                // A call, or a pattern, without a message of its own.
                let argument = code[start.len()..].trim_start();
                let is_message = argument.starts_with('"') || argument.starts_with("format!(");
                let Some(message) = literal(code).filter(|_| is_message) else {
                    continue;
                };
                count += 1;
                let is_said = NEXT.iter().any(|next| message.contains(next)) || ADDED.contains(&&*message);
                assert!(is_said, "{file} does not say what to do next: {message}");
            }
        }
    }
    assert!(count >= 30, "only {count} messages were read");
}
