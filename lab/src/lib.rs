//! `cargo lab ...`: the attendee's tool. A library, so that its tests and `cargo maintain` can look into it.

/// What `cargo lab start` replaces, and where it is kept.
pub mod backup;
/// `cargo lab bench`: measures stages against each other.
pub mod bench;
/// Builds and runs what is checked.
pub mod build;
pub mod check;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod get;
pub mod hint;
pub mod list;
/// Lets one command at a time do something.
pub mod lock;
/// Where things are.
pub mod places;
/// What the attendee has done so far.
pub mod progress;
/// Text from the network, as it may be shown.
pub mod shown;
/// The sources of a stage: what cargo would build.
pub mod sources;
pub mod start;
/// The attendee's tasks: what is cut out of each stage, how it is checked, and what is said about it.
pub mod tasks;
