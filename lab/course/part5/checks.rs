//! Stage 5: the stats RPC reports the counts, and no client waits for a caller.

use testkit::{Backend, Client, Response};

use crate::tasks::Check;
use crate::tasks::trial::{HELLO, Running, Seen, Subject, ensure, exchange, get};

/// For each task, the unified diff that removes it from the sources, and the check of its promise.
pub const CHECKS: &[Check] = &[
    ("5.1", include_str!("5.1.patch"), tells_what_was_counted),
    ("5.2", include_str!("5.2.patch"), tells_calls_apart),
    ("5.3", include_str!("5.3.patch"), delays_no_other_client),
];

const CALL: &str = r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":1}"#;

fn post(client: &mut Client, call: &str) -> Result<Response, Seen> {
    let length = call.len();
    let fields = "Host: localhost\r\nContent-Type: application/json";
    exchange(client, format!("POST /rpc HTTP/1.1\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{call}"))
}

/// Returns the answer to a call.
fn call(running: &Running, call: &str) -> Result<String, Seen> {
    let response = post(&mut running.rpc_client()?, call)?;
    let text = response.text();
    ensure(response.status == 200, || {
        format!("the call {call} was answered {} {text:?}, need 200", response.status)
    })?;
    Ok(text)
}

fn tells_what_was_counted(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start_with_rpc(&backend)?;
    for (request, counts) in
        [(None, &[][..]), (Some("/b"), &[r#""/b":5"#][..]), (Some("/a?x"), &[r#""/a":5"#, r#""/b":5"#][..])]
    {
        if let Some(path) = request {
            running.exchange(get(path))?;
        }
        let answer: String = call(&running, CALL)?.split_whitespace().collect();
        let stats = answer.split(r#""RequestBytes":{"#).nth(1);
        let stats =
            stats.ok_or_else(|| Seen(format!("a call was answered {answer}, need \"RequestBytes\"")))?;
        let stats = stats.split('}').next().unwrap_or_default();
        let has_all = counts.iter().all(|count| stats.contains(count));
        ensure(has_all && stats.matches('/').count() == counts.len(), || {
            let needed = if counts.is_empty() { "no path".to_owned() } else { counts.join(" and ") };
            format!("the stats are {{{stats}}}, need {needed}")
        })?;
    }
    Ok(())
}

fn tells_calls_apart(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start_with_rpc(&backend)?;
    let notification = CALL.replace(r#","id":1"#, "");
    let response = post(&mut running.rpc_client()?, &notification)?;
    let (status, length) = (response.status, response.body.len());
    ensure((status, length) == (204, 0), || {
        format!("a notification was answered {status} with {length} bytes, need 204 without a body")
    })?;
    // JSON-RPC 2.0 section 4: null is a discouraged id, but it is an id.
    let answer = call(&running, &CALL.replace("1}", "null}"))?;
    ensure(answer.contains("\"result\""), || {
        format!(
            "a call whose id is null was answered {answer}, need a result: only one without an id is a notification"
        )
    })?;
    let batch = call(&running, &format!("[{CALL},{notification}]"))?;
    let answers = batch.matches("jsonrpc").count();
    ensure(answers == 1, || format!("a batch of a call and a notification got {answers} answers, need 1"))?;
    for (params, is_valid) in [("{}", true), ("[]", true), ("[{}]", true), ("[1]", false), ("null", false)] {
        let answer = call(&running, &CALL.replace(r#","id""#, &format!(r#","params":{params},"id""#)))?;
        ensure(answer.contains("\"result\"") == is_valid && answer.contains("-32602") != is_valid, || {
            let needed = if is_valid { "a result" } else { "the error -32602" };
            format!("a call with the params {params} was answered {answer}, need {needed}")
        })?;
    }
    Ok(())
}

fn delays_no_other_client(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start_with_rpc(&backend)?;
    let mut stalled = running.rpc_client()?;
    stalled.send("POST /rpc HTTP/1.1\r\nHost:")?;
    let answer = post(&mut running.rpc_client()?, CALL);
    ensure(answer.is_ok_and(|response| response.status == 200), || {
        "while one stats client stalled within its call, another got no answer".to_owned()
    })?;
    let status = running.exchange(get("/a"))?.status;
    ensure(status == 200, || format!("while a stats client stalled, the proxy answered {status}"))
}
