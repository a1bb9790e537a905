//! Checks each backend at intervals. `health.rs` decides what follows from the outcome.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use codec::tokio::BackendConnection;
use codec::{BackendAddress, Blame, BodyFraming, Error, Limits, Piece, RequestHead};
use stage::Failure;
use tokio::time::{sleep, timeout};

use crate::balancer::Backend;
use crate::health::Proof;

/// The shortest interval and the shortest timeout of a check: with a timeout of 0, every check would fail.
const MIN_TIME: Duration = Duration::from_millis(10);
/// The part of the interval by which a check may be early, so that several proxies do not check at the same moment.
const JITTER: f64 = 0.2;

/// The flags of the checks.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// How often each backend is checked, if there are several
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_time)]
    pub health_interval: Duration,

    /// How long a check may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_time)]
    health_timeout: Duration,

    /// A path that a backend must answer with 2xx or 3xx [default: it only has to accept a connection]
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
}

/// Checks all backends from now on, each in a task of its own. A single backend is not checked.
pub fn start(flags: &Flags, backends: &[Arc<Backend>]) -> Result<(), Failure> {
    for backend in backends {
        let check = Check::new(flags, &backend.address)?;
        if backends.len() > 1 {
            tokio::spawn(watch(Arc::clone(backend), check));
        }
    }
    Ok(())
}

async fn watch(backend: Arc<Backend>, check: Check) {
    let health = &backend.health;
    // The first check is at a random time of the interval, so that not all backends are checked at the same moment.
    sleep(check.interval.mul_f64(random())).await;
    loop {
        // The backend may go down during the check, so the outcome says what it proves.
        let proof = check.request.as_ref().map_or_else(|| health.owes(), |_| Proof::Answer);
        match check.run(proof).await {
            Some(Ok(())) => health.check_passed(proof),
            Some(Err(why)) => health.check_failed(why),
            None => {}
        }
        sleep(check.interval.mul_f64(1.0 - JITTER * random())).await;
    }
}

/// How one backend is checked.
struct Check {
    backend: BackendAddress,
    interval: Duration,
    timeout: Duration,
    /// The request for `--health-path`, if it is given.
    request: Option<RequestHead>,
    /// RFC 9110 section 9.3.7: it only shows that the server answers.
    ping: RequestHead,
}

impl Check {
    fn new(flags: &Flags, address: &BackendAddress) -> Result<Check, Failure> {
        let request = |method: &str, target: &str| {
            let is_valid = target.starts_with(['/', '*']);
            let request = RequestHead::new(method, target, address.authority(), BodyFraming::Empty);
            request.ok().filter(|_| is_valid).ok_or_else(|| {
                Failure::usage(format!("--health-path {target}: it is not a path"), "--health-path /")
            })
        };
        Ok(Check {
            backend: address.clone(),
            interval: flags.health_interval,
            timeout: flags.health_timeout,
            request: flags.health_path.as_deref().map(|path| request("GET", path)).transpose()?,
            ping: request("OPTIONS", "*")?,
        })
    }

    /// Checks whether the backend gives that proof; the error says why not. `None` if this proxy has no descriptor or
    /// port left for the check.
    async fn run(&self, proof: Proof) -> Option<Result<(), String>> {
        let checked = timeout(self.timeout, async {
            let mut connection = BackendConnection::connect(&self.backend, &Limits::DEFAULT).await?;
            match (&self.request, proof) {
                (Some(request), _) => status_of(&mut connection, request).await.map(Some),
                (None, Proof::Answer) => status_of(&mut connection, &self.ping).await.map(|_| None),
                (None, Proof::Connection) => Ok(None),
            }
        });
        Some(match checked.await {
            Ok(Ok(None | Some(200..=399))) => Ok(()),
            Ok(Err(error)) if error.blame() == Blame::Proxy => return None,
            Ok(Ok(Some(status))) => Err(format!("check: the backend answered {status}")),
            Ok(Err(error)) => Err(format!("check: {error}")),
            Err(_) => Err(format!("check: no answer within {:?}", self.timeout)),
        })
    }
}

async fn status_of(connection: &mut BackendConnection, request: &RequestHead) -> Result<u16, Error> {
    connection.close_after_response();
    let (mut to_backend, mut from_backend) = connection.split(request);
    to_backend.write_head(request);
    to_backend.write_piece(Piece::last(&[])).await?;
    Ok(from_backend.read_final_response().await?.status())
}

/// From 0 to 1.
fn random() -> f64 {
    // The keys of the standard library's hash maps are random, and spare a dependency.
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

fn parse_time(text: &str) -> Result<Duration, String> {
    match stage::parse_duration(text)? {
        time if time < MIN_TIME => Err(format!("it is less than {MIN_TIME:?}")),
        time => Ok(time),
    }
}
