//! Lets only one command at a time work in a workspace. A command that must wait reports it, as cargo does.
//!
//! The system releases a lock when its process ends in any way.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use stage::Failure;

use crate::places::{OrCannot, Places};

/// A lock that only one command at a time holds.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other command in this workspace holds the lock `name`, then takes it.
    pub fn take(places: &Places, name: &str) -> Result<Lock, Failure> {
        let path = places.kept(&format!("lock-{name}"));
        fs::create_dir_all(path.parent().unwrap_or(&path)).or_cannot("lock", &path)?;
        if let Some(file) = open(&path, false).or_cannot("lock", &path)? {
            return Ok(Lock { _file: file });
        }
        eprintln!("waiting: another cargo lab in this workspace is busy with {name}");
        let file = open(&path, true).and_then(|file| file.ok_or(ErrorKind::WouldBlock.into()));
        Ok(Lock { _file: file.or_cannot("lock", &path)? })
    }
}

/// Returns the locked file; `None` if another process holds the lock and `waits` is false.
#[cfg(unix)]
fn open(path: &Path, waits: bool) -> std::io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let operation =
        if waits { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    loop {
        match flock(&file, operation) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::WOULDBLOCK) => return Ok(None),
            // A signal arrived. Ctrl-C ends the process elsewhere.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The same for Windows, where one process can open a file exclusively, but is not notified of its release.
#[cfg(windows)]
fn open(path: &Path, waits: bool) -> std::io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;

    const SHARING_VIOLATION: i32 = 32;
    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
    loop {
        match OpenOptions::new().create(true).append(true).share_mode(0).open(path) {
            Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => {}
            opened => return opened.map(Some),
        }
        if !waits {
            return Ok(None);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
