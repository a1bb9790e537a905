//! Which backend gets a request: the next one that is up.
//!
//! Invariant: every request comes through here, so choosing does not wait, lock or allocate.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use codec::BackendAddress;
use codec::tokio::BackendConnection;
use stage::Failure;
use stats_client::{Availability, Backends};

use crate::Flags;
use crate::health::Health;
use crate::pool::Pool;

/// The most backends: a request keeps one bit for each that it has tried.
const MAX_BACKENDS: usize = u64::BITS as usize;

/// The backends, and whose turn it is.
pub struct Balancer {
    pub backends: Vec<Arc<Backend>>,
    /// Counts the choices.
    turn: AtomicUsize,
    /// When it is worth trying again, if no backend is up.
    pub retry_after: Duration,
}

/// One of the backends.
pub struct Backend {
    pub address: BackendAddress,
    pub health: Health,
    pub pool: Pool,
    pub in_flight: AtomicU64,
    pub requests: AtomicU64,
}

impl Balancer {
    pub fn new(flags: &Flags) -> Result<Balancer, Failure> {
        let addresses = flags.stage.backends()?;
        let count = addresses.len();
        if count > MAX_BACKENDS {
            let problem = format!("--backend names {count} backends, which is more than {MAX_BACKENDS}");
            return Err(Failure::usage(problem, "a load balancer in front of several proxies"));
        }
        let backend = |address: BackendAddress| {
            Arc::new(Backend {
                // A single backend never goes down, because no other backend could serve its requests.
                health: Health::new(&address, count > 1),
                pool: Pool::new(address.clone(), &flags.pool),
                address,
                in_flight: AtomicU64::new(0),
                requests: AtomicU64::new(0),
            })
        };
        Ok(Balancer {
            backends: addresses.into_iter().map(backend).collect(),
            turn: AtomicUsize::new(0),
            retry_after: flags.checks.health_interval,
        })
    }

    /// The current record of each backend.
    pub fn snapshot(&self) -> Backends {
        let of = |backend: &Arc<Backend>| {
            let record = backend.health.record();
            stats_client::Backend {
                address: backend.address.to_string(),
                state: if record.state.is_up() { Availability::Up } else { Availability::Down },
                in_flight: backend.in_flight.load(Ordering::Relaxed),
                requests: backend.requests.load(Ordering::Relaxed),
                failures: record.failures,
                last_error: record.last_error,
            }
        };
        Backends { backends: self.backends.iter().map(of).collect() }
    }

    /// Counts a request as answered if the answer was 101: the tunnel begins now, and may end much later.
    pub fn count_tunnel(&self, connection: &BackendConnection) {
        if connection.has_switched_protocols() {
            let is_of = |backend: &&Arc<Backend>| backend.address.authority() == connection.authority();
            self.backends.iter().filter(is_of).for_each(|backend| backend.health.succeeded());
        }
    }

    /// Whether no other backend is up.
    pub fn is_last(&self, backend: &Backend) -> bool {
        self.backends.iter().all(|other| ptr::eq(&**other, backend) || !other.health.is_up())
    }

    /// The next backend among those that are up and not tried; `None` if there are none.
    ///
    /// The turns are counted over the backends that are up. If they were counted over all, the backend after one that
    /// is down would get two shares.
    pub fn choose(&self, tried: u64) -> Option<usize> {
        let is_free = |&index: &usize| tried & (1 << index) == 0 && self.backends[index].health.is_up();
        let free = || (0..self.backends.len()).filter(is_free);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(free().count())?;
        // One may have gone down since they were counted.
        free().nth(turn).or_else(|| free().next())
    }
}
