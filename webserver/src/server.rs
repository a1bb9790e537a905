//! One connection: its requests one after the other, each counted, delayed, answered and logged.

use std::sync::atomic::{AtomicU64, Ordering};

use codec::tokio::{ClientConnection, RequestBody};
use codec::{Error, Limits, Report, RequestHead, ResponseHead};

use crate::answer::{Answer, TEXT, revalidated_head};
use crate::bypass::{Bypassing, RawConnection};
use crate::counters::{CountedConnection, Counters};
use crate::experiments;
use crate::flags::Flags;
use crate::pause::pause;
use crate::recent::{Recent, RecentConnection};
use crate::rejection::Rejection;
use crate::router::{self, Bypass, Experiment};
use crate::site::{Found, Site};

/// What all connections share.
pub struct Server {
    flags: Flags,
    limits: Limits,
    site: Site,
    counters: Counters,
    recent: Recent,
    /// How many requests came, for `--stall-every`; `/_lab/counters/reset` does not change it.
    requests: AtomicU64,
}

/// What is counted and recorded of a connection.
struct Connection {
    counted: CountedConnection<'static>,
    recent: RecentConnection<'static>,
}

impl Server {
    pub fn new(flags: Flags, site: Site) -> Server {
        let mut limits = Limits::DEFAULT;
        if let Some(idle_timeout) = flags.idle_timeout() {
            limits.idle_timeout = idle_timeout;
        }
        let (counters, recent) = (Counters::default(), Recent::new());
        Server { flags, limits, site, counters, recent, requests: AtomicU64::new(0) }
    }

    /// The limits of all connections.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Serves a connection to its end.
    pub async fn serve(&'static self, mut client: ClientConnection) {
        let recent = RecentConnection::new(&self.recent);
        Box::pin(pause(self.flags.accept_delay())).await;
        let mut connection = Connection { counted: CountedConnection::new(&self.counters), recent };
        while client.wait_for_request().await {
            // Boxed, so that the task of an idle connection is small.
            let outcome = Box::pin(self.exchange(&mut client, &mut connection)).await;
            let (outcome, bypassing) = match outcome {
                Ok(bypassing) => (Ok(()), bypassing),
                Err(error) => (Err(error), None),
            };
            let report = client.finish(outcome, None).await;
            if let Some(bypassing) = bypassing {
                return Box::pin(self.go_around(client, bypassing, report)).await;
            }
            if !router::is_poll(&report.request, &self.site) {
                stage::log_report(&report);
            }
        }
        client.close().await;
    }

    /// Answers without the codec, and ends the connection.
    async fn go_around(&'static self, client: ClientConnection, bypassing: Bypassing, mut report: Report) {
        let (socket, unread) = client.into_socket();
        let raw = RawConnection::new(socket, &self.limits);
        raw.run(bypassing, &unread, &mut report).await;
        stage::log_report(&report);
    }

    /// Answers one request. `Some` if it must be answered without the codec, which ends the connection.
    async fn exchange(
        &'static self,
        client: &mut ClientConnection,
        connection: &mut Connection,
    ) -> Result<Option<Bypassing>, Error> {
        let request = client.read_request().await.inspect_err(|_| connection.counted.bad_request())?;
        let (mut in_flight, mut record) = (None, None);
        if !router::is_for_lab(&request, &self.site) {
            in_flight = Some(connection.counted.begin_request());
            record = Some(connection.recent.begin_request(&request));
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            pause(self.flags.delay_of(number)).await;
        }
        let (mut body, writer) = client.split();
        let mut answer = Answer::new(&request, writer, in_flight, record);
        let experiment = router::route(&request, &self.site);
        if !matches!(&experiment, Ok(Experiment::Echo | Experiment::Bypass(Bypass::Early(_)))) {
            discard(&mut body, &mut answer).await?;
            answer.begin();
        }
        match experiment {
            Err(rejection) => self.reject(&rejection, &request, &mut answer).await?,
            Ok(Experiment::Bypass(bypass)) => {
                let response_to = request.response_to();
                let (in_flight, record) = answer.into_parts();
                return Ok(Some(Bypassing { bypass, response_to, in_flight, record }));
            }
            Ok(Experiment::Site) => match self.site.find(&request, &self.counters).await {
                Ok(Found::Representation(representation)) => {
                    representation.respond(&request, &mut answer).await?;
                }
                Ok(Found::Moved { location }) => redirect(&location, &mut answer).await?,
                Err(rejection) => self.reject(&rejection, &request, &mut answer).await?,
            },
            Ok(Experiment::Counters) => {
                let json = self.counters.json();
                let head = |framing| revalidated_head(200, framing).with("Content-Type", "application/json");
                answer.write_whole(json.as_bytes(), head).await?;
            }
            Ok(Experiment::Live) => {
                let json = self.recent.json();
                let head = |framing| {
                    ResponseHead::new(200, framing)
                        .with("Content-Type", "application/json")
                        .with("Cache-Control", "no-store")
                        // The live page of one backend also reads the data of others, and the data is public.
                        .with("Access-Control-Allow-Origin", "*")
                };
                answer.write_whole(json.as_bytes(), head).await?;
            }
            Ok(Experiment::ResetCounters) => {
                self.counters.reset();
                answer.write_empty(204).await?;
            }
            Ok(experiment) => experiments::run(experiment, &request, body, answer).await?,
        }
        Ok(None)
    }

    async fn reject(
        &'static self,
        rejection: &Rejection,
        request: &RequestHead,
        answer: &mut Answer<'_>,
    ) -> Result<(), Error> {
        let page = self.site.page_about(rejection, request, &self.counters).await;
        let (body, media_type) = match &page {
            Some(page) => (&page.content[..], page.media_type),
            None => (rejection.text.as_bytes(), TEXT),
        };
        let head = |framing| {
            let head = revalidated_head(rejection.status, framing).with("Content-Type", media_type);
            // RFC 9110 section 12.5.5: what the response depends on besides the target.
            let head = if self.site.has_docroot() { head } else { head.with("Vary", "Accept") };
            match rejection.allow {
                Some(methods) => head.with("Allow", methods),
                None => head,
            }
        };
        answer.write_whole(body, head).await
    }
}

/// Reads and discards a body, because the next request starts after it.
async fn discard(body: &mut RequestBody<'_>, answer: &mut Answer<'_>) -> Result<(), Error> {
    answer.ask_for_body().await?;
    while body.next_piece().await?.is_some() {}
    Ok(())
}

/// RFC 9110 section 15.4.8: 307, because the folder may become a file, and 301 or 308 would tell clients to forget the
/// path without the slash. 302 differs from 307 only for methods that are answered 405 before.
async fn redirect(location: &str, answer: &mut Answer<'_>) -> Result<(), Error> {
    let text = format!("the folder is at {location}\n");
    let head = |framing| revalidated_head(307, framing).with("Content-Type", TEXT).with("Location", location);
    answer.write_whole(text.as_bytes(), head).await
}
