//! Connections to the backend are kept, and a broken one never costs a request that can be helped (from part4 on).

mod borrowed;
mod faults;
mod idle;
mod keeping;
mod repeating;

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";
