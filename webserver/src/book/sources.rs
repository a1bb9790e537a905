//! The sources of the workspace's crates: a list of them, and each file with numbered lines.

use crate::book::code::{self, escape};
use crate::book::layout::Page;
use crate::book::workspace::Workspace;

pub fn list(workspace: &Workspace) -> Page {
    let mut html = String::from("<h1>Sources</h1>\n");
    let crates = workspace.crates();
    if crates.is_empty() {
        html += "<p>This server runs without its workspace, so there are no sources to show.</p>\n";
    } else {
        html +=
            "<p>The files of the workspace, as they are now. Each line has a link: select its number.</p>\n";
    }
    for crate_name in crates {
        html += &format!("<h2 id=\"{crate_name}\">{crate_name}</h2>\n<ul class=\"files\">\n");
        let names = workspace.source_names(&crate_name).into_iter().map(|name| format!("src/{name}"));
        // The manifest of the attendee's own crate is that of the workspace.
        let manifest = workspace.source(&crate_name, "Cargo.toml").map(|_| "Cargo.toml".to_owned());
        for name in names.chain(manifest) {
            let name = escape(&name);
            html += &format!("<li><a href=\"/source/{crate_name}/{name}\">{name}</a></li>\n");
        }
        html += "</ul>\n";
    }
    Page::new("Sources", html)
}

/// `None` if there is no such file, or it must not be shown.
pub fn file(workspace: &Workspace, crate_name: &str, name: &str) -> Option<Page> {
    let text = workspace.source(crate_name, name)?;
    let path = escape(&format!("{crate_name}/{name}"));
    let lines = text.lines().count();
    let html = format!(
        "<h1 class=\"path\">{path}</h1>\n<p>{lines} lines. <a href=\"/source#{crate_name}\">All sources</a></p>\n{}",
        code::listing(name, &text, "")
    );
    Some(Page::of_code(&path, html))
}
