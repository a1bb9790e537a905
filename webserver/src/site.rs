//! What is after every path that is no experiment: the files of `--docroot`, or without it the page at `/`.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::path::Path;

use codec::RequestHead;
use stage::Failure;

use crate::content::Content;
use crate::files::{Docroot, Opened};
use crate::path::{FilePath, InvalidPath};
use crate::representation::Representation;
use crate::router::Rejection;
use crate::validators::Validators;

static PAGE: &[u8] = include_bytes!("page.html");

pub struct Site {
    docroot: Option<Docroot>,
    page: Validators,
}

/// What was found after a path.
#[derive(Debug)]
pub enum Found {
    Representation(Representation),
    /// A folder, whose path ends with a slash.
    Moved {
        location: String,
    },
}

impl Site {
    /// # Errors
    /// [`Failure::Usage`] if there is no folder at `docroot`.
    pub fn new(docroot: Option<&Path>) -> Result<Site, Failure> {
        let docroot = match docroot {
            Some(path) => Some(Docroot::new(path).map_err(|error| {
                let path = path.display();
                Failure::Usage(format!("--docroot {path}: {error}. It takes a folder that is there"))
            })?),
            None => None,
        };
        // The page is a part of this program, and as old.
        let program = env::current_exe().and_then(fs::metadata).and_then(|metadata| metadata.modified());
        Ok(Site { docroot, page: Validators::of_content(PAGE, program.ok()) })
    }

    pub fn has_docroot(&self) -> bool {
        self.docroot.is_some()
    }

    pub async fn find(&'static self, request: &RequestHead) -> Result<Found, Rejection> {
        let Some(docroot) = &self.docroot else {
            return Ok(Found::Representation(Representation {
                content: Content::Embedded(PAGE),
                length: PAGE.len() as u64,
                media_type: Cow::Borrowed("text/html; charset=utf-8"),
                validators: self.page.clone(),
            }));
        };
        let path = FilePath::decode(request.path()).map_err(|invalid| match invalid {
            InvalidPath::Encoding => {
                rejection(400, "the path has a NUL, or a % without two hexadecimal digits")
            }
            InvalidPath::NoFile => rejection(404, NO_FILE),
        })?;
        match docroot.open(path).await {
            Ok(Opened::File(representation)) => Ok(Found::Representation(representation)),
            Ok(Opened::Folder) => Ok(Found::Moved { location: folder_location(request) }),
            Ok(Opened::Nothing) => Err(rejection(404, NO_FILE)),
            Err(error) => {
                log::warn!("{}: {error}", request.path());
                Err(rejection(500, "the file cannot be opened"))
            }
        }
    }
}

const NO_FILE: &str = "there is no such file";

fn rejection(status: u16, text: &str) -> Rejection {
    Rejection { status, text: format!("{text}\n"), allow: None }
}

/// RFC 9110 section 10.2.2: a relative reference is enough. Its path starts with one slash only, which
/// `FilePath` has seen to: with two it would name another host (RFC 3986 section 4.2).
fn folder_location(request: &RequestHead) -> String {
    match request.path_and_query().split_once('?') {
        Some((path, query)) => format!("{path}/?{query}"),
        None => format!("{}/", request.path()),
    }
}
