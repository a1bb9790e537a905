//! The answers for all paths that are not experiments: the files of `--docroot`, or without it the book.

use std::borrow::Cow;
use std::path::Path;

use codec::{RequestHead, is_media_type};
use stage::Failure;

use crate::book::{Book, Document};
use crate::content::Content;
use crate::counters::Counters;
use crate::files::{Docroot, Opened};
use crate::path::{FilePath, InvalidPath};
use crate::rejection::{Rejection, check_method, not_found};
use crate::representation::Representation;
use crate::validators::Validators;

pub struct Site {
    docroot: Option<Docroot>,
    book: Book,
}

/// The result for a path.
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
    /// [`Failure::usage`] if there is no folder at `docroot`.
    pub fn new(docroot: Option<&Path>) -> Result<Site, Failure> {
        let docroot = match docroot {
            Some(path) => Some(Docroot::new(path).map_err(|error| {
                let problem = format!("--docroot {}: {error}", path.display());
                Failure::usage(problem, "an existing folder")
            })?),
            None => None,
        };
        Ok(Site { docroot, book: Book::new() })
    }

    pub fn has_docroot(&self) -> bool {
        self.docroot.is_some()
    }

    pub async fn find(&'static self, request: &RequestHead, counters: &Counters) -> Result<Found, Rejection> {
        let path = FilePath::decode(request.path()).map_err(|invalid| match invalid {
            InvalidPath::Encoding => {
                Rejection::new(400, "the path has a NUL, or a % without two hexadecimal digits")
            }
            InvalidPath::NoFile => self.nothing(request),
        })?;
        let Some(docroot) = &self.docroot else {
            return self.find_in_book(path, request, counters).await;
        };
        match docroot.open(path).await {
            Ok(Opened::File(representation)) => Ok(Found::Representation(representation)),
            Ok(Opened::Folder) => Ok(Found::Moved { location: folder_location(request) }),
            Ok(Opened::Nothing) => Err(self.nothing(request)),
            Err(error) => {
                log::warn!("{}: {error}", request.path());
                Err(Rejection::new(500, "the file cannot be opened"))
            }
        }
    }

    async fn find_in_book(
        &'static self,
        path: FilePath,
        request: &RequestHead,
        counters: &Counters,
    ) -> Result<Found, Rejection> {
        let counts = counters.counts();
        // The first page has the empty path, and no other page has one that ends with a slash.
        let is_page = !path.is_folder || path.path.as_os_str().is_empty();
        let names: Option<Vec<&str>> = path.path.iter().map(|name| name.to_str()).collect();
        let name =
            names.filter(|_| is_page).map(|names| names.join("/")).ok_or_else(|| self.nothing(request))?;
        // A disk may block, so the files are read on a thread that serves no clients.
        let found = tokio::task::spawn_blocking(move || self.book.find(&name, &counts)).await;
        let Document { content, media_type } = found
            .map_err(|error| {
                log::warn!("{}: {error}", request.path());
                Rejection::new(500, "the page cannot be made")
            })?
            .ok_or_else(|| self.nothing(request))?;
        check_method(request, "GET, HEAD")?;
        Ok(Found::Representation(Representation {
            length: content.len() as u64,
            media_type: Cow::Borrowed(media_type),
            validators: Validators::of_content(&content),
            content: Content::Memory(content),
        }))
    }

    /// The page of the book about a rejection, for a browser. `None` if there is no book, or the client does not accept
    /// HTML.
    pub async fn page_about(
        &'static self,
        rejection: &Rejection,
        request: &RequestHead,
        counters: &Counters,
    ) -> Option<Document> {
        // RFC 9110 section 12.5.1: browsers name the type. curl accepts any type, so it gets the text.
        let is_html = |range: &[u8]| is_media_type(range, "text/html");
        if self.has_docroot() || !request.fields.list("Accept").any(is_html) {
            return None;
        }
        let (status, text, path) = (rejection.status, rejection.text.clone(), request.path().to_owned());
        let counts = counters.counts();
        let made =
            tokio::task::spawn_blocking(move || self.book.refusal(status, &text, &path, &counts)).await;
        made.inspect_err(|error| log::warn!("{}: {error}", request.path())).ok()
    }

    fn nothing(&self, request: &RequestHead) -> Rejection {
        match self.docroot {
            Some(_) => Rejection::new(404, "there is no such file"),
            None => not_found(request),
        }
    }
}

/// RFC 9110 section 10.2.2: a relative reference is enough. Its path starts with one slash only, which `FilePath`
/// ensures: with two it would name another host (RFC 3986 section 4.2).
fn folder_location(request: &RequestHead) -> String {
    match request.path_and_query().split_once('?') {
        Some((path, query)) => format!("{path}/?{query}"),
        None => format!("{}/", request.path()),
    }
}
