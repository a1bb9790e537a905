//! One connection: its requests one after the other, each counted, delayed, answered and logged.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use codec::blocking::{ClientConnection, RequestBody};
use codec::{Error, Limits, RequestHead, ResponseHead};

use crate::answer::{Answer, TEXT};
use crate::bypass::{Bypassed, RawConnection};
use crate::counters::{CountedConnection, Counters};
use crate::experiments;
use crate::flags::Flags;
use crate::router::{self, Bypass, Experiment, Rejection};

/// What all connections share.
pub struct Server {
    flags: Flags,
    limits: Limits,
    counters: Counters,
    /// How many requests came, for `--stall-every`; `/_lab/counters/reset` does not change it.
    requests: AtomicU64,
}

impl Server {
    pub fn new(flags: Flags) -> Server {
        let mut limits = Limits::DEFAULT;
        if let Some(idle_timeout) = flags.idle_timeout() {
            limits.idle_timeout = idle_timeout;
        }
        Server { flags, limits, counters: Counters::default(), requests: AtomicU64::new(0) }
    }

    /// Serves a connection to its end.
    pub fn serve(&'static self, stream: TcpStream) {
        // The second handle is for the experiments that go around the codec.
        let raw = match stream.try_clone() {
            Ok(raw) => raw,
            Err(error) => return log::warn!("cannot serve a client: {error}"),
        };
        thread::sleep(self.flags.accept_delay());
        let mut client = ClientConnection::new(stream, &self.limits);
        let mut connection = CountedConnection::new(&self.counters);
        while client.wait_for_request() {
            let outcome = self.exchange(&mut client, &raw, &mut connection);
            let (outcome, bypassed) = match outcome {
                Ok(bypassed) => (Ok(()), bypassed),
                Err(error) => (Err(error), None),
            };
            let mut report = client.finish(outcome, None);
            if let Some(Bypassed { status, body_bytes }) = bypassed {
                (report.status, report.body_bytes) = (status, body_bytes);
                stage::log_report(&report);
                return;
            }
            stage::log_report(&report);
        }
        client.close();
    }

    /// Answers one request. `Some`: around the codec, and the connection is over.
    fn exchange(
        &'static self,
        client: &mut ClientConnection,
        raw: &TcpStream,
        connection: &mut CountedConnection<'static>,
    ) -> Result<Option<Bypassed>, Error> {
        let request = client.read_request().inspect_err(|_| connection.bad_request())?;
        let mut in_flight = None;
        if !router::is_for_lab(&request) {
            in_flight = Some(connection.begin_request());
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            thread::sleep(self.flags.delay_of(number));
        }
        let (mut body, writer) = client.split();
        let mut answer = Answer::new(&request, writer, in_flight);
        let experiment = router::route(&request);
        if !matches!(&experiment, Ok(Experiment::Echo | Experiment::Bypass(Bypass::Early(_)))) {
            discard(&request, &mut body, &mut answer)?;
        }
        match experiment {
            Err(rejection) => reject(&rejection, &mut answer)?,
            Ok(Experiment::Bypass(bypass)) => {
                let in_flight = answer.into_in_flight();
                let unread = client.take_unread();
                let connection = RawConnection::new(raw, &self.limits, &request, in_flight);
                return Ok(Some(connection.run(bypass, &unread)));
            }
            Ok(Experiment::Counters) => {
                answer.write_whole(self.counters.json().as_bytes(), |framing| {
                    ResponseHead::new(200, framing).with("Content-Type", "application/json")
                })?;
            }
            Ok(Experiment::ResetCounters) => {
                self.counters.reset();
                answer.write_empty(204)?;
            }
            Ok(experiment) => experiments::run(experiment, &request, body, answer)?,
        }
        Ok(None)
    }
}

/// Reads a body that nobody wants: the next request starts behind it.
fn discard(request: &RequestHead, body: &mut RequestBody<'_>, answer: &mut Answer<'_>) -> Result<(), Error> {
    answer.ask_for_body(request)?;
    while body.next_piece()?.is_some() {}
    Ok(())
}

fn reject(rejection: &Rejection, answer: &mut Answer<'_>) -> Result<(), Error> {
    answer.write_whole(rejection.text.as_bytes(), |framing| {
        let head = ResponseHead::new(rejection.status, framing).with("Content-Type", TEXT);
        match rejection.allow {
            Some(methods) => head.with("Allow", methods),
            None => head,
        }
    })
}
