//! The table of contents: what `SUMMARY.md` lists, in its order.

use std::iter;

use crate::book::workspace::Workspace;

pub struct Summary {
    pub items: Vec<Item>,
}

/// A line of the table of contents.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    Chapter(Chapter),
    /// The name of the chapters that follow it.
    Heading(String),
    /// A line between chapters.
    Separator,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Chapter {
    pub title: String,
    /// Its file in the folder of the book.
    pub file: String,
    /// Its path on this server.
    pub path: String,
    /// The chapters that are nested below it. There is one level of nesting.
    pub nested: Vec<Chapter>,
}

impl Summary {
    pub fn read(workspace: &Workspace) -> Summary {
        let text = workspace.book_text("SUMMARY.md").unwrap_or_default();
        let mut items = Vec::new();
        // The first line is the title of the file itself.
        for line in text.lines().skip(1) {
            match (item(line), items.last_mut()) {
                (Some(Item::Chapter(chapter)), Some(Item::Chapter(parent))) if line.starts_with(' ') => {
                    parent.nested.push(chapter);
                }
                (item, _) => items.extend(item),
            }
        }
        Summary { items }
    }

    /// All chapters, in the order of the book.
    pub fn chapters(&self) -> impl Iterator<Item = &Chapter> {
        let chapters = self.items.iter().filter_map(|item| match item {
            Item::Chapter(chapter) => Some(chapter),
            Item::Heading(_) | Item::Separator => None,
        });
        chapters.flat_map(|chapter| iter::once(chapter).chain(&chapter.nested))
    }
}

fn item(line: &str) -> Option<Item> {
    let line = line.trim();
    if line.starts_with("---") {
        return Some(Item::Separator);
    }
    if let Some(heading) = line.strip_prefix("# ") {
        return Some(Item::Heading(heading.to_owned()));
    }
    let link = line.strip_prefix("- ").unwrap_or(line).strip_prefix('[')?;
    let (title, file) = link.strip_suffix(')')?.split_once("](")?;
    let path = path_of(file)?;
    Some(Item::Chapter(Chapter { title: title.to_owned(), file: file.to_owned(), path, nested: Vec::new() }))
}

/// The path on this server of a chapter's file; `None` if it is not a chapter.
pub fn path_of(file: &str) -> Option<String> {
    match file.strip_suffix(".md")? {
        "index" => Some("/".to_owned()),
        name => Some(format!("/{name}")),
    }
}
