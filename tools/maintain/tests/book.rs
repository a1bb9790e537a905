//! The files of the book: what they state about other files and about themselves must be true.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod pages;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use pages::{book, chapters, text, workspace};

/// The code blocks of a chapter, each with the language of its fence, and the text between them.
fn blocks(text: &str) -> (Vec<(&str, String)>, String) {
    let (mut blocks, mut prose, mut open) = (Vec::new(), String::new(), None);
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.trim(), String::new())),
            (None, Some((_, block))) => *block += line,
            (None, None) => prose += line,
        }
    }
    assert!(open.is_none(), "a code block does not end");
    (blocks, prose)
}

/// The targets of links and images.
fn links(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect()
}

/// The anchors of a chapter's headings, as mdBook and the demo backend generate them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let mut used: HashMap<String, u32> = HashMap::new();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let letters = heading.trim_start_matches('#').trim().chars().filter_map(|letter| match letter {
            _ if letter.is_alphanumeric() || matches!(letter, '_' | '-') => Some(letter.to_ascii_lowercase()),
            _ if letter.is_whitespace() => Some('-'),
            _ => None,
        });
        let name: String = letters.collect();
        let count = used.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    };
    headings.map(anchor).collect()
}

#[test]
fn summary_lists_every_chapter_once() {
    let summary = text("SUMMARY.md");
    let listed = links(&summary);
    let once: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(once.len(), listed.len(), "a chapter is listed twice");
    assert_eq!(once, chapters());
}

#[test]
fn every_link_of_the_book_has_a_target() {
    for chapter in chapters() {
        let text_of_chapter = text(&chapter);
        for link in links(&blocks(&text_of_chapter).1) {
            // A path of the demo backend, which its own tests check, or another server.
            if link.starts_with('/') || link.contains(':') {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { &chapter } else { file };
            assert!(book().join(file).is_file(), "{chapter}: {link}");
            if file.ends_with(".md") && !fragment.is_empty() {
                let target = text(file);
                assert!(anchors(&blocks(&target).1).contains(fragment), "{chapter}: {link}");
            }
        }
    }
}

#[test]
fn code_in_the_book_is_in_the_file_that_it_names() {
    let mut found = 0;
    for chapter in chapters() {
        for (language, block) in blocks(&text(&chapter)).0 {
            let Some((path, code)) = block.strip_prefix("// ").and_then(|block| block.split_once('\n'))
            else {
                assert_ne!(
                    language, "rust",
                    "{chapter}: a block does not say which file it is from:\n{block}"
                );
                continue;
            };
            if language == "rust" {
                let source = fs::read_to_string(workspace().join(path));
                let source = source.unwrap_or_else(|error| panic!("{chapter}: {path}: {error}"));
                assert!(source.contains(code), "{chapter}: not in {path}:\n{code}");
                found += 1;
            }
        }
    }
    assert!(found >= 10, "{found} blocks");
}

#[test]
fn every_flag_of_the_programs_is_in_the_reference() {
    let reference = text("commands.md");
    let mut found = 0;
    let shared =
        ["stage/src/flags.rs", "stage/src/tokio.rs", "webserver/src/flags.rs", "stats-client/src/main.rs"];
    let mut files: Vec<PathBuf> = shared.map(|file| workspace().join(file)).into();
    for stage in course::stages() {
        let sources = workspace().join(stage.reference()).join("src").read_dir().unwrap();
        files.extend(sources.map(|entry| entry.unwrap().path()));
    }
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for rest in source.split("#[arg(long").skip(1) {
            // The field after the attribute, which may span several lines.
            let field = rest.lines().skip(1).find_map(|line| line.trim().strip_suffix(',')?.split_once(": "));
            let name = field.unwrap().0.trim_start_matches("pub ").replace('_', "-");
            assert!(
                reference.contains(&format!("`--{name}")),
                "commands.md lacks --{name} of {}",
                file.display()
            );
            found += 1;
        }
    }
    assert!(found >= 15, "{found} flags");
}

#[test]
fn every_limit_of_the_codec_is_in_the_list_with_its_value() {
    let limits = text("limits.md");
    let source = fs::read_to_string(workspace().join("codec/src/limits.rs")).unwrap();
    let defaults = source.split("pub const DEFAULT: Limits = Limits {").nth(1).unwrap();
    let defaults = defaults.split("};").next().unwrap();
    let fields = defaults.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(": "));
    let mut found = 0;
    for (name, value) in fields {
        let value = value.strip_prefix("Some(").and_then(|value| value.strip_suffix(')')).unwrap_or(value);
        let seconds = value.strip_prefix("Duration::from_secs(").and_then(|value| value.strip_suffix(')'));
        let shown = match (value, seconds, value.strip_suffix(" * KIB")) {
            ("None", _, _) => "none".to_owned(),
            ("BareLineFeed::Refuse", _, _) => "refused".to_owned(),
            (_, Some(seconds), _) => format!("{seconds} s"),
            (_, _, Some(kib)) => format!("{kib} KiB"),
            _ => value.replace('_', ","),
        };
        let row = limits.lines().find_map(|line| line.strip_prefix(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("limits.md lacks {name}"));
        let stated = row.split(" | ").nth(1).unwrap().split(';').next().unwrap();
        assert_eq!(stated, shown, "{name}");
        found += 1;
    }
    assert!(found >= 18, "{found} limits");
}

#[test]
fn limits_and_the_sources_that_simplify_name_each_other() {
    let limits = text("limits.md");
    let linked: BTreeSet<&str> =
        links(&limits).into_iter().filter_map(|link| link.strip_prefix("../../")).collect();
    assert!(linked.len() >= 8, "{linked:?}");
    let names_the_page = |file: &Path| fs::read_to_string(file).unwrap().contains("docs/src/limits.md");
    for file in &linked {
        assert!(names_the_page(&workspace().join(file)), "{file} does not name the page");
    }
    let mut folders = vec![workspace().join("codec/src")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if names_the_page(&path) {
                let name = path.strip_prefix(workspace()).unwrap().display().to_string();
                assert!(linked.contains(&*name), "limits.md does not name {name}");
            }
        }
    }
}

#[test]
fn pictures_have_a_title_a_description_and_their_own_dark_colours() {
    for entry in book().join("images").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let picture = fs::read_to_string(&path).unwrap();
        for part in ["<title ", "<desc ", "prefers-color-scheme: dark", "viewBox="] {
            assert!(picture.contains(part), "{}: {part}", path.display());
        }
        let link = format!("](images/{})", path.file_name().unwrap().to_string_lossy());
        assert!(chapters().iter().any(|chapter| text(chapter).contains(&link)), "{link} is in no chapter");
    }
}
