//! The sources of the workspace and the differences of its stages, as pages.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod support;

use std::path::Path;
use std::process::Command;

use support::Webserver;
use support::folder::Folder;

#[test]
fn a_difference_shows_changed_files_side_by_side_and_new_ones_completely() {
    let webserver = Webserver::start(&[]);
    let html = webserver.get("/diff/1/2").text();
    for text in
        ["id=\"main.rs\"", "id=\"proxy.rs\"", "<ins>async </ins>", "<del>blocking</del>", "tokio::spawn"]
    {
        assert!(html.contains(text), "{text}");
    }
    let html = webserver.get("/diff/2/3").text();
    assert!(
        html.contains("id=\"stats.rs\"") && html.contains("new: ") && html.contains("id=\"stats.rs-L1\"")
    );
    let html = webserver.get("/diff/3/4").text();
    assert!(html.contains("The same in both: <code>stats.rs</code>."));
    assert!(webserver.get("/diff/3/2").text().contains("gone: "));
    assert!(webserver.get("/diff/2/2").text().contains("<code>main.rs</code>, <code>proxy.rs</code>."));
}

#[test]
fn a_difference_shows_changed_files_before_new_and_removed_ones() {
    let webserver = Webserver::start(&[]);
    for path in ["/diff/3/4", "/diff/4/3"] {
        let html = webserver.get(path).text();
        let place = |name: &str| html.find(&format!("<h2 id=\"{name}\">")).unwrap();
        assert!(place("main.rs") < place("proxy.rs") && place("proxy.rs") < place("pool.rs"), "{path}");
    }
}

#[test]
fn a_source_has_numbered_lines_that_can_be_linked_to() {
    let webserver = Webserver::start(&[]);
    let html = webserver.get("/source/part2/src/proxy.rs").text();
    assert!(html.contains("<tr id=\"L12\"><td class=\"number\"><a href=\"#L12\">12</a>"));
    assert!(html.contains("<span class=\"keyword\">async</span>"));
    assert!(webserver.get("/source/part2/Cargo.toml").text().contains("tokio"));
}

#[test]
fn the_book_and_the_sources_are_those_of_the_workspace_where_it_is_started() {
    let folder = Folder::new();
    for (name, text) in [
        ("docs/src/SUMMARY.md", "# Summary\n\n[Mine](index.md)\n\n- [Other](other.md)\n"),
        ("docs/src/index.md", "# My own book\n"),
        ("part1/src/main.rs", "// my own source\n"),
    ] {
        folder.file(name, text);
    }
    let start = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
        Webserver::start_as(command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR"))
    };
    let webserver = start(&folder.path("part1"));
    assert!(webserver.get("/").text().contains("My own book"));
    assert!(webserver.get("/source/part1/src/main.rs").text().contains("my own source"));

    // Outside of a workspace, the book is a copy, and there are no sources.
    let webserver = start(Path::new("/"));
    assert!(!webserver.get("/").text().contains("My own book"));
    assert_eq!(webserver.get("/source/part1/src/main.rs").status(), 404);
}
