//! The promise of each stage over the previous stage, and the promise of the codec's chapter.

use conformance::{behaves, build};
use course::Diff;
use testkit::{Backend, Client};

#[test]
fn the_promise_of_a_stage_does_not_hold_on_the_stage_before() {
    // The stage's own suite tests that the promise holds on the stage itself.
    for stage in course::stages() {
        let Some(Diff { promise: Some(promise), .. }) = &stage.diff else { continue };
        let before = build(&[stage.number - 1]).unwrap().remove(0);
        assert_eq!(behaves(&before, promise), Some(false), "{} keeps {promise}", before.name);
    }
}

#[test]
fn the_codec_chapter_shows_the_forwarded_message() {
    let chapter = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/codec.md"));
    let chapter = chapter.unwrap();
    // Text blocks in which line ends are written as escapes.
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
