//! `cargo lab ...`: the attendee's tool. A library, so that its tests and `cargo maintain` can use its parts.

/// Keeps the files that `cargo lab start` replaces.
pub mod backup;
/// `cargo lab bench`: compares stages.
pub mod bench;
/// Runs checks on a built binary.
pub mod build;
pub mod check;
/// A gentle load.
mod clients;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod get;
pub mod hint;
pub mod list;
/// A lock for one command at a time.
pub mod lock;
/// Merges two changes of one text.
mod merge;
/// Files that replace others at once.
mod new_files;
/// Carries work/ to the start of the next stage.
pub mod next;
/// The paths of the workspace and of stored files.
pub mod places;
/// The attendee's progress.
pub mod progress;
/// Brings a backup back.
pub mod restore;
/// Makes text from the network safe to print.
pub mod shown;
/// Shows and writes the solution of a task.
pub mod solve;
/// The source files that cargo builds.
pub mod sources;
pub mod start;
/// Handles failed writes to stdout.
mod stdout;
/// Checks again whenever a file changes.
mod watch;
