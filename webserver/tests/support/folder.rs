//! A folder of files for one test, removed with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use super::Webserver;

/// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 section 5.6.7.
pub const MODIFIED: Duration = Duration::from_secs(784_111_777);
pub const MODIFIED_DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("docroot-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Folder { path }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A file with its folders, modified at [`MODIFIED`].
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> File {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + MODIFIED).unwrap();
        file
    }

    /// A webserver whose docroot is the folder `name` in this one.
    pub fn serve(&self, name: &str) -> Webserver {
        Webserver::start(&["--docroot", self.path(name).to_str().unwrap()])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
