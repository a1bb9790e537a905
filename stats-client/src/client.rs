//! Calls the RPC over the codec, and distinguishes its failures.

use std::fmt;

use codec::blocking::BackendConnection;
use codec::{BackendAddress, BodyFraming, Cause, Error, Limits, Piece, Refusal, RequestHead, printable};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Backends, GET_BACKENDS, GET_QUEUE, GET_REQUEST_STATS, GET_STATS, PATH, Queue, Requests, Stats};

/// The largest answer that is read: 10,000 paths of 1 KiB, and their numbers, are a sixth of it.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The error code of an unknown method (JSON-RPC 2.0 section 5.1).
const METHOD_NOT_FOUND: i64 = -32601;

/// Why there are no stats.
#[derive(Debug)]
pub enum ClientError {
    /// The RPC does not listen or does not answer.
    Down(String, Error),
    /// The RPC refuses the call, with a status other than 200 or an error of JSON-RPC.
    Refused(String),
    /// The answer is not JSON-RPC.
    InvalidAnswer(String),
}

/// A response object (JSON-RPC 2.0 section 5).
#[derive(Deserialize)]
struct CallResponse {
    result: Option<Value>,
    error: Option<CallError>,
}

#[derive(Deserialize)]
struct CallError {
    code: i64,
    message: String,
}

/// Asks the RPC at `rpc` for the stats of the proxy.
pub fn get_stats(rpc: &BackendAddress) -> Result<Stats, ClientError> {
    call(rpc, GET_STATS)
}

/// Asks the RPC at `rpc` for the backends of the proxy.
pub fn get_backends(rpc: &BackendAddress) -> Result<Backends, ClientError> {
    call(rpc, GET_BACKENDS)
}

/// Asks the RPC at `rpc` how long the requests for each path took.
pub fn get_request_stats(rpc: &BackendAddress) -> Result<Requests, ClientError> {
    call(rpc, GET_REQUEST_STATS)
}

/// Asks the RPC at `rpc` how many requests are served, and how many wait for that.
pub fn get_queue(rpc: &BackendAddress) -> Result<Queue, ClientError> {
    call(rpc, GET_QUEUE)
}

fn call<T: DeserializeOwned>(rpc: &BackendAddress, method: &str) -> Result<T, ClientError> {
    let call = json!({ "jsonrpc": "2.0", "method": method, "id": 1 }).to_string();
    let body = exchange(rpc, call.as_bytes())?;
    let invalid = |what: &str| ClientError::InvalidAnswer(format!("{rpc}: {what}"));
    let response: CallResponse =
        serde_json::from_slice(&body).map_err(|error| invalid(&format!("not JSON-RPC: {error}")))?;
    if let Some(CallError { code, message }) = response.error {
        let hint = match code {
            METHOD_NOT_FOUND => format!(". A stage without {method} runs there"),
            _ => String::new(),
        };
        return Err(ClientError::Refused(format!("{rpc} refuses the call: {message} ({code}){hint}")));
    }
    let result = response.result.ok_or_else(|| invalid("neither a result nor an error"))?;
    serde_json::from_value(result)
        .map_err(|error| invalid(&format!("the result is not that of {method}: {error}")))
}

/// Sends the call, and returns the body of a 200.
fn exchange(rpc: &BackendAddress, call: &[u8]) -> Result<Vec<u8>, ClientError> {
    let down = |error| ClientError::Down(rpc.to_string(), error);
    let framing = BodyFraming::ContentLength(call.len() as u64);
    let mut request = RequestHead::new("POST", PATH, rpc.authority(), framing)
        .map_err(|refusal| ClientError::Refused(format!("{rpc}: {refusal}")))?;
    request.fields.append("Content-Type", "application/json");
    request.fields.append("Accept", "application/json");

    let mut connection = BackendConnection::connect(rpc, &Limits::DEFAULT).map_err(down)?;
    connection.close_after_response();
    let (mut writer, mut reader) = connection.split(&request);
    writer.write_head(&request);
    writer.write_piece(Piece::last(call)).map_err(down)?;
    let response = reader.read_final_response().map_err(|error| failed(rpc, error))?;
    let body = reader.read_body(MAX_ANSWER_BYTES).map_err(|error| failed(rpc, error))?;
    match response.status() {
        200 => Ok(body),
        status => {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
            Err(ClientError::Refused(format!("{rpc} answers {status}: {text}")))
        }
    }
}

fn failed(rpc: &BackendAddress, error: Error) -> ClientError {
    match error.cause() {
        Cause::Refused(Refusal::BodyTooLarge) => {
            ClientError::InvalidAnswer(format!("{rpc}: an answer of over {MAX_ANSWER_BYTES} bytes"))
        }
        Cause::Refused(refusal) => {
            ClientError::InvalidAnswer(format!("{rpc} does not speak HTTP: {refusal}"))
        }
        _ => ClientError::Down(rpc.to_string(), error),
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Down(rpc, error) => {
                write!(f, "no stats from {rpc} ({error}). Is part5 running on {rpc}? Try: cargo run -p part5")
            }
            // They quote the answer, which may contain control characters.
            ClientError::Refused(text) | ClientError::InvalidAnswer(text) => printable(text).fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}
