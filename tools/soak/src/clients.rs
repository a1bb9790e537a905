//! A crew of clients, each with one connection and one request in flight. They verify all answers.
//!
//! A thread serves many clients: it sends a request on each connection, then reads the answers.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::backend::FaultyBackend;
use crate::fault::Fault;
use crate::message::{Ask, mixed};
use crate::outcome::{Circumstances, Outcome, Tally};
use testkit::fault::is_reset;
use testkit::{Client, Response};

/// How long a client waits before its request counts as lost; longer than any timeout of the proxy.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);
/// The most threads for all clients.
pub(crate) const MOST_THREADS: usize = 64;

/// The faults that the crew asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mischief {
    Nothing,
    /// Faults in every phase, and clients that leave.
    Faults,
    /// One fault for each request, which ends only when the proxy times out.
    Stalls,
}

/// Clients that send one request after another until the phase is over.
pub(crate) struct Crew<'a> {
    pub(crate) proxy: SocketAddr,
    pub(crate) backend: &'a FaultyBackend,
    /// Their numbers, distinct from those of any other crew.
    pub(crate) clients: Range<u32>,
    pub(crate) mischief: Mischief,
    /// Determines the allowed outcomes of a request without a fault.
    pub(crate) circumstances: Circumstances,
    pub(crate) is_over: &'a AtomicBool,
    /// The number of completed requests.
    pub(crate) done: &'a AtomicU64,
}

/// One client.
struct Seat {
    number: u32,
    /// The number of its last request.
    sent: u32,
    connection: Option<Client>,
}

/// A request in flight; `sent` is an error if it could not be sent.
struct UnderWay {
    ask: Ask,
    generation: u64,
    sent_at: Instant,
    sent: io::Result<()>,
}

impl Crew<'_> {
    /// Runs until the phase is over and all answers have arrived.
    pub(crate) fn run(&self) -> Tally {
        let numbers: Vec<u32> = self.clients.clone().collect();
        let share = numbers.len().div_ceil(MOST_THREADS).max(1);
        let mut tally = Tally::default();
        thread::scope(|scope| {
            let threads: Vec<_> =
                numbers.chunks(share).map(|numbers| scope.spawn(|| self.serve(numbers))).collect();
            for thread in threads {
                match thread.join() {
                    Ok(part) => tally.add(part),
                    Err(_) => tally.problem("a client has panicked".to_owned()),
                }
            }
        });
        tally
    }

    fn serve(&self, numbers: &[u32]) -> Tally {
        let mut tally = Tally::default();
        let mut seats: Vec<Seat> =
            numbers.iter().map(|&number| Seat { number, sent: 0, connection: None }).collect();
        while !self.is_over.load(Ordering::Relaxed) {
            let under_way: Vec<_> = seats.iter_mut().map(|seat| self.send(seat, &mut tally)).collect();
            for (seat, under_way) in seats.iter_mut().zip(under_way) {
                if let Some(under_way) = under_way {
                    self.receive(seat, under_way, &mut tally);
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
            }
            if self.mischief == Mischief::Stalls {
                break;
            }
        }
        for connection in seats.into_iter().filter_map(|seat| seat.connection) {
            // Fails if the proxy has closed the connection.
            let _ = connection.half_close();
            expect_end(connection, &mut tally);
        }
        tally
    }

    /// `None` if the client has left and expects no answer.
    fn send(&self, seat: &mut Seat, tally: &mut Tally) -> Option<UnderWay> {
        seat.sent += 1;
        let number = u64::from(seat.number) << 32 | u64::from(seat.sent);
        let dice = mixed(!number);
        let mut ask = Ask::new(number);
        let leaves = self.mischief == Mischief::Faults && dice.is_multiple_of(40);
        match self.mischief {
            Mischief::Faults if !leaves && dice % 4 == 1 => ask = ask.with_fault(Fault::any(dice >> 8)),
            Mischief::Stalls => ask = ask.with_fault(Fault::stall(u64::from(seat.number))),
            _ => {}
        }
        if let Some(fault) = ask.fault {
            tally.inject(fault);
        }
        let (generation, sent_at) = (self.backend.generation(), Instant::now());
        let sent = seat.send(self.proxy, &ask);
        if leaves {
            tally.left += 1;
            let connection = seat.connection.take();
            if let Some(connection) = connection.filter(|_| dice.is_multiple_of(80)) {
                let _ = connection.reset();
            }
            return None;
        }
        Some(UnderWay { ask, generation, sent_at, sent })
    }

    fn receive(&self, seat: &mut Seat, under_way: UnderWay, tally: &mut Tally) {
        let UnderWay { ask, generation, sent_at, sent } = under_way;
        let method = if ask.is_get() { "GET" } else { "POST" };
        let response = match (sent, seat.connection.as_mut()) {
            (Ok(()), Some(connection)) => connection.read_response(method),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(io::Error::other("there is no connection")),
        };
        tally.slowest = tally.slowest.max(sent_at.elapsed());
        let closes = response.as_ref().map_or(true, says_close);
        let outcome = Outcome::of(&ask, response);
        let was_killed = generation % 2 == 1 || generation != self.backend.generation();
        let circumstances = if was_killed { Circumstances::Killed } else { self.circumstances };
        let is_over = closes || !matches!(outcome, Outcome::Answered | Outcome::Refused(_));
        if let Some(connection) = seat.connection.take_if(|_| is_over)
            && matches!(outcome, Outcome::Answered | Outcome::Refused(_))
        {
            expect_end(connection, tally);
        }
        tally.count(&ask, outcome, circumstances);
    }
}

impl Seat {
    fn send(&mut self, proxy: SocketAddr, ask: &Ask) -> io::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(Client::connect_with(proxy, CLIENT_PATIENCE)?),
        };
        match connection.send(ask.bytes()) {
            // The answer may have arrived before the end of the request.
            Err(error) if is_reset(&error) => Ok(()),
            sent => sent,
        }
    }
}

fn says_close(response: &Response) -> bool {
    response.head.all("connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
}

/// Nothing may follow the last answer.
fn expect_end(mut connection: Client, tally: &mut Tally) {
    match connection.read_to_end() {
        Ok((rest, _)) if rest.is_empty() => {}
        Ok((rest, _)) => tally.surplus(format!("after the last answer came \"{}\"", rest.escape_ascii())),
        Err(error) => tally.problem(format!("the connection did not end after the last answer: {error}")),
    }
}
