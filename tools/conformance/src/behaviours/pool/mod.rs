//! Connections to the backend are kept, and a broken one never costs a request that can be helped (from part4 on).

pub mod borrowed;
pub mod faults;
pub mod idle;
pub mod keeping;
pub mod repeating;

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";
