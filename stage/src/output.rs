//! What a stage says: one ready line on stdout, and on stderr one line a request.

use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use codec::{Blame, Cause, Report};

/// Prints the one line on stdout that says where the stage listens, and sends it off at once: who started the
/// stage may be waiting for it.
pub fn announce(line: &str) {
    // A closed stdout means that nobody wants to know.
    let mut stdout = std::io::stdout().lock();
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
