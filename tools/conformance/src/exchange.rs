//! Runs one case with its own proxy, backend and client, and records what can be observed of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use testkit::{Backend, Client, End, Received, RefusedPort, Response, StartError};

use crate::case::{Act, Answer, Check, Ends, written_out};
use crate::{Case, Subject};

/// How long a client waits for the next byte. Every expected byte arrives at once. A proxy that waits for a
/// byte that never arrives is cut off after this time.
const PATIENCE: Duration = Duration::from_secs(4);

/// The observed outcome of a case.
#[derive(Default)]
pub struct Outcome {
    /// The final responses, each with its interim responses.
    pub responses: Vec<Response>,
    /// Why there are fewer than expected, or what else went wrong.
    pub error: Option<String>,
    /// The bytes after the responses.
    pub rest: Vec<u8>,
    /// How the connection ended; `None` if it stayed open.
    pub end: Option<End>,
    /// The requests whose heads reached the backend.
    pub requests: Vec<Received>,
    /// What reached the backend and is not valid HTTP.
    pub faults: Vec<String>,
    /// All bytes that reached the backend.
    pub bytes: Vec<u8>,
}

enum Behind {
    Backend(Backend),
    Nobody(RefusedPort),
}

pub(crate) fn exchange(subject: &Subject, case: &Case) -> Result<Outcome, StartError> {
    let behind = behind(case.backend)?;
    let proxy = subject.start(behind.address()?, &["--log", "off"])?;
    let mut outcome = Outcome::default();
    let mut client = Client::connect_with(proxy.address(), PATIENCE)?;
    if let (Answer::Parts(..), Behind::Backend(backend), false) = (case.backend, &behind, subject.is_stage())
    {
        // Another proxy may buffer the beginning of a response until it is complete.
        backend.release(1);
    }
    if let Err(error) = talk(case, &behind, &mut client, &mut outcome) {
        outcome.error = Some(error.to_string());
    }
    // If the case expects the proxy to end the connection, the client does not half-close. After an
    // unexpected response there is no reason to wait for that.
    let is_as_expected = outcome.responses.iter().all(|response| case.statuses.contains(&response.status));
    if !is_as_expected || !case.response.iter().any(|check| matches!(check, Check::Closes)) {
        // Fails if the proxy has already ended it.
        let _ = client.half_close();
    }
    if let Ok((rest, end)) = client.read_to_end() {
        (outcome.rest, outcome.end) = (rest, Some(end));
    }
    if let Behind::Backend(backend) = &behind {
        outcome.requests = backend.requests();
        outcome.faults = backend.faults();
        outcome.bytes = backend.bytes();
    }
    Ok(outcome)
}

fn talk(case: &Case, behind: &Behind, client: &mut Client, outcome: &mut Outcome) -> io::Result<()> {
    // A response may arrive before the end of the request, and a reset after it.
    let _ = client.send(written_out(case.sends));
    for act in case.then {
        match (act, behind) {
            (Act::Send(text), _) => drop(client.send(written_out(text))),
            (Act::SendByteByByte(text), _) => {
                text.bytes().try_for_each(|byte| client.send([byte]))?;
            }
            (Act::HalfClose, _) => client.half_close()?,
            (Act::AwaitBackend(bytes), Behind::Backend(backend)) => {
                backend.wait_for_requests(1)?;
                backend.wait_for_body_bytes(*bytes)?;
            }
            (Act::Release, Behind::Backend(backend)) => backend.release(1),
            (Act::ReadInterim(status), _) => match client.read_head()? {
                Some(head) if head.status == *status => {}
                head => {
                    let came = head.map(|head| head.head.start_line);
                    return Err(io::Error::other(format!("{came:?} came in the place of {status}")));
                }
            },
            (Act::AwaitBackend(_) | Act::Release, Behind::Nobody(_)) => {}
        }
    }
    for method in case.methods {
        let mut body = Vec::new();
        let response = client.read_streamed(method, &mut |piece| {
            body.extend_from_slice(piece);
            if let (Answer::Parts(..), Behind::Backend(backend)) = (case.backend, behind) {
                backend.release(1);
            }
            Ok(())
        })?;
        outcome.responses.push(Response { body, ..response });
    }
    Ok(())
}

fn behind(answer: Answer) -> io::Result<Behind> {
    Ok(Behind::Backend(match answer {
        Answer::Good(text) => Backend::good(written_out(text))?,
        Answer::Closing(text) => Backend::closing(written_out(text))?,
        Answer::Resetting(text) => Backend::resetting(written_out(text))?,
        Answer::Parts(first, rest, ends) => in_parts(first, rest, ends)?,
        Answer::Early(text) => Backend::early(written_out(text))?,
        Answer::Echo => Backend::echo()?,
        Answer::Script(script) => Backend::script(script)?,
        Answer::Nobody => return Ok(Behind::Nobody(RefusedPort::bind()?)),
    }))
}

fn in_parts(first: &'static str, rest: &'static str, ends: Ends) -> io::Result<Backend> {
    Backend::script(move |connection| {
        connection.read_request()?;
        connection.send(first)?;
        connection.wait_for_release()?;
        connection.send(rest)?;
        match ends {
            Ends::Closing => Ok(()),
            Ends::HalfClosing => connection.half_close(),
            Ends::Resetting => connection.reset(),
        }
    })
}

impl Behind {
    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Behind::Backend(backend) => Ok(backend.address()),
            Behind::Nobody(port) => port.address(),
        }
    }
}
