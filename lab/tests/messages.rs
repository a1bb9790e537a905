//! What the commands for attendees say when something fails: each message, as the sources have it, says what to do next.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use testkit::run_to_end;

/// How a message begins that ends a command.
const STARTS: [&str; 5] = ["bail!(", "anyhow!(", "Failure::Usage(", "Failure::Environment(", "usage("];
/// What each of them has one of: the next command, or where it stands.
const NEXT: [&str; 5] = ["Try: ", "Try one of: ", "cargo lab ", "cargo maintain ", "above"];
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
    sources(&folder, &mut files);
    sources(&folder.join("../../tools/maintain/src"), &mut files);
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

/// Each number and address of the command line beyond its ends, and what is said of it.
#[test]
fn what_a_flag_cannot_be_ends_with_exit_code_2_and_what_it_can_be() {
    const BEYOND: [&str; 4] = ["", "x", "18446744073709551615", "18446744073709551616"];
    const STAGES: &str = "from 0 to 99";
    const DELAY: &str = "from 0 to 5000";
    let bench = |flag: &str| vec!["bench".to_owned(), "1".to_owned(), flag.to_owned()];
    let mut cases: Vec<(Vec<String>, &str)> = Vec::new();
    for (flag, first_beyond, range) in [
        ("--clients", "513", "from 1 to 512"),
        ("--requests", "10000001", "from 1 to 10000000"),
        ("--rounds", "100", "from 1 to 99"),
        ("--open", "0.09", "from 0.1 to 1000000"),
        ("--delay", "5001", DELAY),
        ("--accept-delay", "5001", DELAY),
        ("--stall", "5001", DELAY),
        ("--stall-every", "0", "from 1 to 10000000"),
    ] {
        let values = BEYOND.into_iter().chain([first_beyond]);
        cases.extend(values.map(|value| (bench(&format!("{flag}={value}")), range)));
    }
    let mut add = |arguments: &[&str], words| {
        cases.push((arguments.iter().map(|argument| (*argument).to_owned()).collect(), words));
    };
    for value in BEYOND.into_iter().chain(["100"]) {
        for command in ["start", "demo"] {
            add(&[command, value], STAGES);
        }
    }
    for value in BEYOND.into_iter().chain(["0", "4"]) {
        add(&["hint", "2.1", "--level", value], "from 1 to 3");
    }
    for number in ["0", "99", "18446744073709551616"] {
        add(&["check", number], "Try: cargo lab list");
        add(&["hint", number], "Try: cargo lab list");
        add(&["bench", number], "Try: cargo lab bench 1 2");
        add(&["diff", "1", number], "Try: cargo lab diff 1 2");
    }
    for number in ["0", "99"] {
        add(&["start", number], "Try: cargo lab list");
        add(&["demo", number], "Try: cargo lab demo ");
    }
    for command in ["proxy", "proxy {listen}", "", "'proxy {listen} {backend}", "\"proxy {listen} {backend}"]
    {
        add(&["check", "1", "--cmd", command], "Try: --cmd 'proxy {listen} {backend}'");
    }
    for (arguments, words) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let finished = run_to_end(env!("CARGO_BIN_EXE_lab"), &arguments).unwrap();
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {words:?} is not in: {}", finished.stderr);
    }
}
