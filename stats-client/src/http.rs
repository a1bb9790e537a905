//! Which HTTP requests are calls of the RPC, and how the others are refused.

use codec::RequestHead;

use crate::{GET_STATS, PATH};

/// Checks that a request may carry a call: its host, which is known or among `names`, its path, its method and its media
/// types.
///
/// # Errors
/// The status and the text of the response that refuses it.
pub fn check_request(request: &RequestHead, names: &[String]) -> Result<(), (u16, String)> {
    if !stage::is_known_host(request, names) {
        // RFC 9110 section 7.4: a request for a target that this server does not serve is rejected with 421 (section
        // 15.5.20).
        let text =
            "the stats RPC answers to IP addresses and to localhost. To add this host: --rpc-host NAME\n";
        return Err((421, text.to_owned()));
    }
    if request.path() != PATH {
        return Err((404, format!("the stats RPC is at {PATH}\n")));
    }
    if request.method() != "POST" {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"{GET_STATS}","id":1}}"#);
        return Err((405, format!("POST a JSON-RPC call: {call}\n")));
    }
    if request.fields.get("Content-Type").map(media_type).as_deref() != Some(b"application/json") {
        // RFC 9110 section 15.5.16
        return Err((415, "a call is JSON: send Content-Type: application/json\n".to_owned()));
    }
    let accepts =
        |range: &[u8]| matches!(&media_type(range)[..], b"*/*" | b"application/*" | b"application/json");
    if request.fields.contains("Accept") && !request.fields.list("Accept").any(accepts) {
        // RFC 9110 section 15.5.7
        return Err((406, "an answer is JSON: send Accept: application/json, or none\n".to_owned()));
    }
    Ok(())
}

/// A media type without its parameters, in lower case.
fn media_type(value: &[u8]) -> Vec<u8> {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase()
}
