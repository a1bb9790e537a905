//! What an intermediary changes: complete heads before and after forwarding.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

#[path = "../common/mod.rs"]
mod common;
mod request;
mod response;
