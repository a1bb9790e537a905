//! The stats RPC: JSON-RPC 2.0 over HTTP, on a port and in tasks of its own.
//!
//! The counts are copied under their lock; encoding and sending come after it is released, so that a slow RPC client
//! delays nobody.

use std::collections::HashMap;
use std::sync::Arc;

use codec::tokio::ClientConnection;
use codec::{BodyFraming, Error, Limits, Piece, RequestHead, ResponseHead};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stage::tokio::Listener;
use stats_client::{GET_BACKENDS, GET_STATS, PATH, Stats};

use crate::proxy::Proxy;

/// The largest call: one is about 100 bytes, a batch of [`MAX_BATCH`] less than 4 KiB.
const MAX_CALL_BYTES: u64 = 64 * 1024;
/// The most calls in a batch: each is answered with all paths, so a small batch would make a large answer.
const MAX_BATCH: usize = 16;
/// The most RPC clients at once; the next one waits.
const MAX_CLIENTS: u64 = 64;

/// The fields of a call. Each is kept as the bytes it came in, so an id comes back unchanged.
type Call<'a> = HashMap<String, &'a RawValue>;

/// Returns the result of a call.
type Method = fn(&Proxy) -> Value;

/// What can be called.
const METHODS: &[(&str, Method)] = &[
    // A copy: no lock is held when it is turned into JSON.
    (GET_STATS, |proxy| json!(Stats { request_bytes: proxy.stats.snapshot().into_iter().collect() })),
    (GET_BACKENDS, |proxy| json!(proxy.balancer.snapshot())),
];

static LIMITS: Limits = Limits { max_body_bytes: Some(MAX_CALL_BYTES), ..Limits::DEFAULT };

/// The flags of the RPC.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Where to listen for stats clients
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8079")]
    rpc: String,
}

/// Listens for stats clients from now on, and returns the URL.
pub fn start(flags: &Flags, proxy: Arc<Proxy>) -> anyhow::Result<String> {
    let mut listener = Listener::bind_flag("--rpc", &flags.rpc, Some(MAX_CLIENTS))?.with_limits(&LIMITS);
    let url = listener.url() + PATH;
    tokio::spawn(async move {
        while let Some(client) = listener.accept().await {
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move { serve(client, &proxy).await });
        }
    });
    Ok(url)
}

async fn serve(mut client: ClientConnection, proxy: &Proxy) {
    while client.wait_for_request().await {
        let outcome = exchange(&mut client, proxy).await;
        stage::log_report(&client.finish(outcome, None).await);
    }
    client.close().await;
}

async fn exchange(client: &mut ClientConnection, proxy: &Proxy) -> Result<(), Error> {
    let request = client.read_request().await?;
    let (mut body, mut to_client) = client.split();
    if request.has_body() && request.fields.list_contains("Expect", "100-continue") {
        // RFC 9110 section 10.1.1: the client may wait with its body until it is asked for it.
        to_client.write_interim(&ResponseHead::new(100, BodyFraming::Empty)).await?;
    }
    let mut call = Vec::new();
    while let Some(piece) = body.next_piece().await? {
        call.extend_from_slice(piece.bytes());
    }
    let answer = match check(&request) {
        Ok(()) => answer(&call, proxy),
        Err(refused) => refused,
    };
    let length = answer.body.len() as u64;
    let framing = if answer.status == 204 { BodyFraming::Empty } else { BodyFraming::ContentLength(length) };
    let mut head = ResponseHead::new(answer.status, framing).with("Content-Type", answer.content_type);
    if answer.status == 405 {
        // RFC 9110 section 15.5.6: 405 lists what is allowed.
        head.fields.append("Allow", "POST");
    }
    to_client.write_head(&head);
    to_client.write_piece(Piece::last(answer.body.as_bytes())).await?;
    Ok(())
}

struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl Answer {
    fn text(status: u16, text: &str) -> Answer {
        Answer { status, content_type: "text/plain; charset=utf-8", body: format!("{text}\n") }
    }

    fn json(body: String) -> Answer {
        Answer { status: 200, content_type: "application/json", body }
    }
}

