//! The files of the book: what they state about other files and about themselves must be true.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use lab::tasks::{by_file, stages};

/// The most minutes for all stages of the workshop: two and a half hours.
const MOST_MINUTES: u32 = 150;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn book() -> PathBuf {
    workspace().join("docs/src")
}

fn text(file: &str) -> String {
    fs::read_to_string(book().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of the chapters' files.
fn chapters() -> BTreeSet<String> {
    let entries = book().read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect()
}

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

/// The heading of the tasks on a stage's page. What a task asks for is shown below it.
const TASKS: &str = "\n## Your tasks\n";

/// The sections of each stage's page, in order.
const SECTIONS: [&str; 11] = [
    "\n**Goal.** ",
    "\n**Minutes.** ",
    "\n## Run it\n",
    "\n## The problem\n",
    "\n## The idea\n",
    TASKS,
    "\n## Check\n",
    "\n## The difference\n",
    "\n## Measure\n",
    "\n## If it fails\n",
    "\n<summary>Notes for the instructor</summary>\n",
];

#[test]
fn every_stage_has_a_page_with_all_sections_its_picture_and_its_tasks() {
    for stage in stages() {
        let number = stage.number;
        let chapter = format!("part{number}.md");
        let text = text(&chapter);
        let mut rest = &text[..];
        for section in SECTIONS {
            let after = rest.split_once(section).map(|(_, after)| after);
            rest = after.unwrap_or_else(|| panic!("{chapter} has no {section:?}, or in another order"));
        }
        let picture = format!("](images/stage{number}.svg)");
        let check = format!("`cargo lab check {number}`");
        for part in [&picture, &check, "If you come from Go: "] {
            assert!(text.contains(part), "{chapter} lacks {part}");
        }
        for task in stage.tasks.iter().chain(&stage.larger) {
            let title = task.title.to_lowercase();
            let row = format!("| {} | {title} | {} | {}", task.name, task.lines, task.minutes);
            assert!(text.to_lowercase().contains(&row), "{chapter} lacks {row}");
        }
        if let Some(larger) = &stage.larger {
            let start = format!("`cargo lab start {}`", larger.name);
            assert!(text.contains(&start), "{chapter} lacks {start}");
        }
    }
}

/// The lines of its stage that a task asks for: what its patch removes, or adds in the case of a stretch task. Lines of
/// a few letters, such as `match self {`, give no answer away.
fn lines_asked_for(task: &lab::tasks::Task, mark: char) -> Vec<&'static str> {
    const FEW_LETTERS: usize = 12;
    let lines = by_file(task.patch).flat_map(|(_, hunks)| hunks.lines());
    let lines = lines.filter_map(|line| line.strip_prefix(mark)).map(str::trim);
    lines.filter(|line| line.len() > FEW_LETTERS && !line.starts_with("//")).collect()
}

#[test]
fn no_chapter_shows_a_solution_line_above_its_tasks() {
    for stage in stages() {
        let chapter = format!("part{}.md", stage.number);
        let text = text(&chapter);
        let (above, _) = text.split_once(TASKS).unwrap();
        // Also the tasks of later stages, whose lines must not be shown in advance.
        for later in stages().iter().filter(|later| later.number >= stage.number) {
            let tasks = later.tasks.iter().chain(&later.larger).map(|task| (task, '-'));
            for (task, mark) in tasks.chain(later.stretch.iter().map(|task| (task, '+'))) {
                let lines = lines_asked_for(task, mark);
                assert!(!lines.is_empty(), "the patch of {} asks for no line", task.name);
                for line in lines {
                    assert!(!above.contains(line), "{chapter} shows what {} asks for: {line}", task.name);
                }
            }
        }
    }
}

#[test]
fn the_estimated_minutes_of_the_pages_fit_into_the_time() {
    let minutes = |name: &String| -> Option<u32> {
        let text = text(name);
        let line = text.lines().find_map(|line| line.strip_prefix("**Minutes.** "))?;
        // A stage after the workshop says so and does not count.
        let afterwards = line.strip_suffix(", past the 150 of the workshop");
        let stage = course::stages().iter().find(|stage| *name == format!("{}.md", stage.reference()));
        let is_extra = stage.is_some_and(|stage| !stage.is_in_workshop);
        assert_eq!(afterwards.is_some(), is_extra, "{name}: {line}");
        // An estimate until people have been timed.
        let estimate = afterwards.unwrap_or(line).strip_suffix(", estimated");
        let minutes = estimate.and_then(|minutes| minutes.parse().ok());
        let minutes: u32 = minutes.unwrap_or_else(|| panic!("{name}: {line}"));
        afterwards.is_none().then_some(minutes)
    };
    let sum: u32 = chapters().iter().filter_map(minutes).sum();
    assert!(sum <= MOST_MINUTES, "{sum} minutes");
}

#[test]
fn the_schedule_of_the_instructor_adds_up() {
    let instructor = text("instructor.md");
    let rows = instructor.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows: Vec<(u32, u32)> = rows
        .filter_map(|(start, rest)| {
            let (hours, minutes) = start.split_once(':')?;
            let length = rest.split(' ').next()?.parse().ok()?;
            Some((hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?, length))
        })
        .collect();
    let mut end = 0;
    for (start, length) in &rows {
        assert_eq!(*start, end, "of {rows:?}");
        end += length;
    }
    assert_eq!(end, MOST_MINUTES);
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
