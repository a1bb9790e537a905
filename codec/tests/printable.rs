//! Text from the network that is shown on a terminal.

use std::time::Duration;

use codec::{Report, printable};

fn shown(text: &str) -> String {
    printable(text).to_string()
}

#[test]
fn control_and_invisible_characters_are_escaped() {
    for (text, expected) in [
        ("\u{1b}[2J", r"\u{1b}[2J"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\0"),
        ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
        ("/\u{202e}gpj.exe\u{2066}", r"/\u{202e}gpj.exe\u{2066}"),
        ("\u{2028}\u{2029}\u{200b}\u{feff}\u{ad}", r"\u{2028}\u{2029}\u{200b}\u{feff}\u{ad}"),
    ] {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn every_control_format_and_separator_character_is_escaped() {
    // Unicode 16: the categories Cc, Cf, Zl and Zp.
    let ranges = [
        0x00..=0x1f,
        0x7f..=0x9f,
        0xad..=0xad,
        0x600..=0x605,
        0x61c..=0x61c,
        0x6dd..=0x6dd,
        0x70f..=0x70f,
        0x890..=0x891,
        0x8e2..=0x8e2,
        0x180e..=0x180e,
        0x200b..=0x200f,
        0x2028..=0x202e,
        0x2060..=0x2064,
        0x2066..=0x206f,
        0xfeff..=0xfeff,
        0xfff9..=0xfffb,
        0x110bd..=0x110bd,
        0x110cd..=0x110cd,
        0x13430..=0x1343f,
        0x1bca0..=0x1bca3,
        0x1d173..=0x1d17a,
        0xe0001..=0xe0001,
        0xe0020..=0xe007f,
    ];
    for number in ranges.into_iter().flatten() {
        let character = char::from_u32(number).expect("no surrogate is among them");
        let text = shown(&format!("a{character}"));
        assert!(text.starts_with("a\\") && !text.contains(character), "{number:x}: {text}");
    }
}

#[test]
fn printable_text_is_unchanged() {
    for text in ["", "/a?b=\"c\"&d='e'\\", "GET /ä/日本語/नमस्ते 🦀", "e\u{301}", "it's \u{201c}so\u{201d}"]
    {
        assert_eq!(shown(text), text);
    }
    assert_eq!(shown("\"\u{1b}'\u{1b}\\\u{1b}"), r#""\u{1b}'\u{1b}\\u{1b}"#);
}

#[test]
fn control_characters_are_escaped_in_log_lines() {
    let request = "GET /\u{1b}[2J\n".to_owned();
    let report = Report {
        request,
        status: Some(200),
        body_bytes: 5,
        first_byte: None,
        elapsed: Duration::ZERO,
        error: None,
    };
    assert_eq!(report.to_string(), r"GET /\u{1b}[2J\n 200 5B 0.0ms");
}
