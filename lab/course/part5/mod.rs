//! Stage 5: the stats RPC reports the counts, and no client waits for a caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use testkit::{Backend, Client, Response};

use crate::Folder;
use crate::observed::{Seen, ensure};
use crate::trial::{HELLO, Running, Subject, exchange, get};

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("5.1", include_str!("5.1.patch"), reports_the_counts),
        ("5.2", include_str!("5.2.patch"), distinguishes_calls),
        ("5.3", include_str!("5.3.patch"), delays_no_other_client),
    ],
    larger: Some(include_str!("5.all.patch")),
};

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

/// The counts in the answer to a call, as the JSON text between the braces.
fn stats(running: &Running) -> Result<String, Seen> {
    let answer: String = call(running, CALL)?.split_whitespace().collect();
    let stats = answer.split(r#""RequestBytes":{"#).nth(1).and_then(|stats| stats.split('}').next());
    let stats = stats.map(str::to_owned);
    stats.ok_or_else(|| Seen::new(format!("a call was answered {answer}, need \"RequestBytes\"")))
}

fn reports_the_counts(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    for (request, counts) in
        [(None, &[][..]), (Some("/b"), &[r#""/b":5"#][..]), (Some("/a?x"), &[r#""/a":5"#, r#""/b":5"#][..])]
    {
        if let Some(path) = request {
            running.exchange(get(path))?;
        }
        let stats = stats(&running)?;
        let has_all = counts.iter().all(|count| stats.contains(count));
        ensure(has_all && stats.matches('/').count() == counts.len(), || {
            let needed = if counts.is_empty() { "no path".to_owned() } else { counts.join(" and ") };
            format!(
                "the stats are {{{stats}}}, need {needed}. Does each call return a copy of the whole map, and leave \
                 the map as it is?"
            )
        })?;
    }
    copies_all_counts_at_once(subject)
}

/// Clients ask for their paths in turn, so of two paths the later one never has more than the earlier one. A copy that
/// was made while the counts changed shows it sooner or later.
fn copies_all_counts_at_once(subject: &Subject<'_>) -> Result<(), Seen> {
    const CLIENTS: usize = 4;
    const PATHS: usize = 400;
    const CALLS: usize = 60;
    let path = |client: usize, place: usize| format!("/{client}/{place}");
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let is_over = AtomicBool::new(false);
    let ask = |client: usize| -> Result<(), Seen> {
        let requests: String = (0..PATHS).map(|place| get(&path(client, place))).collect();
        let mut connection = running.client()?;
        connection.send(&requests)?;
        (0..PATHS).try_for_each(|_| connection.read_response("GET").map(drop))?;
        Ok(())
    };
    let ask_on = |client| loop {
        let asked = ask(client);
        if asked.is_err() || is_over.load(Ordering::Relaxed) {
            return asked;
        }
    };
    let look = || -> Result<(), Seen> {
        for _ in 0..CALLS {
            let stats = stats(&running)?;
            let of = |entry: &str| {
                let (path, bytes) = entry.rsplit_once(':')?;
                Some((path.trim_matches('"').to_owned(), bytes.parse::<u64>().ok()?))
            };
            let counts: HashMap<String, u64> = stats.split(',').filter_map(of).collect();
            for client in 0..CLIENTS {
                let bytes: Vec<u64> =
                    (0..PATHS).map(|place| counts.get(&path(client, place)).copied().unwrap_or(0)).collect();
                ensure(
                    bytes.is_sorted_by(|earlier, later| earlier >= later) && bytes[0] - bytes[PATHS - 1] <= 5,
                    || {
                        "a client asked for its paths in turn, and the stats have counts that never were at once. Is the \
                     whole map copied under one lock?"
                        .to_owned()
                    },
                )?;
            }
        }
        Ok(())
    };
    // All paths are there before the first look, so that each copy takes long.
    (0..CLIENTS).try_for_each(ask)?;
    thread::scope(|scope| {
        let asking: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || ask_on(client))).collect();
        let looked = look();
        is_over.store(true, Ordering::Relaxed);
        looked?;
        for client in asking {
            client.join().map_err(|_| Seen::new("a client of the check has failed"))??;
        }
        Ok(())
    })
}

fn distinguishes_calls(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let notification = CALL.replace(r#","id":1"#, "");
    let (bad_params, other_method) =
        (notification.replace('}', r#","params":[1]}"#), notification.replace("GetStats", "Other"));
    for notification in [&notification, &bad_params, &other_method] {
        let response = post(&mut running.rpc_client()?, notification)?;
        let (status, length) = (response.status, response.body.len());
        ensure((status, length) == (204, 0), || {
            format!(
                "a notification was answered {status} with {length} bytes, need 204 without a body: {notification} has \
                 no id, so it gets no answer, not even an error"
            )
        })?;
    }
    // JSON-RPC 2.0 section 5: what is not a call is answered with the id null.
    for invalid in [r#"{"jsonrpc":"2.0"}"#, r#"{"jsonrpc":"1.0","method":"x"}"#, "{}", "1"] {
        let response = post(&mut running.rpc_client()?, invalid)?;
        let text = response.text();
        ensure(response.status == 200 && text.contains("-32600") && text.contains(r#""id":null"#), || {
            format!(
                "{invalid} was answered {} {text:?}, need the error -32600 with the id null: it is no valid call, so \
                 it is no notification, though it has no id",
                response.status
            )
        })?;
    }
    // JSON-RPC 2.0 section 4: null is a discouraged id, but it is an id.
    let response = post(&mut running.rpc_client()?, &CALL.replace("1}", "null}"))?;
    let text = response.text();
    ensure(text.contains("\"result\""), || {
        let status = response.status;
        format!(
            "a call whose id is null was answered {status} {text:?}, need a result: only a call without an id is a \
             notification"
        )
    })?;
    let batch = call(&running, &format!("[{CALL},{notification}]"))?;
    let answers = batch.matches("jsonrpc").count();
    ensure(answers == 1, || format!("a batch of a call and a notification got {answers} answers, need 1"))?;
    let valid = ["{}", "[]", "[{}]"].map(|params| (params, true));
    let invalid = ["[1]", "null", r#"{"a":1}"#, "[{},{}]", "1"].map(|params| (params, false));
    for (params, is_valid) in valid.into_iter().chain(invalid) {
        let answer = call(&running, &CALL.replace(r#","id""#, &format!(r#","params":{params},"id""#)))?;
        ensure(answer.contains("\"result\"") == is_valid && answer.contains("-32602") != is_valid, || {
            let needed = if is_valid { "a result" } else { "the error -32602" };
            format!("a call with the params {params} was answered {answer}, need {needed}")
        })?;
        // JSON-RPC 2.0 section 5: the id is that of the call. Null is for a call whose id cannot be known.
        ensure(answer.split_whitespace().collect::<String>().contains(r#""id":1"#), || {
            format!(
                "a call with the id 1 and the params {params} was answered {answer}, need the same id: it says which \
                 call this answers"
            )
        })?;
    }
    Ok(())
}

fn delays_no_other_client(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let answered = |what: &str, cause: &str| {
        let client = running.rpc_client();
        let answer = client.and_then(|mut client| post(&mut client, CALL));
        ensure(answer.is_ok_and(|response| response.status == 200), || format!("{what}. {cause}"))
    };
    answered(
        "a stats client got no answer",
        "Is `serve` awaited in the task? Without `.await` it does not begin",
    )?;
    let mut stalled = running.rpc_client()?;
    stalled.send("POST /rpc HTTP/1.1\r\nHost:")?;
    answered(
        "while one stats client stalled within its call, another got no answer",
        "Does the loop wait for the task before it accepts the next?",
    )?;
    let status = running.exchange(get("/a"))?.status;
    ensure(status == 200, || format!("while a stats client stalled, the proxy answered {status}"))
}
