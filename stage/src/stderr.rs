//! All output on stderr: the log, panics, the reason for an exit. Its senders do not wait for a reader.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anstream::AutoStream;
use env_logger::{DEFAULT_WRITE_STYLE_ENV, Target, WriteStyle};

use crate::Failure;
use crate::queue::Queue;

/// How long a program that exits waits until its output is written.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a task that has panicked waits until its message is written, before its connection is closed.
const TASK_FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

static QUEUE: Queue = Queue::new();

/// Writes the log to stderr.
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        print(bytes);
        Ok(bytes.len())
    }

    /// Does nothing: queued output is written later, and only the end of the program waits for it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log on stderr. `RUST_LOG` takes precedence over `level`, the value of `--log`.
///
/// # Errors
/// [`Failure::usage`] if `level` is not a log level.
pub fn start_log(level: &str) -> Result<(), Failure> {
    let level: log::LevelFilter = level.parse().map_err(|_| {
        Failure::usage(
            format!("--log {level}: it is not a level"),
            "one of off, error, warn, info, debug, trace",
        )
    })?;
    report_panics();
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level).parse_default_env().format_target(false);
    builder.write_style(write_style()).target(Target::Pipe(Box::new(Stderr)));
    // A second call, as in a test, leaves the first log in place.
    let _ = builder.try_init();
    Ok(())
}

/// Whether the log is coloured, as env_logger decides for a log that goes to stderr directly.
fn write_style() -> WriteStyle {
    match std::env::var(DEFAULT_WRITE_STYLE_ENV).as_deref() {
        Ok("always") => WriteStyle::Always,
        Ok("never") => WriteStyle::Never,
        _ => AutoStream::choice(&io::stderr()).into(),
    }
}

/// Prints a message, which ends with a line feed. The first message starts the writer thread. A second thread
/// makes system calls and allocations of the first one more expensive, so a program without output has none.
pub(crate) fn print(message: &[u8]) {
    static HAS_WRITER: OnceLock<bool> = OnceLock::new();
    let has_writer = HAS_WRITER.get_or_init(|| {
        // Messages are coloured, or not, before they are queued. On Windows this makes the terminal show colours.
        let write = || QUEUE.write_to(AutoStream::always_ansi(io::stderr()));
        thread::Builder::new().name("stderr".to_owned()).spawn(write).is_ok()
    });
    match has_writer {
        true => QUEUE.push(message),
        // Without a writer thread, the caller writes the message itself, which may wait.
        false => drop(io::stderr().write_all(message)),
    }
}

/// Waits until all output is written, for [`FLUSH_TIMEOUT`] at most. Call it before the program ends.
pub(crate) fn flush() {
    QUEUE.flush(FLUSH_TIMEOUT);
}

/// Reports panics as the standard library does, but waits for a reader of stderr only as long as the end of
/// the program does; in a task of a runtime, which continues, for 100 ms.
pub fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let name = thread.name().unwrap_or("<unnamed>");
        let backtrace = Backtrace::capture();
        let more = match backtrace.status() {
            BacktraceStatus::Captured => backtrace.to_string(),
            _ => "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n".to_owned(),
        };
        print(format!("\nthread '{name}' {panic}\n{more}").as_bytes());
        // A program may be killed as soon as its client sees the connection end.
        QUEUE.flush(if is_task() { TASK_FLUSH_TIMEOUT } else { FLUSH_TIMEOUT });
    }));
}

/// Whether the current code runs in a task of a runtime, which continues after the task has panicked.
fn is_task() -> bool {
    #[cfg(feature = "tokio")]
    return ::tokio::task::try_id().is_some();
    #[cfg(not(feature = "tokio"))]
    false
}
