//! The marks that a stage adds: its errors have one form, and every forwarded message carries its name.
//!
//! Another proxy has its own texts, so only stages are checked.

use course::Ability;
use testkit::{Ended, Head, Response};

use crate::case::Check;
use crate::{Case, Outcome, Subject};

/// The problems with these marks in a case.
pub(crate) fn problems_of(subject: &Subject, case: &Case, outcome: &Outcome) -> Vec<String> {
    let requests = outcome.requests.iter().map(|request| &request.head);
    let heads = requests.chain(outcome.responses.iter().map(|response| &response.head));
    let mut problems: Vec<_> = heads.filter_map(|head| unnamed(subject, head)).collect();
    let closes = case.response.iter().any(|check| matches!(check, Check::Closes));
    match (outcome.responses.last(), case.error) {
        (Some(response), Some(error)) => {
            problems.extend(problems_of_error(subject, response, case.names, error, closes));
        }
        (Some(response), None) => {
            let status = response.field("proxy-status");
            problems.extend(status.map(|status| format!("the backend's response bears {status:?}")));
        }
        (None, _) => {}
    }
    problems
}

/// RFC 9110 section 7.6.3: the last member of `Via` names the proxy that sent the message.
fn unnamed(subject: &Subject, head: &Head) -> Option<String> {
    let via = head.all("via").last()?.to_string();
    (!via.ends_with(&format!(" {}", subject.name))).then(|| format!("the last Via is {via:?}"))
}

/// An error is framed, has a text that names `section`, and reports the proxy and its error type.
///
/// The connection ends if the request was at fault: the start of the next request is then unknown
/// (RFC 9112 section 9.3).
pub(crate) fn problems_of_error(
    subject: &Subject,
    response: &Response,
    section: &str,
    error: &str,
    closes: bool,
) -> Vec<String> {
    let is_last = closes || error == "http_request_error" || !subject.can(Ability::Persistence);
    let has_body = response.ended != Ended::WithoutBody;
    // RFC 9209 section 2: the name of the proxy, and the error type.
    let proxy_status = format!("{}; error={error}", subject.name);
    let fields =
        [("content-type", Some("text/plain; charset=utf-8")), ("proxy-status", Some(proxy_status.as_str()))];
    let mut problems: Vec<_> = fields
        .into_iter()
        .filter(|(name, value)| response.field(name) != *value)
        .map(|(name, value)| format!("{name} is {:?}, not {value:?}", response.field(name)))
        .collect();
    let text = response.text();
    let others = [
        (response.status >= 400, "it is no error"),
        (!has_body || text.contains(&format!("({section})")), "its text names another section"),
        // The client must not learn the address of the backend.
        (!text.contains("127.0.0.1"), "its text names the backend"),
        (!has_body || response.ended == Ended::ContentLength, "its body has no length"),
        (response.field("date").is_some(), "it has no Date"),
        (says_close(response) == is_last, "it is wrong about whether the connection ends"),
    ];
    let others = others.into_iter().filter(|(is_so, _)| !is_so);
    problems.extend(others.map(|(_, problem)| format!("{problem}: \"{section}\", {text:?}")));
    problems
}

/// Whether a response announces the end of the connection. HTTP/1.1 may announce persistence but need not.
pub(crate) fn says_close(response: &Response) -> bool {
    response.head.all("connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
}
