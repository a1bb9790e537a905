//! What an intermediary changes: whole heads as they come in, and as they leave.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

#[path = "../common/mod.rs"]
mod common;
mod request;
mod response;
