//! The stats RPC: JSON-RPC 2.0 over HTTP, on a port and in tasks of its own.
//!
//! The counts are copied under their lock. They are encoded after it is released, on a thread outside of the runtime,
//! and sent piece by piece: neither a large answer nor a slow RPC client delays a proxied request.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use codec::tokio::ClientConnection;
use codec::{BodyFraming, Error, ResponseHead};
use serde_json::value::RawValue;
use serde_json::{Value, json, to_writer};
use stage::answers::{Answers, Body, Encoded};
use stage::tokio::Listener;
use stats_client::{GET_BACKENDS, GET_QUEUE, GET_REQUEST_STATS, GET_STATS, PATH, Stats, check_request};

use crate::page;
use crate::proxy::Proxy;

/// The largest call: one is about 100 bytes, a batch of [`MAX_BATCH`] less than 4 KiB.
const MAX_CALL_BYTES: usize = 64 * 1024;
/// The most calls in a batch: each is answered with all paths, so a small batch would make a large answer.
const MAX_BATCH: usize = 16;
/// The most RPC clients at once; the next one waits.
const MAX_CLIENTS: u64 = 64;

/// The fields of a call. Each is kept as its received bytes, so an id is returned unchanged.
type Call<'a> = HashMap<String, &'a RawValue>;

/// A name, and the function that writes the result of a call as JSON.
type Method = (&'static str, fn(&Proxy, &mut Encoded) -> serde_json::Result<()>);

/// The methods that can be called.
const METHODS: &[Method] = &[
    // A copy, so no lock is held while it is encoded as JSON.
    (GET_STATS, |proxy, out| {
        to_writer(out, &Stats { request_bytes: proxy.stats.snapshot().into_iter().collect() })
    }),
    (GET_BACKENDS, |proxy, out| to_writer(out, &proxy.balancer.snapshot())),
    (GET_REQUEST_STATS, |proxy, out| to_writer(out, &proxy.latencies.snapshot())),
    (GET_QUEUE, |proxy, out| to_writer(out, &proxy.queue.snapshot())),
];

/// The flags of the RPC.
#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Where to listen for stats clients
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8079")]
    rpc: String,

    /// Host names for which the RPC answers, besides localhost and IP addresses
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = stage::parse_host_name)]
    rpc_host: Vec<String>,
}

/// What all stats clients share.
struct Rpc {
    proxy: Arc<Proxy>,
    host_names: Vec<String>,
    answers: Answers,
}

/// Listens for stats clients from now on, and returns the URL.
pub fn start(flags: &Flags, proxy: Arc<Proxy>) -> anyhow::Result<String> {
    let mut listener = Listener::bind_flag("--rpc", &flags.rpc, Some(MAX_CLIENTS))?;
    let url = listener.url() + PATH;
    let rpc = Arc::new(Rpc { proxy, host_names: flags.rpc_host.clone(), answers: Answers::default() });
    tokio::spawn(async move {
        while let Some(client) = listener.accept().await {
            let rpc = Arc::clone(&rpc);
            tokio::spawn(async move { serve(client, &rpc).await });
        }
    });
    Ok(url)
}

impl Rpc {
    /// The result of a method, which a thread outside of the runtime encodes.
    async fn result(&self, &(name, write): &Method) -> io::Result<Arc<Encoded>> {
        let proxy = Arc::clone(&self.proxy);
        self.answers.get(name, move |out| Ok(write(&proxy, out)?)).await
    }
}

async fn serve(mut client: ClientConnection, rpc: &Rpc) {
    while client.wait_for_request().await {
        let outcome = exchange(&mut client, rpc).await;
        stage::log_call(&client.finish(outcome, None).await);
    }
    client.close().await;
}

