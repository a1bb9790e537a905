//! How many requests are served at once, and how many wait for that. The next one is refused.
//!
//! Invariant: a request is served only while it holds a place, and is served or waits only while there is room for it.
//! Both are given back when they are dropped, so no request keeps them after its end, however it ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use codec::Error;
use codec::tokio::ClientConnection;
use tokio::select;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::latency::Histogram;

/// When a client that was refused may try again. Queues are short, so by then there may be room.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The flags of the queue.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How many requests are served at once; the next one waits [default: no bound besides --max-clients]
    #[arg(long, value_name = "NUMBER", value_parser = stage::parse_size)]
    max_in_flight: Option<usize>,

    /// How many requests may wait for that; the next one is answered 503
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = stage::parse_size)]
    queue: usize,

    /// How long a request may wait before it is answered 503
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = stage::parse_duration)]
    queue_wait: Duration,
}

/// The places of the requests that are served, and the room for them and for those that wait.
pub struct Queue {
    room: Permits,
    places: Permits,
    most_in_flight: Option<usize>,
    most_waiting: usize,
    wait: Duration,
    refused: AtomicU64,
    /// How long the requests that had to wait have waited.
    waits: Mutex<Histogram>,
}

/// Permits, and how many there are. The semaphore is fair: a permit that comes free goes to the request that has waited
/// longest.
struct Permits {
    free: Semaphore,
    most: usize,
}

/// The place of a request that is served. Another request gets it when this is dropped.
///
/// The room is given back first. Otherwise a waiting request could get the place before the room is given back, and a new
/// request could be refused although the queue is not full.
pub struct Place<'a> {
    _room: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Queue {
    pub fn new(flags: &Flags) -> Queue {
        let places = Permits::new(flags.max_in_flight.unwrap_or(usize::MAX));
        Queue {
            room: Permits::new(places.most.saturating_add(flags.queue)),
            places,
            most_in_flight: flags.max_in_flight,
            most_waiting: flags.queue,
            wait: flags.queue_wait,
            refused: AtomicU64::new(0),
            waits: Mutex::default(),
        }
    }

    /// A place for a request: at once if one is free, otherwise after all requests that came before it.
    ///
    /// # Errors
    /// Refuses the request if too many wait, or if it has waited for too long. Blames the client if it resets the
    /// connection while it waits.
    pub async fn enter(&self, client: &mut ClientConnection) -> Result<Place<'_>, Error> {
        let Ok(room) = self.room.free.try_acquire() else {
            return Err(self.refuse());
        };
        let place = match self.places.free.try_acquire() {
            Ok(place) => place,
            // Boxed, so that a request that does not wait reserves no memory for it.
            Err(_) => Box::pin(self.wait_for_place(client)).await?,
        };
        Ok(Place { _room: room, _place: place })
    }

    async fn wait_for_place(&self, client: &mut ClientConnection) -> Result<SemaphorePermit<'_>, Error> {
        let began = Instant::now();
        // The client is watched, not read: the body of its request stays in the socket.
        let (mut request_body, _to_client) = client.split();
        let place = select! {
            // If the client has left, its request gets no place.
            biased;
            Err(reset) = request_body.wait_for_reset() => Err(reset),
            Ok(place) = self.places.free.acquire() => Ok(place),
            () = sleep(self.wait) => Err(self.refuse()),
        };
        self.lock_waits().record(began.elapsed());
        place
    }

    /// Counts a request as refused.
    fn refuse(&self) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        Error::overloaded(RETRY_AFTER)
    }

    /// The current counts.
    pub fn snapshot(&self) -> stats_client::Queue {
        let in_flight = self.places.taken();
        stats_client::Queue {
            in_flight: in_flight as u64,
            most_in_flight: self.most_in_flight.map(|most| most as u64),
            // The two are not counted at the same moment.
            waiting: self.room.taken().saturating_sub(in_flight) as u64,
            most_waiting: self.most_waiting as u64,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// How long the requests that had to wait have waited.
    pub fn waits(&self) -> Histogram {
        *self.lock_waits()
    }

    fn lock_waits(&self) -> MutexGuard<'_, Histogram> {
        // Nothing that can panic runs under the lock.
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permits {
    fn new(most: usize) -> Permits {
        let most = most.min(Semaphore::MAX_PERMITS);
        Permits { free: Semaphore::new(most), most }
    }

    fn taken(&self) -> usize {
        self.most - self.free.available_permits()
    }
}
