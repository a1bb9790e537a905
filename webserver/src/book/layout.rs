//! What all pages have in common: the head, the table of contents, the links to the neighbours, and the style.
//!
//! Invariant: a page loads nothing from another server, and has no script except that of `/live`. The style is part of
//! each page, so that a page is one request, also in the log of a proxy that serves one request per connection.

use crate::book::code::escape;
use crate::book::summary::{Chapter, Item, Summary};

const STYLE: &str = include_str!("style.css");

/// The pages that are not chapters, in the order of the table of contents.
const LIVE_PAGES: [(&str, &str); 6] = [
    ("/experiments", "Experiments"),
    ("/live", "Live picture"),
    ("/counters", "Counters of the backend"),
    ("/report", "Benchmark report"),
    ("/source", "Sources"),
    ("/diff", "Stages side by side"),
];

pub struct Page {
    title: String,
    body: String,
    width: Width,
    /// More elements for the head.
    head: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Text, with lines of a readable length.
    Text,
    /// The full width, for code.
    Full,
}

impl Page {
    pub fn new(title: &str, body: String) -> Page {
        Page { title: title.to_owned(), body, width: Width::Text, head: String::new() }
    }

    pub fn of_code(title: &str, body: String) -> Page {
        Page { width: Width::Full, ..Page::new(title, body) }
    }

    /// The browser reloads the page periodically. WCAG 2.2.1: only where the reader asked for it and can stop it.
    pub fn refreshed_every(self, seconds: u32) -> Page {
        self.with_head(&format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"))
    }

    /// With more elements in the head.
    pub fn with_head(self, elements: &str) -> Page {
        Page { head: self.head + elements, ..self }
    }
}

pub struct Layout<'a> {
    pub summary: &'a Summary,
    pub stages: &'a [String],
}

impl Layout<'_> {
    /// The complete page at `path`.
    pub fn render(&self, page: &Page, path: &str) -> String {
        let (title, head, body) = (escape(&page.title.replace('`', "")), &page.head, &page.body);
        let width = if page.width == Width::Full { " class=\"full\"" } else { "" };
        let (contents, neighbours) = (self.contents(path), self.neighbours(path));
        // The table of contents follows the text, so that the text comes first on a phone and for a screen reader.
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n{head}</head>\n<body{width}>\n\
             <header><a href=\"/\">An HTTP proxy in Rust</a><a href=\"#contents\">Contents</a></header>\n\
             <main>\n{body}{neighbours}</main>\n{contents}</body>\n</html>\n"
        )
    }

    fn contents(&self, path: &str) -> String {
        let mut html = String::from("<nav id=\"contents\" aria-label=\"Contents\">\n");
        let mut list = String::new();
        let close = |html: &mut String, list: &mut String| {
            if !list.is_empty() {
                *html += &format!("<ul>\n{list}</ul>\n");
                list.clear();
            }
        };
        for item in &self.summary.items {
            match item {
                Item::Chapter(chapter) => list += &chapter_entry(chapter, path),
                Item::Heading(heading) => {
                    close(&mut html, &mut list);
                    html += &format!("<p>{}</p>\n", escape(heading));
                }
                Item::Separator => close(&mut html, &mut list),
            }
        }
        close(&mut html, &mut list);
        html += "<p>Live</p>\n<ul>\n";
        for (live_path, title) in LIVE_PAGES {
            html += &entry(live_path, title, path);
        }
        html += "</ul>\n<p class=\"steps\">";
        for (link, text) in self.steps() {
            html += &format!("<a href=\"{link}\"{}>{text}</a>\n", current(&link, path));
        }
        html + "</p>\n</nav>\n"
    }

    /// The differences from each stage to the next: their paths and names.
    fn steps(&self) -> Vec<(String, String)> {
        let pairs = self.stages.iter().zip(self.stages.iter().skip(1));
        let pairs = pairs.map(|(old, new)| (short(old), short(new)));
        pairs.map(|(old, new)| (format!("/diff/{old}/{new}"), format!("{old} → {new}"))).collect()
    }

    /// Links to the chapters, or the differences, before and after this one.
    fn neighbours(&self, path: &str) -> String {
        let chapters = self.summary.chapters().map(|chapter| (chapter.path.clone(), chapter.title.clone()));
        let pages = [chapters.collect(), self.steps()];
        let find = |pages: &Vec<(String, String)>| pages.iter().position(|(other, _)| other == path);
        let Some((pages, index)) = pages.iter().find_map(|pages| Some((pages, find(pages)?))) else {
            return String::new();
        };
        let link = |index: Option<usize>, relation: &str, word: &str| match index
            .and_then(|index| pages.get(index))
        {
            Some((path, title)) => {
                let title = inline(title);
                format!("<a rel=\"{relation}\" href=\"{path}\"><small>{word}</small> {title}</a>\n")
            }
            None => String::new(),
        };
        let (previous, next) =
            (link(index.checked_sub(1), "prev", "Before"), link(index.checked_add(1), "next", "Next"));
        format!("<nav class=\"neighbours\" aria-label=\"Pages\">\n{previous}{next}</nav>\n")
    }
}

/// The name of a stage in a path: its number, or `work`.
pub fn short(stage: &str) -> &str {
    stage.strip_prefix("part").unwrap_or(stage)
}

fn chapter_entry(chapter: &Chapter, path: &str) -> String {
    let link = link(&chapter.path, &chapter.title, path);
    if chapter.nested.is_empty() {
        return format!("<li>{link}</li>\n");
    }
    let nested: String = chapter.nested.iter().map(|nested| chapter_entry(nested, path)).collect();
    format!("<li>{link}\n<ul>\n{nested}</ul>\n</li>\n")
}

fn entry(target: &str, title: &str, path: &str) -> String {
    format!("<li>{}</li>\n", link(target, title, path))
}

fn link(target: &str, title: &str, path: &str) -> String {
    format!("<a href=\"{target}\"{}>{}</a>", current(target, path), inline(title))
}

fn current(link: &str, path: &str) -> &'static str {
    if link == path { " aria-current=\"page\"" } else { "" }
}

/// A title, which may have code in it.
fn inline(title: &str) -> String {
    let parts = title.split('`').enumerate();
    let part = |(index, text): (usize, &str)| match index % 2 {
        1 => format!("<code>{}</code>", escape(text)),
        _ => escape(text),
    };
    parts.map(part).collect()
}
