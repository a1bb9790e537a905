//! Backend connections are kept, and a broken one costs no request that can be saved (from part4 on).

pub mod borrowed;
pub mod faults;
pub mod idle;
pub mod keeping;
pub mod repeating;

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";
