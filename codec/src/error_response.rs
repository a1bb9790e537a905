//! The response that answers an error.

use crate::error::ErrorResponse;
use crate::{BodyFraming, Cause, Error, ResponseHead, reason_phrase};

/// The methods that this proxy forwards (RFC 9110 section 10.2.1).
const ALLOW: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The head and body of the response; `None` if the client cannot be answered.
///
/// The body is one line of text that names the rule. `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in
/// an origin server.
pub(crate) fn head_and_body(error: &Error, proxy: Option<&str>) -> Option<(ResponseHead, String)> {
    let ErrorResponse { status, error_type, sentence } = error.response()?;
    if error.is_final_recipient() {
        let head = ResponseHead::new(status, BodyFraming::Empty).with("Allow", ALLOW);
        return Some((head, String::new()));
    }
    let body = format!("{status} {}: {sentence}\n", reason_phrase(status));
    let mut head = ResponseHead::new(status, BodyFraming::ContentLength(body.len() as u64))
        .with("Content-Type", "text/plain; charset=utf-8");
    if status == 405 {
        // RFC 9110 section 15.5.6: a 405 lists the allowed methods.
        head.fields.append("Allow", ALLOW);
    }
    if let Cause::Unavailable { retry_after } | Cause::Overloaded { retry_after } = error.cause() {
        // RFC 9110 section 10.2.3: in whole seconds, rounded up so that the client does not retry too early.
        let seconds = retry_after.as_millis().div_ceil(1000);
        head.fields.append("Retry-After", seconds.to_string());
    }
    if let Some(proxy) = proxy {
        head.fields.append("Proxy-Status", format!("{proxy}; error={error_type}"));
    }
    Some((head, body))
}
