//! Large answers: what a runtime does while one is made, which callers share one, and how much memory they use.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use stage::answers::{Answers, Body, Encoded};
use tokio::runtime::Builder;
use tokio::spawn;
use tokio::sync::oneshot;

/// How long a test waits for something before it fails.
const PATIENCE: Duration = Duration::from_secs(10);
const MIB: usize = 1024 * 1024;

/// Runs on a runtime with one thread, where tasks run in the order in which they are spawned.
fn run(test: impl Future<Output = ()>) {
    Builder::new_current_thread().build().unwrap().block_on(test);
}

/// A function that writes an answer.
type Writing = dyn FnOnce(&mut Encoded) -> io::Result<()> + Send;

/// Writes an answer after a signal.
fn write_after(signal: Receiver<()>) -> impl FnOnce(&mut Encoded) -> io::Result<()> {
    move |answer| {
        signal.recv_timeout(PATIENCE).map_err(io::Error::other)?;
        answer.write_all(b"answer")
    }
}

fn length(encoded: &Arc<Encoded>) -> u64 {
    let mut body = Body::default();
    body.push_text("<");
    body.push_encoded(Arc::clone(encoded));
    body.push_text(">");
    body.length() - 2
}

#[test]
fn the_runtime_runs_other_tasks_while_an_answer_is_made() {
    let (sender, signal): (Sender<()>, _) = channel();
    run(async {
        let answers = Arc::new(Answers::default());
        let asking = spawn(async move { answers.get("a", write_after(signal)).await });
        spawn(async move { sender.send(()).unwrap() }).await.unwrap();
        assert_eq!(length(&asking.await.unwrap().unwrap()), 6);
    });
}

#[test]
fn callers_that_wait_at_the_same_time_share_an_answer_made_after_they_asked() {
    let (sender, signal) = channel();
    let (begin, begun) = oneshot::channel();
    run(async {
        let answers = Arc::new(Answers::default());
        let made = Arc::new(AtomicUsize::new(0));
        let ask = |write: Box<Writing>| {
            let (answers, made) = (Arc::clone(&answers), Arc::clone(&made));
            let count = move |answer: &mut Encoded| {
                made.fetch_add(1, Ordering::Relaxed);
                write(answer)
            };
            spawn(async move { answers.get("a", count).await.unwrap() })
        };
        let first = ask(Box::new(move |answer| {
            begin.send(()).unwrap();
            write_after(signal)(answer)
        }));
        begun.await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..10 {
            waiting.push(ask(Box::new(|answer| answer.write_all(b"later answer"))));
        }
        spawn(async move { sender.send(()).unwrap() }).await.unwrap();
        assert_eq!(length(&first.await.unwrap()), 6);
        let mut shared = Vec::new();
        for waiting in waiting {
            shared.push(waiting.await.unwrap());
        }
        assert!(shared.iter().all(|answer| length(answer) == 12 && Arc::ptr_eq(answer, &shared[0])));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        // The shared answer is still held, and it is older than this question.
        let newest = ask(Box::new(|answer| answer.write_all(b"!"))).await.unwrap();
        assert_eq!(length(&newest), 1);
    });
}

#[test]
fn all_answers_together_use_at_most_64_mib() {
    run(async {
        let answers = Answers::default();
        let get = |mib: usize| answers.get("a", move |answer| answer.write_all(&vec![b'x'; mib * MIB]));
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(get(10).await.unwrap());
        }
        let error = get(10).await.unwrap_err();
        assert!(error.to_string().contains("may use 64 MiB"), "{error}");
        // The permits of its written part are free again.
        held.push(get(4).await.unwrap());
        assert!(get(1).await.is_err());
        held.remove(0);
        assert_eq!(length(&get(10).await.unwrap()), 10 * MIB as u64);
    });
}
