//! The listener over `std::net`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use codec::Limits;
use codec::blocking::ClientConnection;

use crate::accept::{Backoff, bind_failure};
use crate::flags::resolve_listen;
use crate::stderr;

/// Accepts clients until the process is asked to stop.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    backoff: Backoff,
}

impl Listener {
    /// Listens at `listen`, the value of a `--listen` flag, and catches Ctrl-C and SIGTERM.
    ///
    /// # Errors
    /// [`Failure`](crate::Failure) if the address cannot be used. It names the flag that helps.
    pub fn bind(listen: &str) -> anyhow::Result<Listener> {
        let wanted = resolve_listen("--listen", listen)?;
        let listener = TcpListener::bind(wanted).map_err(|error| bind_failure("--listen", wanted, &error))?;
        let address = listener.local_addr().context("cannot determine the address of the listener")?;
        let stopping = Arc::new(AtomicBool::new(false));
        stop_on_signal(Arc::clone(&stopping), address)?;
        Ok(Listener { listener, address, stopping, backoff: Backoff::default() })
    }

    /// The URL that clients connect to, for people: `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the next client, or `None` once the process was asked to stop. Logs failures, and retries.
    pub fn accept(&mut self) -> Option<ClientConnection> {
        loop {
            let accepted = self.listener.accept();
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            match accepted {
                Ok((stream, _)) => {
                    self.backoff.succeeded();
                    return Some(ClientConnection::new(stream, &Limits::SERIAL));
                }
                Err(error) => {
                    if let Some(wait) = self.backoff.failed(&error) {
                        thread::sleep(wait);
                    }
                }
            }
        }
    }
}

/// The first signal ends the accept loop after the current client, the second ends the process.
fn stop_on_signal(stopping: Arc<AtomicBool>, address: SocketAddr) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if stopping.swap(true, Ordering::Relaxed) {
            stderr::flush();
            process::exit(1);
        }
        // A connection wakes a blocked `accept`. If none can be made, `accept` returns an error.
        let _ = TcpStream::connect_timeout(&reachable(address), Duration::from_secs(1));
    })
    .context("cannot catch Ctrl-C")
}

/// An address at which a listener at `address` can be reached from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, address.port()).into()
}
