//! A gentle load for `cargo lab demo --clients N`, so that `/live` has something to show: a few clients that send
//! requests slow enough to be seen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use testkit::Client;

/// The most clients: a serial proxy makes the last one wait for all others.
pub const MAX_CLIENTS: u64 = 32;

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(300);
/// Between the two parts of an upload.
const UPLOAD_PAUSE: Duration = Duration::from_millis(800);
/// Between the first requests of two clients.
const OFFSET: Duration = Duration::from_millis(130);
/// Longer than the last of [`MAX_CLIENTS`] waits in the queue of a serial proxy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Each client sends them in turn, and starts with another than the client before.
const REQUESTS: [Request; 4] = [
    Request::Get("/delay/700"),
    Request::Get("/delay/1000"),
    Request::Upload { path: "/echo", parts: ["half and ", "half"] },
    Request::Get("/delay/1300"),
];

#[derive(Clone, Copy)]
enum Request {
    Get(&'static str),
    /// A POST whose second part follows after a pause.
    Upload {
        path: &'static str,
        parts: [&'static str; 2],
    },
}

/// Clients in threads of their own. Each ends after its current request when this is dropped.
pub struct Clients {
    are_done: Arc<AtomicBool>,
}

impl Clients {
    pub fn start(count: u32, proxy: SocketAddr) -> Clients {
        let are_done = Arc::new(AtomicBool::new(false));
        for number in 0..count {
            let are_done = Arc::clone(&are_done);
            thread::spawn(move || {
                thread::sleep(OFFSET * number);
                let mut client = None;
                for &request in REQUESTS.iter().cycle().skip(number as usize % REQUESTS.len()) {
                    if are_done.load(Ordering::Relaxed) {
                        break;
                    }
                    // A failure is visible on the live page and in the log of the proxy. Like a real client, this one
                    // continues.
                    client = request.send(client, proxy).unwrap_or_default();
                    thread::sleep(PAUSE);
                }
            });
        }
        Clients { are_done }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.are_done.store(true, Ordering::Relaxed);
    }
}

impl Request {
    /// Sends it on this connection or a new one, and waits for the response. Returns the connection if the proxy
    /// keeps it open.
    fn send(self, client: Option<Client>, proxy: SocketAddr) -> io::Result<Option<Client>> {
        let mut client = match client {
            Some(client) => client,
            None => Client::connect_with(proxy, PATIENCE)?,
        };
        let method = match self {
            Request::Get(path) => {
                client.send(format!("GET {path} HTTP/1.1\r\nHost: {proxy}\r\n\r\n"))?;
                "GET"
            }
            Request::Upload { path, parts: [first, second] } => {
                let length = first.len() + second.len();
                let head =
                    format!("POST {path} HTTP/1.1\r\nHost: {proxy}\r\nContent-Length: {length}\r\n\r\n");
                client.send(head + first)?;
                thread::sleep(UPLOAD_PAUSE);
                client.send(second)?;
                "POST"
            }
        };
        let response = client.read_response(method)?;
        let closes = response.field("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Ok(Some(client).filter(|_| response.is_complete() && !closes))
    }
}
