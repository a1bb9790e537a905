//! The pages of the stages and the schedule of the workshop: what they say about tasks and minutes must be true.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod pages;

use pages::{chapters, text};

use course::{by_file, stages};

/// The most minutes for all stages of the workshop: two and a half hours.
const MOST_MINUTES: u32 = 150;

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
fn lines_asked_for(task: &course::Task, mark: char) -> Vec<&'static str> {
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