async fn exchange(client: &mut ClientConnection, rpc: &Rpc) -> Result<(), Error> {
    let request = client.read_request().await?;
    let call = client.read_body(&request, MAX_CALL_BYTES).await?;
    let (_, mut to_client) = client.split();
    if let Some(page) = page::find(&request, &rpc.host_names) {
        return page.send(&mut to_client, &rpc.answers, &rpc.proxy).await;
    }
    if let Err((head, text)) = check_request(&request, &rpc.host_names) {
        return to_client.write_response(&head, text.as_bytes()).await;
    }
    let Some(body) = answer(&call, rpc).await else {
        // Notifications get no answer.
        return to_client.write_response(&ResponseHead::new(204, BodyFraming::Empty), &[]).await;
    };
    let framing = BodyFraming::ContentLength(body.length());
    to_client.write_head(&ResponseHead::new(200, framing).with("Content-Type", "application/json"));
    body.send(&mut to_client).await
}

/// Answers a call or a batch of calls (JSON-RPC 2.0 sections 4 to 6); `None` if all of them are notifications.
async fn answer(call: &[u8], rpc: &Rpc) -> Option<Body> {
    let Ok(call) = serde_json::from_slice::<&RawValue>(call) else {
        return Some(error("null", -32700, "Parse error").into());
    };
    // JSON that is not an array is a single call.
    let batch = serde_json::from_str::<Vec<&RawValue>>(call.get()).ok();
    let single = [call];
    let calls = batch.as_deref().unwrap_or(&single);
    if calls.is_empty() || calls.len() > MAX_BATCH {
        let message = format!("Invalid Request: a batch has 1 to {MAX_BATCH} calls");
        return Some(error("null", -32600, &message).into());
    }
    let outcomes: Vec<_> = calls.iter().filter_map(|call| check_call(call)).collect();
    if outcomes.is_empty() {
        return None;
    }
    let (mut before, end) = if batch.is_some() { ("[", "]") } else { ("", "") };
    let mut body = Body::default();
    // The calls of a batch share the result of a method.
    let mut results = HashMap::new();
    for outcome in outcomes {
        body.push_text(before);
        before = ",";
        let (id, method) = match outcome {
            Ok(valid) => valid,
            Err(refused) => {
                body.push_text(&refused);
                continue;
            }
        };
        if !results.contains_key(method.0) {
            results.insert(method.0, rpc.result(method).await);
        }
        match &results[method.0] {
            Ok(result) => {
                body.push_text(&format!(r#"{{"id":{id},"jsonrpc":"2.0","result":"#));
                body.push_encoded(Arc::clone(result));
                body.push_text("}");
            }
            Err(failure) => body.push_text(&error(id, -32000, &format!("Server error: {failure}"))),
        }
    }
    body.push_text(end);
    Some(body)
}

/// Returns the id and the method of a call, or an error; `None` for a notification, which gets no answer.
fn check_call(call: &RawValue) -> Option<Result<(&str, &'static Method), String>> {
    let Ok(call) = serde_json::from_str::<Call>(call.get()) else {
        return Some(Err(error("null", -32600, "Invalid Request")));
    };
    let field = |name| call.get(name).map(|raw| serde_json::from_str(raw.get()).unwrap_or(Value::Null));
    let id = call.get("id").copied().map(RawValue::get);
    // JSON-RPC 2.0 section 4: an id is a string, a number or null.
    let is_valid_id = id.is_none_or(|id| !id.starts_with(['{', '[', 't', 'f']));
    let method = field("method");
    let (true, true, Some(Value::String(method))) =
        (is_valid_id, field("jsonrpc") == Some(json!("2.0")), method)
    else {
        let id = id.filter(|_| is_valid_id).unwrap_or("null");
        return Some(Err(error(id, -32600, "Invalid Request")));
    };
    let id = id?;
    let Some(method) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Some(Err(error(id, -32601, "Method not found")));
    };
    match field("params") {
        None => {}
        Some(params) if params == json!({}) || params == json!([]) || params == json!([{}]) => {}
        Some(_) => return Some(Err(error(id, -32602, "Invalid params: this method takes none"))),
    }
    Some(Ok((id, method)))
}

/// `id` is JSON already.
fn error(id: &str, code: i32, message: &str) -> String {
    let error = json!({ "code": code, "message": message });
    format!(r#"{{"error":{error},"id":{id},"jsonrpc":"2.0"}}"#)
}
