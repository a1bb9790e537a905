//! Stage 5: the stats RPC tells what was counted, and nobody waits for who asks.

use testkit::{Backend, Client, Response};

use super::Task;
use super::trial::{HELLO, Running, Seen, Subject, ensure, exchange, get};

pub(super) const TASKS: [Task; 3] = [
    Task {
        name: "5.1",
        title: "Copy the counts under their lock",
        promise: "the stats are what clients received",
        file: "stats.rs",
        function: "Stats::snapshot",
        lines: 1,
        minutes: 4,
        needs: None,
        hints: [
            "In `snapshot`, which the RPC calls for each answer.",
            "`lock` gives the map for as long as the guard lives. A copy of it can be encoded and sent after the \
             lock is released: who reads slowly holds a copy, and nothing else.",
            "    self.lock(). ... ()",
        ],
        patch: include_str!("../../tasks/5.1.patch"),
        holds: tells_what_was_counted,
    },
    Task {
        name: "5.2",
        title: "Tell calls, notifications and bad calls apart",
        promise: "a notification gets no answer, bad params an error",
        file: "rpc.rs",
        function: "check_call",
        lines: 6,
        minutes: 8,
        needs: None,
        hints: [
            "In `check_call`: its result is `None` where there is to be no answer.",
            "A call without an `id` is a notification (JSON-RPC 2.0 section 4.1): `?` on an `Option` returns \
             `None`. `field(\"params\")` is `None` if there are none, which is fine, as are {}, [] and [{}].",
            "    let id = id?;\n\
             and before the result\n\
             \x20   match field(\"params\") {\n\
             \x20       None => {}\n\
             \x20       Some(params) if params == json!({}) || ... => {}\n\
             \x20       Some(_) => return Some(Err(error(id, -32602, \"Invalid params\"))),\n\
             \x20   }",
        ],
        patch: include_str!("../../tasks/5.2.patch"),
        holds: tells_calls_apart,
    },
    Task {
        name: "5.3",
        title: "Serve each stats client in a task of its own",
        promise: "a stats client that stalls delays no other",
        file: "rpc.rs",
        function: "start",
        lines: 2,
        minutes: 4,
        needs: None,
        hints: [
            "In `start`, the loop that accepts stats clients.",
            "It is task 2.1 once more: the loop waits until a client is served. The task needs a share of the \
             `Rpc` of its own.",
            "    let rpc = Arc::clone( ... );\n\
             \x20   tokio::spawn(async move { serve( ... ).await });",
        ],
        patch: include_str!("../../tasks/5.3.patch"),
        holds: delays_no_other_client,
    },
];

const CALL: &str = r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":1}"#;

fn post(client: &mut Client, call: &str) -> Result<Response, Seen> {
    let length = call.len();
    let fields = "Host: localhost\r\nContent-Type: application/json";
    exchange(client, format!("POST /rpc HTTP/1.1\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{call}"))
}

/// The answer to a call.
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
    // JSON-RPC 2.0 section 4: null is an id that is not wise, and an id.
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
