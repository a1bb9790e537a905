//! The commands that the pages name reach what they are meant for.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;
use std::path::Path;

/// The root of the workspace is the package `work`, and cargo builds only that one unless it is told otherwise.
#[test]
fn every_build_and_test_on_the_pages_names_its_packages() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chapters = workspace.join("docs/src").read_dir().unwrap().map(|entry| entry.unwrap().path());
    for page in chapters.chain(["README.md", "CONTRIBUTING.md"].map(|name| workspace.join(name))) {
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&page).unwrap();
        let commands = text.split("cargo ").skip(1).map(|rest| rest.split(['`', '\n', '#']).next().unwrap());
        for command in
            commands.filter(|command| ["build -", "test -"].iter().any(|word| command.starts_with(word)))
        {
            let names = ["-p ", "--workspace"].iter().any(|flag| command.contains(flag));
            assert!(names, "{}: cargo {command}", page.display());
        }
    }
}
