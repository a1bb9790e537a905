//! The output of a stage: one ready line on stdout, and one log line per request.

use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use codec::{Blame, Cause, Report};

use crate::stderr::FLUSH_TIMEOUT;

/// Prints the line on stdout that says where the stage listens, and flushes it at once: the program that
/// started the stage may be waiting for it. If stdout accepts nothing, the start is delayed by 1 s.
pub fn announce(line: &str) {
    let owned = line.to_owned();
    let (written, is_written) = channel();
    let print = move || {
        print_line(&owned);
        // The receiver may have timed out.
        let _ = written.send(());
    };
    match thread::Builder::new().name("stdout".to_owned()).spawn(print) {
        Ok(thread) if is_written.recv_timeout(FLUSH_TIMEOUT).is_ok() => {
            let _ = thread.join();
        }
        Ok(_) => log::warn!("stdout is not read, so the ready line with the address was not printed"),
        Err(_) => print_line(line),
    }
}

fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // If stdout is closed, no program reads the line.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Logs the outcome of a request, and once a hint if the backend is not running.
pub fn log_report(report: &Report) {
    static HINTED: AtomicBool = AtomicBool::new(false);

    let Some(error) = &report.error else {
        log::info!("{report}");
        return;
    };
    match (error.blame(), error.cause()) {
        // The log already reported each backend that went down, so it is not repeated for every request.
        (Blame::Client, _) | (_, Cause::Unavailable { .. } | Cause::Overloaded { .. }) => {
            log::info!("{report}")
        }
        (Blame::Backend | Blame::Proxy, _) => log::warn!("{report}"),
    }
    let refused =
        matches!(error.cause(), Cause::Connect { error, .. } if error.kind() == ErrorKind::ConnectionRefused);
    if refused && !HINTED.swap(true, Ordering::Relaxed) {
        log::warn!("is the backend running? Start the demo backend with: cargo run -p webserver");
    }
}

/// Logs the outcome of a call to an administration port. A success is logged for debugging only: a page that is open asks
/// twice a second, and its lines would hide all others.
pub fn log_call(report: &Report) {
    match report.error {
        None => log::debug!("{report}"),
        Some(_) => log_report(report),
    }
}

/// Logs that a client connected and sent nothing.
pub fn log_silent_client(client: IpAddr) {
    log::info!("{client} sent no request");
}
