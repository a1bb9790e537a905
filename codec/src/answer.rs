//! The response that answers an error.

use crate::{BodyFraming, Cause, Error, Refusal, ResponseHead, reason_phrase};

/// What this proxy passes on (RFC 9110 section 10.2.1).
const ALLOW: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The head of the response. `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
pub(crate) fn head(status: u16, error: &Error, body: &str, proxy: Option<&str>) -> ResponseHead {
    if matches!(error.cause(), Cause::Refused(Refusal::FinalRecipient)) {
        return ResponseHead::new(status, BodyFraming::Empty).with("Allow", ALLOW);
    }
    let mut head = ResponseHead::new(status, BodyFraming::ContentLength(body.len() as u64))
        .with("Content-Type", "text/plain; charset=utf-8");
    if status == 405 {
        // RFC 9110 section 15.5.6: 405 lists what is allowed.
        head.fields.append("Allow", ALLOW);
    }
    if let Some(proxy) = proxy {
        head.fields.append("Proxy-Status", format!("{proxy}; error={}", error.proxy_error_type()));
    }
    head
}

/// One line of text that names the rule; empty for a response without a body.
pub(crate) fn body(status: u16, error: &Error) -> String {
    match status {
        204 => String::new(),
        _ => format!("{status} {}: {}\n", reason_phrase(status), error.explanation()),
    }
}
