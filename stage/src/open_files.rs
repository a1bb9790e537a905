//! The limit of open files, which connections count against.

use std::io;

/// Raises the limit of open files of this process and its children as far as allowed, and returns it. `u64::MAX` means
/// that there is none.
///
/// # Errors
/// The system refuses a limit that it has reported as allowed.
#[cfg(unix)]
pub fn raise_open_files_limit() -> io::Result<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    /// What macOS grants to each process, although it states no maximum.
    const WITHOUT_MAXIMUM: u64 = 10_240;

    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(WITHOUT_MAXIMUM);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(limit.current.unwrap_or(u64::MAX))
}

/// Windows sets no limit. Returns `u64::MAX`.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn raise_open_files_limit() -> io::Result<u64> {
    Ok(u64::MAX)
}
