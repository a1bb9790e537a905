//! The limit of open files. A file of its own, because the limit is that of the process.

#![cfg(target_os = "linux")] // Elsewhere, there may be no maximum.
#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stage::raise_open_files_limit;

#[test]
fn the_limit_of_open_files_is_raised_to_its_maximum() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    assert_eq!(Some(raise_open_files_limit().unwrap()), maximum);
    assert_eq!(getrlimit(Resource::Nofile), Rlimit { current: maximum, maximum });
    // At the maximum, there is nothing to raise.
    assert_eq!(Some(raise_open_files_limit().unwrap()), maximum);
}
