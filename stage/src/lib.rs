//! The code that all stages share and that is not part of a lesson: flags, log, listener, exit codes.
//!
//! | file | what it holds |
//! |---|---|
//! | `flags.rs` | the flags that all stages have, and what they mean |
//! | `blocking.rs` | the listener over `std::net` |
//! | `tokio.rs` | the listener over tokio, with the feature `tokio` |
//! | `accept.rs` | the failures of both listeners |
//! | `answers.rs` | large answers that delay no other task, with the feature `tokio` |
//! | `open_files.rs` | the limit of open files |
//! | `output.rs` | the ready line, and one log line per request |
//! | `stderr.rs` | the log, panics, the reason for an exit: written without waiting for a reader |
//! | `queue.rs` | the output on stderr that is not written yet |
//! | `page.rs` | the live page of a proxy, for an administration port |
//! | `hosts.rs` | the hosts for which an administration port answers |
//! | `failure.rs` | errors that a person can act on, and the exit codes |

mod accept;
#[cfg(feature = "tokio")]
pub mod answers;
pub mod blocking;
mod failure;
mod flags;
mod hosts;
mod open_files;
mod output;
pub mod page;
mod queue;
mod stderr;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use codec::printable;
pub use failure::{Failure, OrTry, exit};
pub use flags::{EXAMPLES, Flags, parse_duration, parse_number, parse_size, resolve_address};
pub use hosts::{is_known_host, parse_host_name};
pub use open_files::raise_open_files_limit;
pub use output::{announce, log_call, log_report, log_silent_client};
pub use stderr::{report_panics, start_log};
