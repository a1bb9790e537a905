//! What every check tests in addition: a plain GET is answered, and a stage also answers errors. Otherwise the check of
//! one task could pass on a proxy that does not work.

use testkit::Backend;

use crate::observed::{Seen, answer, ensure};
use crate::trial::{GET, HELLO, Subject, exchange, get};

/// The task that does not send the response yet, so no client of its check gets a 200.
const NO_RESPONSE_YET: &str = "1.1";

/// The request that the backend does not answer.
const CLOSED: &str = "/closed";

/// Checks a plain GET. Of a stage also a request that breaks a rule and a backend that closes: other proxies may
/// answer these in other ways, or close.
pub fn holds(subject: &Subject<'_>, task: &str) -> Result<(), Seen> {
    let backend = Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            if head.start_line.contains(CLOSED) {
                break;
            }
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    if task != NO_RESPONSE_YET {
        let response = exchange(&mut running.client()?, GET)?;
        let (status, text) = (response.status, response.text());
        ensure((status, &*text) == (200, "hello"), || {
            format!(
                "the backend answered a plain GET with 200 and \"hello\"; the client got {status} and {text:?}"
            )
        })?;
    }
    if !subject.is_stage() {
        return Ok(());
    }
    let fields = "Host: example.test\r\nTransfer-Encoding: chunked";
    let response = running.client()?.exchange(format!("POST / HTTP/1.1\r\n{fields}\r\n\r\nxyz\r\n"));
    ensure(response.as_ref().is_ok_and(|response| response.status == 400), || {
        format!(
            "a client sent a bad chunk, need 400; it got {}. Is an error of reading the request returned with `?`, \
             to the end of `exchange`?",
            answer(&response)
        )
    })?;
    let response = running.client()?.exchange(get(CLOSED));
    ensure(response.as_ref().is_ok_and(|response| response.status == 502), || {
        format!(
            "the backend closed without an answer, need 502; the client got {}. Is an error of reading the response \
             returned with `?`, to the end of `exchange`?",
            answer(&response)
        )
    })
}
