//! The codec over `std::net`. Each call blocks until it is done.
//!
//! Each direction of an exchange is a closure, and [`both_ways`] runs the two. The upload runs in a thread of
//! its own if the request has a body. A waiting thread checks every 100 ms whether the other direction has
//! ended.

mod backend;
mod both_ways;
mod client;
mod request_body;
mod request_writer;
mod response_reader;
mod response_writer;
mod socket;
mod tick;
mod whole;

pub use backend::BackendConnection;
pub use both_ways::both_ways;
pub use client::ClientConnection;
pub use request_body::RequestBody;
pub use request_writer::RequestWriter;
pub use response_reader::ResponseReader;
pub use response_writer::ResponseWriter;
