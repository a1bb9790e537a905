//! Looks now and then whether each backend is well. What follows from it is decided in `health.rs`.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use codec::tokio::BackendConnection;
use codec::{BackendAddress, Blame, BodyFraming, Error, Limits, Piece, RequestHead};
use stage::Failure;
use tokio::time::{sleep, timeout};

use crate::proxy::Proxy;

/// The shortest time between two checks, and for one: with none at all every backend would be down.
const MIN_TIME: Duration = Duration::from_millis(10);
/// By what part of the interval a check may come sooner: else several proxies would check at the same moment.
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

    /// A path that is to be answered 2xx or 3xx [default: to accept a connection is enough]
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
}

/// Checks all backends from now on, each in a task of its own. One that stands alone is not checked.
pub fn start(flags: &Flags, proxy: &Arc<Proxy>) -> Result<(), Failure> {
    let backends = &proxy.balancer.backends;
    for (index, backend) in backends.iter().enumerate() {
        let check = Check::new(flags, &backend.address)?;
        if backends.len() > 1 {
            tokio::spawn(watch(Arc::clone(proxy), index, check));
        }
    }
    Ok(())
}

async fn watch(proxy: Arc<Proxy>, index: usize, check: Check) {
    let health = &proxy.balancer.backends[index].health;
    // The first one anywhere in the interval, so that not all backends are checked at the same moment.
    sleep(check.interval.mul_f64(random())).await;
    loop {
        let must_answer = check.request.is_some() || health.must_answer();
        match check.run(must_answer).await {
            // It went down meanwhile, and was not asked for the answer that it owes since then.
            Some(Ok(())) if health.must_answer() && !must_answer => {}
            Some(Ok(())) => health.check_passed(),
            Some(Err(why)) => health.check_failed(&why),
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
    /// For the path that is to be answered well.
    request: Option<RequestHead>,
    /// RFC 9110 section 9.3.7: it does nothing but to show that the server answers.
    ping: RequestHead,
}

impl Check {
    fn new(flags: &Flags, address: &BackendAddress) -> Result<Check, Failure> {
        let request = |method: &str, target: &str| {
            let is_valid = target.starts_with(['/', '*']);
            let request = RequestHead::new(method, target, address.authority(), BodyFraming::Empty);
            request.ok().filter(|_| is_valid).ok_or_else(|| {
                Failure::Usage(format!("--health-path {target}: it is not a path. Try: --health-path /"))
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

    /// Whether the backend is well; else why not. `None` if this proxy has no descriptor or port left to ask with.
    async fn run(&self, must_answer: bool) -> Option<Result<(), String>> {
        let checked = timeout(self.timeout, async {
            let mut connection = BackendConnection::connect(&self.backend, &Limits::DEFAULT).await?;
            match (&self.request, must_answer) {
                (Some(request), _) => status_of(&mut connection, request).await.map(Some),
                (None, true) => status_of(&mut connection, &self.ping).await.map(|_| None),
                (None, false) => Ok(None),
            }
        });
        Some(match checked.await {
            Ok(Ok(None | Some(200..=399))) => Ok(()),
            Ok(Err(error)) if error.blame() == Blame::Proxy => return None,
            Ok(Ok(Some(status))) => Err(format!("check: it answered {status}")),
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
    loop {
        let response = from_backend.read_response().await?;
        if !response.is_interim() {
            return Ok(response.status());
        }
    }
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