/// Whether a request is one of JSON-RPC at all.
fn check(request: &RequestHead) -> Result<(), Answer> {
    if request.path() != PATH {
        return Err(Answer::text(404, &format!("the stats RPC is at {PATH}")));
    }
    if request.method() != "POST" {
        return Err(Answer::text(
            405,
            &format!("POST a JSON-RPC call: {{\"jsonrpc\":\"2.0\",\"method\":\"{GET_STATS}\",\"id\":1}}"),
        ));
    }
    let media_type = |value: &[u8]| {
        value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase()
    };
    if request.fields.get("Content-Type").map(media_type).as_deref() != Some(b"application/json") {
        // RFC 9110 section 15.5.16
        return Err(Answer::text(415, "a call is JSON: send Content-Type: application/json"));
    }
    let accepts =
        |range: &[u8]| matches!(&media_type(range)[..], b"*/*" | b"application/*" | b"application/json");
    if request.fields.contains("Accept") && !request.fields.list("Accept").any(accepts) {
        // RFC 9110 section 15.5.7
        return Err(Answer::text(406, "an answer is JSON: send Accept: application/json, or none"));
    }
    Ok(())
}

/// Answers a call or a batch of calls (JSON-RPC 2.0 sections 4 to 6).
fn answer(call: &[u8], proxy: &Proxy) -> Answer {
    let Ok(call) = serde_json::from_slice::<&RawValue>(call) else {
        return Answer::json(error("null", -32700, "Parse error"));
    };
    let Ok(calls) = serde_json::from_str::<Vec<&RawValue>>(call.get()) else {
        // It is JSON and not an array, so it is a single call.
        return match answer_one(call, proxy) {
            Some(answer) => Answer::json(answer),
            None => Answer::text(204, ""),
        };
    };
    if calls.is_empty() || calls.len() > MAX_BATCH {
        let message = format!("Invalid Request: a batch has 1 to {MAX_BATCH} calls");
        return Answer::json(error("null", -32600, &message));
    }
    let answers: Vec<String> = calls.into_iter().filter_map(|call| answer_one(call, proxy)).collect();
    match answers.is_empty() {
        true => Answer::text(204, ""),
        false => Answer::json(format!("[{}]", answers.join(","))),
    }
}

/// Answers one call; `None` for a notification, which gets no answer.
fn answer_one(call: &RawValue, proxy: &Proxy) -> Option<String> {
    let Ok(call) = serde_json::from_str::<Call>(call.get()) else {
        return Some(error("null", -32600, "Invalid Request"));
    };
    let field = |name| call.get(name).map(|raw| serde_json::from_str(raw.get()).unwrap_or(Value::Null));
    let id = call.get("id").map(|id| id.get());
    // JSON-RPC 2.0 section 4: an id is a string, a number or null.
    let is_valid_id = id.is_none_or(|id| !id.starts_with(['{', '[', 't', 'f']));
    let method = field("method");
    let (true, true, Some(Value::String(method))) =
        (is_valid_id, field("jsonrpc") == Some(json!("2.0")), method)
    else {
        let id = id.filter(|_| is_valid_id).unwrap_or("null");
        return Some(error(id, -32600, "Invalid Request"));
    };
    let id = id?;
    let Some((_, result)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Some(error(id, -32601, "Method not found"));
    };
    match field("params") {
        None => {}
        Some(params) if params == json!({}) || params == json!([]) || params == json!([{}]) => {}
        Some(_) => return Some(error(id, -32602, "Invalid params: this method takes none")),
    }
    Some(format!(r#"{{"id":{id},"jsonrpc":"2.0","result":{}}}"#, result(proxy)))
}

/// `id` is JSON already.
fn error(id: &str, code: i32, message: &str) -> String {
    let error = json!({ "code": code, "message": message });
    format!(r#"{{"error":{error},"id":{id},"jsonrpc":"2.0"}}"#)
}
