//! The channel of idle connections, beside a sweep that never pauses.

#[allow(dead_code)] // The suite tests the rest of it.
#[path = "../src/pool.rs"]
mod pool;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use codec::tokio::BackendConnection;
use codec::{BackendAddress, Limits};
use pool::{Idle, IdleConnections};

#[tokio::test]
async fn take_finds_an_idle_connection_during_a_sweep() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = BackendAddress::resolve(&listener.local_addr().unwrap().to_string()).unwrap();
    let connection = BackendConnection::connect(&address, &Limits::DEFAULT).await.unwrap();

    let kept = Arc::new(IdleConnections::new(1, Duration::MAX));
    kept.put(Idle { connection, since: Instant::now() });
    let (sweeper, is_over) = (Arc::clone(&kept), Arc::new(AtomicBool::new(false)));
    let ends = Arc::clone(&is_over);
    let sweeping = thread::spawn(move || {
        while !ends.load(Ordering::Relaxed) {
            sweeper.sweep(0);
        }
    });
    for round in 0..100_000 {
        let connection = kept.take();
        let connection = connection.unwrap_or_else(|| panic!("round {round}: a request would connect"));
        kept.put(Idle { connection, since: Instant::now() });
    }
    is_over.store(true, Ordering::Relaxed);
    sweeping.join().unwrap();
}
