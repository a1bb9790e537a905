//! What each stage promises over the stage before, and what the codec's chapter promises.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

use conformance::{behaves, build};
use course::Diff;
use testkit::{Backend, Client};

#[test]
fn the_promise_of_a_stage_does_not_hold_on_the_stage_before() {
    // That it holds on the stage itself is a test of its own suite.
    for stage in course::stages() {
        let Some(Diff { promise: Some(promise), .. }) = &stage.diff else { continue };
        let before = build(&[stage.number - 1]).unwrap().remove(0);
        assert_eq!(behaves(&before, promise), Some(false), "{} keeps {promise}", before.name);
    }
}

#[test]
fn the_message_of_the_codec_chapter_leaves_as_the_chapter_says() {
    let chapter = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/codec.md"));
    let chapter = chapter.unwrap();
    // Blocks of lines in which line ends are written out.
    let mut messages = chapter.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut next = || messages.next().unwrap().replace('\n', "").replace("\\r", "\r").replace("\\n", "\n");
    let (sent, left) = (next(), next());

    let backend = Backend::good("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    let stage = build(&[2]).unwrap().remove(0);
    let proxy = stage.start(backend.address(), &[]).unwrap();
    let response = Client::connect(proxy.address()).unwrap().exchange(sent).unwrap();
    assert_eq!(response.text(), "hello");
    assert_eq!(String::from_utf8(backend.bytes()).unwrap(), left);
}
