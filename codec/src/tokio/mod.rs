//! The codec over tokio. Each call yields to other tasks until it is done.
//!
//! Each direction of an exchange is a future, and [`both_ways`] polls the two in one task. Dropping a future
//! that reads loses nothing. Dropping one that writes leaves a connection that is not used again.

mod backend;
mod borrowed;
mod both_ways;
mod client;
mod connections;
mod idle;
mod pipe;
mod poll;
mod promise;
mod request_body;
mod request_writer;
mod reset;
mod response_reader;
mod response_writer;
mod reuse;
mod socket;
mod splice;
mod sweep;
mod timer;
mod tunnel;
mod whole;

pub use backend::BackendConnection;
pub use borrowed::{Borrow, Borrows};
pub use both_ways::{BothWays, both_ways};
pub use client::ClientConnection;
pub use connections::{ClientStream, ConnectionGuard, Connections};
pub use pipe::{MAX_PIPES, limit_pipes};
pub use request_body::RequestBody;
pub use request_writer::RequestWriter;
pub use response_reader::ResponseReader;
pub use response_writer::ResponseWriter;
