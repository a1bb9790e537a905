//! What a stage says: one ready line on stdout, and in the log one line a request.

use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use codec::{Blame, Cause, Report};

use crate::stderr::FLUSH_TIMEOUT;

/// Prints the one line on stdout that says where the stage listens, and sends it off at once: the program that
/// started the stage may be waiting for it. A stdout that takes nothing holds the start for 1 s.
pub fn announce(line: &str) {
    let owned = line.to_owned();
    let (written, is_written) = channel();
    let print = move || {
        print_line(&owned);
        // The receiver may have given up.
        let _ = written.send(());
    };
    match thread::Builder::new().name("stdout".to_owned()).spawn(print) {
        Ok(thread) if is_written.recv_timeout(FLUSH_TIMEOUT).is_ok() => {
            let _ = thread.join();
        }
        Ok(_) => log::warn!("nothing reads stdout, where the line that says where it listens is to go"),
        Err(_) => print_line(line),
    }
}

fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // A closed stdout means that nobody wants to know.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Logs what became of a request, and once what helps if the backend is not there.
pub fn log_report(report: &Report) {
    static HINTED: AtomicBool = AtomicBool::new(false);

    let Some(error) = &report.error else {
        log::info!("{report}");
        return;
    };
    match (error.blame(), error.cause()) {
        // That backends are down was said when each went down, and not once for every request.
        (Blame::Client, _) | (_, Cause::Unavailable { .. }) => log::info!("{report}"),
        (Blame::Backend | Blame::Proxy, _) => log::warn!("{report}"),
    }
    let refused =
        matches!(error.cause(), Cause::Connect { error, .. } if error.kind() == ErrorKind::ConnectionRefused);
    if refused && !HINTED.swap(true, Ordering::Relaxed) {
        log::warn!("is the backend running? Start the demo backend with: cargo run -p webserver");
    }
}

/// Logs that a client connected and sent nothing.
pub fn log_silent_client(client: IpAddr) {
    log::info!("{client} sent no request");
}
