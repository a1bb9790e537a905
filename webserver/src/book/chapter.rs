//! A chapter as HTML: Markdown with anchors for its headings, tables that scroll, and links that work here.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::book::code::{self, escape};
use crate::book::summary;
use crate::book::workspace::Workspace;

pub fn render(markdown: &str, workspace: &Workspace) -> String {
    let mut events = Vec::new();
    let mut anchors = Anchors::default();
    let mut parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inner: Vec<Event<'_>> = parser
                    .by_ref()
                    .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
                    .collect();
                let id = anchors.next(&text_of(&inner));
                let inner = inner.into_iter().map(with_link);
                events.push(Event::Html(format!("<{level} id=\"{id}\">").into()));
                events.extend(inner);
                let link = format!(
                    " <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to here\">#</a></{level}>\n"
                );
                events.push(Event::Html(link.into()));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let inner: Vec<Event<'_>> = parser
                    .by_ref()
                    .take_while(|event| !matches!(event, Event::End(TagEnd::CodeBlock)))
                    .collect();
                events.push(Event::Html(code_block(&kind, &text_of(&inner), workspace).into()));
            }
            Event::Start(Tag::Table(alignment)) => {
                // A box that can be scrolled must be reachable with the keyboard.
                events.push(Event::Html("<div class=\"scroll\" tabindex=\"0\">\n".into()));
                events.push(Event::Start(Tag::Table(alignment)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html("</div>\n".into()));
            }
            event => events.push(with_link(event)),
        }
    }
    let mut rendered = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut rendered, events.into_iter());
    // A picture scrolls on a narrow screen, so it must be reachable with the keyboard too. An empty cell is not a
    // header. The text of a chapter is escaped, so these are tags.
    rendered.replace("<p><img ", "<p tabindex=\"0\"><img ").replace("<th></th>", "<td></td>")
}

/// The text of a chapter's first heading.
pub fn title(markdown: &str) -> Option<&str> {
    markdown.lines().find_map(|line| line.strip_prefix("# "))
}

fn text_of(events: &[Event<'_>]) -> String {
    let text = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        Event::SoftBreak | Event::HardBreak => " ".to_owned(),
        _ => String::new(),
    };
    events.iter().map(text).collect()
}

/// The anchors of headings, which are unique within a page. They equal those of mdBook, so that a link with a fragment
/// works in both.
#[derive(Default)]
struct Anchors {
    used: HashMap<String, u32>,
}

impl Anchors {
    fn next(&mut self, heading: &str) -> String {
        let letter = |character: char| match character {
            _ if character.is_alphanumeric() || matches!(character, '_' | '-') => {
                Some(character.to_ascii_lowercase())
            }
            _ if character.is_whitespace() => Some('-'),
            _ => None,
        };
        let name: String = heading.trim().chars().filter_map(letter).collect();
        let count = self.used.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    }
}

fn with_link(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = target(&dest_url).map_or(dest_url, CowStr::from);
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        event => event,
    }
}

/// The target on this server of a link between files of the workspace; `None` if the link stays as it is.
fn target(link: &str) -> Option<String> {
    let (file, fragment) = match link.split_once('#') {
        Some((file, fragment)) => (file, format!("#{fragment}")),
        None => (link, String::new()),
    };
    if file.contains(':') {
        return None;
    }
    let path = match file.strip_prefix("../../") {
        Some(source) => Some(format!("/source/{source}")),
        None => summary::path_of(file),
    };
    path.map(|path| path + &fragment)
}

fn code_block(kind: &CodeBlockKind<'_>, text: &str, workspace: &Workspace) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    };
    let (caption, content) = match language {
        "rust" => match source_of(text, workspace) {
            Some((caption, rest)) => (caption, code::rust(rest)),
            None => (String::new(), code::rust(text)),
        },
        // Commands can be copied without the prompt.
        "console" => (String::new(), text.split_inclusive('\n').map(console_line).collect()),
        _ => (String::new(), escape(text)),
    };
    format!("{caption}<pre class=\"{}\" tabindex=\"0\"><code>{content}</code></pre>\n", escape(language))
}

fn console_line(line: &str) -> String {
    match line.strip_prefix("$ ") {
        Some(command) => {
            format!("<span class=\"prompt\">$ </span><span class=\"typed\">{}</span>", escape(command))
        }
        None => escape(line),
    }
}

/// A link to the source that the first line of a block names, and the rest of the block.
fn source_of<'a>(text: &'a str, workspace: &Workspace) -> Option<(String, &'a str)> {
    let (first, rest) = text.split_once('\n')?;
    let path = first.strip_prefix("// ")?;
    let (crate_name, name) = path.split_once('/')?;
    let source = workspace.source(crate_name, name)?;
    let fragment = match source.find(rest) {
        Some(index) => format!("#L{}", source[..index].matches('\n').count() + 1),
        None => String::new(),
    };
    let path = escape(path);
    Some((format!("<p class=\"caption\"><a href=\"/source/{path}{fragment}\">{path}</a></p>\n"), rest))
}

#[cfg(test)]
mod tests {
    use super::{Anchors, target};

    #[test]
    fn links_to_chapters_and_sources_are_rewritten() {
        for (link, expected) in [
            ("part2.md", Some("/part2")),
            ("part2.md#why-it-works", Some("/part2#why-it-works")),
            ("index.md", Some("/")),
            ("../../codec/src/chunked.rs", Some("/source/codec/src/chunked.rs")),
            ("#here", None),
            ("/diff/1/2", None),
            ("https://example.org/a.md", None),
        ] {
            assert_eq!(target(link).as_deref(), expected, "{link}");
        }
    }

    #[test]
    fn headings_of_the_same_name_have_different_anchors() {
        let mut anchors = Anchors::default();
        let names = ["What waits, where?", "`Content-Length` & co", "What waits where"]
            .map(|text| anchors.next(text));
        assert_eq!(names, ["what-waits-where", "content-length--co", "what-waits-where-1"]);
    }
}
