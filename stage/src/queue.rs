//! A bounded queue of messages that one thread writes, so that their senders do not wait.
//!
//! Invariant: no lock is held during a write.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most bytes that are queued. A message that does not fit is dropped and counted.
pub(crate) const MAX_QUEUED_BYTES: usize = 1024 * 1024;
/// The most bytes of one write.
const MAX_PIECE_BYTES: usize = 64 * 1024;
/// How long messages are collected before they are written together: waking the writer for each message costs
/// more than writing it.
const COLLECTING_TIME: Duration = Duration::from_millis(1);
/// The pause before a retry if a write would block: another program has made the terminal non-blocking.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(10);

/// Messages in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// A message was queued or dropped.
    changed: Condvar,
    /// All queued messages are written.
    emptied: Condvar,
}

#[derive(Debug)]
struct State {
    bytes: VecDeque<u8>,
    /// The number of messages that were dropped since the last notice.
    dropped: u64,
    /// The writer waits for `changed`. A notification is a system call, and is needed only in this case.
    is_writer_waiting: bool,
    /// A piece was taken out and is not written yet.
    is_writing: bool,
    /// A thread waits for `emptied`.
    is_flushing: bool,
}

impl Queue {
    pub(crate) const fn new() -> Queue {
        let state = State {
            bytes: VecDeque::new(),
            dropped: 0,
            is_writer_waiting: false,
            is_writing: false,
            is_flushing: false,
        };
        Queue { state: Mutex::new(state), changed: Condvar::new(), emptied: Condvar::new() }
    }

    /// Queues a message as a whole, or counts it as dropped. Never waits for the output.
    pub(crate) fn push(&self, message: &[u8]) {
        let mut state = self.lock();
        if state.bytes.len() + message.len() <= MAX_QUEUED_BYTES {
            state.bytes.extend(message);
        } else {
            state.dropped += 1;
        }
        if mem::take(&mut state.is_writer_waiting) {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Waits until all queued messages are written, for `time` at most. If the writer has not begun by then, because
    /// the machine is busy, it gets ten times as long.
    pub(crate) fn flush(&self, time: Duration) {
        let mut state = self.lock();
        state.is_flushing = true;
        self.changed.notify_one();
        let is_unwritten =
            |state: &mut State| state.is_writing || !state.bytes.is_empty() || state.dropped > 0;
        let waited = self.emptied.wait_timeout_while(state, time, is_unwritten);
        let (state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() && !state.is_writing {
            let _ = self.emptied.wait_timeout_while(state, 9 * time, is_unwritten);
        }
    }

    /// Writes the queued messages until the process ends. If the output fails, such as a pipe without a
    /// reader, the messages of that write are lost.
    pub(crate) fn write_to(&self, mut output: impl Write) -> ! {
        let mut piece = Vec::new();
        loop {
            self.take(&mut piece);
            let mut rest = &piece[..];
            while !rest.is_empty() {
                match output.write(rest) {
                    Ok(written @ 1..) => rest = &rest[written..],
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(WOULD_BLOCK_PAUSE),
                    Ok(0) | Err(_) => break,
                }
            }
        }
    }

    /// Waits for something to write and moves it to `piece`.
    fn take(&self, piece: &mut Vec<u8>) {
        piece.clear();
        let mut state = self.lock();
        state.is_writing = false;
        while state.bytes.is_empty() && state.dropped == 0 {
            if mem::take(&mut state.is_flushing) {
                self.emptied.notify_all();
            }
            state.is_writer_waiting = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        let is_collecting = |state: &mut State| !state.is_flushing && state.bytes.len() < MAX_PIECE_BYTES;
        let waited = self.changed.wait_timeout_while(state, COLLECTING_TIME, is_collecting);
        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let length = state.bytes.len().min(MAX_PIECE_BYTES);
        piece.extend(state.bytes.drain(..length));
        // The dropped messages came after all queued ones, and there is room for the notice now.
        let dropped = mem::take(&mut state.dropped);
        if dropped > 0 {
            let lines = if dropped == 1 { "line was" } else { "lines were" };
            let notice = format!("[WARN ] {dropped} {lines} dropped from the log: not read in time\n");
            state.bytes.extend(notice.as_bytes());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// More than any of these tests takes.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// The time of a flush that cannot succeed.
    const SHORT: Duration = Duration::from_millis(20);

    /// An output that first fails in these ways, and then forwards what is written to it.
    struct Output {
        pieces: Sender<Vec<u8>>,
        failures: Vec<ErrorKind>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(failure) = self.failures.pop() {
                return Err(failure.into());
            }
            // A pipe may accept only a part.
            let taken = bytes.len().min(1000);
            self.pieces.send(bytes[..taken].to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> &'static Queue {
        Box::leak(Box::new(Queue::new()))
    }

    fn write(queue: &'static Queue, failures: &[ErrorKind]) -> Receiver<Vec<u8>> {
        let (pieces, written) = channel();
        let output = Output { pieces, failures: failures.to_vec() };
        thread::spawn(move || queue.write_to(output));
        written
    }

    fn text(written: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(written.try_iter().flatten().collect()).expect("whole messages")
    }

    #[test]
    fn messages_are_written_in_their_order_before_a_flush_returns() {
        let queue = queue();
        let written = write(queue, &[]);
        for number in 0..3 {
            queue.push(format!("{number}\n").as_bytes());
            queue.flush(PATIENCE);
            assert_eq!(text(&written), format!("{number}\n"));
        }
    }

    #[test]
    fn a_flush_waits_longer_for_a_writer_that_has_not_begun() {
        let queue = queue();
        queue.push(b"late\n");
        let (begin, begun) = channel();
        let (pieces, written) = channel();
        thread::spawn(move || {
            begun.recv().expect("a flush that is over its time");
            queue.write_to(Output { pieces, failures: Vec::new() })
        });
        // If this is early on a busy machine, the flush has less to wait for.
        thread::spawn(move || {
            thread::sleep(2 * SHORT);
            begin.send(())
        });
        queue.flush(SHORT);
        assert_eq!(text(&written), "late\n");
    }

    #[test]
    fn a_message_that_does_not_fit_is_dropped_and_counted_in_its_place() {
        let queue = queue();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..MAX_QUEUED_BYTES / 1024 + 3 {
            queue.push(line.as_bytes());
        }
        // No thread writes yet.
        queue.flush(SHORT);
        let written = write(queue, &[]);
        queue.flush(PATIENCE);
        queue.push(b"later\n");
        queue.flush(PATIENCE);
        let expected = line.repeat(MAX_QUEUED_BYTES / 1024)
            + "[WARN ] 3 lines were dropped from the log: not read in time\nlater\n";
        assert!(text(&written) == expected);
    }

    #[test]
    fn a_message_larger_than_the_queue_is_counted_at_once() {
        let queue = queue();
        let written = write(queue, &[]);
        queue.push(&[b'x'; MAX_QUEUED_BYTES + 1]);
        queue.flush(PATIENCE);
        assert_eq!(text(&written), "[WARN ] 1 line was dropped from the log: not read in time\n");
    }

    #[test]
    fn a_write_that_would_block_is_retried_and_a_failed_write_loses_its_message() {
        let queue = queue();
        let written = write(queue, &[ErrorKind::BrokenPipe, ErrorKind::WouldBlock, ErrorKind::Interrupted]);
        queue.push(b"lost\n");
        queue.flush(PATIENCE);
        queue.push(b"written\n");
        queue.flush(PATIENCE);
        assert_eq!(text(&written), "written\n");
    }
}
