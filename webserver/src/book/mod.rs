//! The workshop's book, and what belongs to it: sources, differences between stages, the counters, the report.
//!
//! A page is made for each request from small files, so an author sees each edit after a reload, and no cached state
//! can be outdated.
//!
//! Invariant: this code reads files, which may block, so it does not run on a thread that serves clients.

mod chapter;
mod code;
mod difference;
mod layout;
mod live;
mod refusal;
mod rows;
mod sources;
mod summary;
mod workspace;

use std::borrow::Cow;

use crate::book::layout::{Layout, Page};
use crate::book::summary::Summary;
use crate::book::workspace::Workspace;
use crate::counters::Counts;

const HTML: &str = "text/html; charset=utf-8";

/// The list of experiments, written by hand.
const EXPERIMENTS: &str = include_str!("experiments.html");

pub struct Book {
    workspace: Workspace,
}

/// A document of the book, ready to send.
#[derive(Debug)]
pub struct Document {
    pub content: Cow<'static, [u8]>,
    pub media_type: &'static str,
}

impl Document {
    fn of_text(text: &'static str, media_type: &'static str) -> Document {
        Document { content: Cow::Borrowed(text.as_bytes()), media_type }
    }
}

impl Book {
    pub fn new() -> Book {
        Book { workspace: Workspace::find() }
    }

    /// The document at a path of plain names, without a leading slash; `None` if there is none.
    pub fn find(&self, path: &str, counts: &Counts) -> Option<Document> {
        if let Some(name) = path.strip_prefix("images/") {
            return self.image(name);
        }
        let names: Vec<&str> = path.split('/').collect();
        let page = match names[..] {
            ["experiments"] => Page::new("Experiments", EXPERIMENTS.to_owned()),
            ["counters"] => live::counters(counts),
            ["counters", "live"] => live::live_counters(counts),
            ["live"] => live::picture(),
            ["live.css"] => return Some(Document::of_text(live::STYLE, "text/css; charset=utf-8")),
            ["live.js"] => return Some(Document::of_text(live::SCRIPT, "text/javascript; charset=utf-8")),
            ["report"] => match self.workspace.report() {
                Some(report) => {
                    let content = Cow::Owned(live::report(&report).into_bytes());
                    return Some(Document { content, media_type: HTML });
                }
                None => live::no_report(),
            },
            ["source"] => sources::list(&self.workspace),
            ["source", crate_name, ..] => {
                let name = path.strip_prefix("source/")?.strip_prefix(crate_name)?.strip_prefix('/')?;
                sources::file(&self.workspace, crate_name, name)?
            }
            ["diff"] => difference::list(&self.workspace),
            ["diff", old, new] => difference::page(&self.workspace, old, new)?,
            _ => self.chapter(&format!("/{path}"))?,
        };
        Some(self.document(&page, &format!("/{path}")))
    }

    /// The error page for a request, at any path.
    pub fn refusal(&self, status: u16, text: &str, path: &str, counts: &Counts) -> Document {
        let is_page = |path: &&str| !path.is_empty() && self.find(path, counts).is_some();
        let likely = refusal::guesses(path).into_iter().find(is_page);
        // It is at no place in the table of contents, even if another method would have returned a page.
        self.document(&refusal::page(status, text, likely), "")
    }

    fn document(&self, page: &Page, path: &str) -> Document {
        let layout = Layout { summary: &Summary::read(&self.workspace), stages: &self.workspace.stages() };
        Document { content: Cow::Owned(layout.render(page, path).into_bytes()), media_type: HTML }
    }

    fn chapter(&self, path: &str) -> Option<Page> {
        let summary = Summary::read(&self.workspace);
        let chapter = summary.chapters().find(|chapter| chapter.path == path)?;
        let markdown = self.workspace.book_text(&chapter.file)?;
        let title = chapter::title(&markdown).unwrap_or(&chapter.title).to_owned();
        Some(Page::new(&title, chapter::render(&markdown, &self.workspace)))
    }

    fn image(&self, name: &str) -> Option<Document> {
        let is_picture = name.ends_with(".svg");
        let content = self.workspace.book_file(&format!("images/{name}")).filter(|_| is_picture)?;
        Some(Document { content, media_type: "image/svg+xml" })
    }
}
