//! What one stage changed in the sources of another, side by side: the lesson of the stage.

use std::collections::BTreeSet;

use crate::book::code::{self, escape};
use crate::book::layout::{Page, short};
use crate::book::rows::{self, Line, Row, Rows};
use crate::book::workspace::Workspace;

pub fn list(workspace: &Workspace) -> Page {
    let mut html = String::from(
        "<h1>Stages side by side</h1>\n<p>What each stage changed in the one before:</p>\n<ul>\n",
    );
    for pair in workspace.stages().windows(2) {
        if let [old, new] = pair {
            html += &format!("<li><a href=\"/diff/{}/{}\">{old} → {new}</a></li>\n", short(old), short(new));
        }
    }
    html += "</ul>\n<p>Any two can be compared: <code>/diff/1/5</code>, or <code>/diff/2/work</code> once \
             <code>work</code> has your own code. In a terminal, <code>cargo lab diff 1 2</code> shows the same as a \
             unified diff.</p>\n";
    Page::new("Stages side by side", html)
}

/// `None` if one of them is not a stage.
pub fn page(workspace: &Workspace, old: &str, new: &str) -> Option<Page> {
    let stages = workspace.stages();
    let stage = |given: &str| stages.iter().find(|stage| short(stage) == given);
    let (old, new) = (stage(old)?, stage(new)?);
    let names: BTreeSet<String> =
        [old, new].into_iter().flat_map(|stage| workspace.source_names(stage)).collect();
    let (mut same, mut complete) = (Vec::new(), String::new());
    let mut html = format!("<h1>{old} → {new}</h1>\n");
    if workspace.book_file(&format!("{new}.md")).is_some() {
        html += &format!("<p>Why it changed: <a href=\"/{new}\">the page of {new}</a>.</p>\n");
    }
    for name in &names {
        let source = |stage: &str| workspace.source(stage, &format!("src/{name}"));
        match (source(old), source(new)) {
            (Some(old_text), Some(new_text)) if old_text == new_text => same.push(name.as_str()),
            (Some(old_text), Some(new_text)) => {
                html += &changed(name, (old, new), &rows::compare(&old_text, &new_text));
            }
            (Some(text), None) => complete += &whole(name, "gone", old, &text),
            (None, Some(text)) => complete += &whole(name, "new", new, &text),
            (None, None) => {}
        }
    }
    // Last: a short change in an old file would be overlooked after a long new file.
    html += &complete;
    if !same.is_empty() {
        let names: Vec<String> = same.iter().map(|name| format!("<code>{}</code>", escape(name))).collect();
        html += &format!("<p>The same in both: {}.</p>\n", names.join(", "));
    }
    Some(Page::of_code(&format!("{old} → {new}"), html))
}

fn heading(name: &str, note: &str) -> String {
    let name = escape(name);
    format!("<h2 id=\"{name}\"><code>{name}</code> <small>{note}</small></h2>\n")
}

fn link(stage: &str, name: &str) -> String {
    let path = escape(&format!("{stage}/src/{name}"));
    format!("<a href=\"/source/{path}\">{path}</a>")
}

/// A file that only one of them has.
fn whole(name: &str, note: &str, stage: &str, text: &str) -> String {
    let lines = text.lines().count();
    let heading = heading(name, &format!("{note}: {lines} lines"));
    let listing = code::listing(name, text, &format!("{}-", escape(name)));
    format!(
        "{heading}<p class=\"caption\">{}</p>\n<div class=\"{note}\">{listing}</div>\n",
        link(stage, name)
    )
}

fn changed(name: &str, (old, new): (&str, &str), rows: &Rows) -> String {
    let Rows { rows, added, removed } = rows;
    let (old_link, new_link) = (link(old, name), link(new, name));
    let mut html = heading(name, &format!("{added} lines added, {removed} removed"));
    html += "<table class=\"diff\">\n<colgroup><col class=\"number\"><col><col class=\"number\"><col></colgroup>\n";
    html += &format!(
        "<thead><tr><th colspan=\"2\">{old_link}</th><th colspan=\"2\">{new_link}</th></tr></thead>\n"
    );
    let name = escape(name);
    for row in rows {
        html += &match row {
            Row::Same { old, new, text } => {
                let text = escape(text);
                format!(
                    "<tr id=\"{name}-L{new}\"><td class=\"number old\">{old}</td><td class=\"old\">{text}</td>\
                     <td class=\"number\">{}</td><td>{text}</td></tr>\n",
                    line_link(&name, *new)
                )
            }
            Row::Changed { old, new } => {
                let id =
                    new.as_ref().map_or(String::new(), |line| format!(" id=\"{name}-L{}\"", line.number));
                let old = cells(old.as_ref(), |line| line.number.to_string(), "removed", "-", "del");
                let new = cells(new.as_ref(), |line| line_link(&name, line.number), "added", "+", "ins");
                format!("<tr{id}>{old}{new}</tr>\n")
            }
            Row::Skipped(lines) => {
                let are = if *lines == 1 { "line is" } else { "lines are" };
                format!("<tr class=\"skipped\"><td colspan=\"4\">{lines} {are} the same</td></tr>\n")
            }
        };
    }
    html + "</table>\n"
}

/// The number of a line of the new version, which is a link to itself.
fn line_link(name: &str, number: usize) -> String {
    format!("<a href=\"#{name}-L{number}\">{number}</a>")
}

/// The number and the text of a changed line, which is marked by a sign and not only by colour.
fn cells(
    line: Option<&Line>,
    number: impl Fn(&Line) -> String,
    class: &str,
    sign: &str,
    mark: &str,
) -> String {
    let Some(line) = line else {
        return "<td class=\"number none\"></td><td class=\"none\"></td>".to_owned();
    };
    let number = number(line);
    let text: String = line
        .parts
        .iter()
        .map(|part| match part.is_changed {
            true => format!("<{mark}>{}</{mark}>", escape(&part.text)),
            false => escape(&part.text),
        })
        .collect();
    format!("<td class=\"number {class}\">{number}<span>{sign}</span></td><td class=\"{class}\">{text}</td>")
}
