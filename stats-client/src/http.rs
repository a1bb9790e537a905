//! Which HTTP requests are calls of the RPC, and how the others are refused.

use codec::{BodyFraming, RequestHead, ResponseHead, is_media_type};

use crate::{GET_STATS, PATH};

/// Checks that a request may carry a call: its host, which is known or among `names`, its path, its method and its media
/// types.
///
/// # Errors
/// The response that refuses it: its head and its body.
pub fn check_request(request: &RequestHead, names: &[String]) -> Result<(), (ResponseHead, String)> {
    if !stage::is_known_host(request, names) {
        // RFC 9110 section 7.4: a request for a target that this server does not serve is rejected with 421 (section
        // 15.5.20).
        let text =
            "the stats RPC answers to IP addresses and to localhost. To add this host: --rpc-host NAME\n";
        return Err(refusal(421, text.to_owned()));
    }
    if request.path() != PATH {
        return Err(refusal(404, format!("the stats RPC is at {PATH}\n")));
    }
    if request.method() != "POST" {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"{GET_STATS}","id":1}}"#);
        let (head, text) = refusal(405, format!("POST a JSON-RPC call: {call}\n"));
        // RFC 9110 section 15.5.6: 405 lists what is allowed.
        return Err((head.with("Allow", "POST"), text));
    }
    let content_type = request.fields.get("Content-Type");
    if !content_type.is_some_and(|value| is_media_type(value, "application/json")) {
        // RFC 9110 section 15.5.16
        return Err(refusal(415, "a call is JSON: send Content-Type: application/json\n".to_owned()));
    }
    let accepts = |range: &[u8]| {
        ["*/*", "application/*", "application/json"].iter().any(|accepted| is_media_type(range, accepted))
    };
    if request.fields.contains("Accept") && !request.fields.list("Accept").any(accepts) {
        // RFC 9110 section 15.5.7
        return Err(refusal(406, "an answer is JSON: send Accept: application/json, or none\n".to_owned()));
    }
    Ok(())
}

fn refusal(status: u16, text: String) -> (ResponseHead, String) {
    let head = ResponseHead::new(status, BodyFraming::ContentLength(text.len() as u64));
    (head.with("Content-Type", "text/plain; charset=utf-8"), text)
}
