//! The list of conformance cases: it is long enough, each case says what it is about, and the page shows all of them.

use std::collections::BTreeSet;

use conformance::{Level, Subject, cases};

#[test]
fn there_are_enough_cases_with_distinct_names() {
    assert!(cases().count() >= 150, "{} cases", cases().count());
    let names: BTreeSet<_> = cases().map(|case| case.name).collect();
    assert_eq!(names.len(), cases().count(), "a name occurs twice");
    for name in names {
        let is_sentence = name.split('-').count() >= 3 || name.starts_with("via-") || name.starts_with("te-");
        let is_plain =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(is_plain && is_sentence, "{name} is not a sentence with hyphens");
    }
}

#[test]
fn each_case_cites_a_section() {
    for case in cases() {
        let cited = case.section.strip_prefix("RFC ").and_then(|rest| rest.split_once(" section "));
        let is_number = |text: &str| text.split('.').all(|part| part.parse::<u32>().is_ok());
        assert!(
            cited.is_some_and(|(document, section)| is_number(document) && is_number(section)),
            "{}: {:?} is no section",
            case.name,
            case.section
        );
    }
}

#[test]
fn most_cases_check_a_requirement_of_an_rfc() {
    let asked_for = cases().filter(|case| case.level != Level::Ours).count();
    assert!(asked_for * 2 > cases().count(), "{asked_for} of {}", cases().count());
}

#[test]
fn the_page_shows_each_case_with_the_result_of_each_stage() {
    // Each stage passes all cases that apply to it: `tests/suite.rs` of its crate runs them.
    let page = include_str!("../../../docs/src/conformance.md");
    // The columns that the page has: a stage that came later is not in it before the page is made again.
    let header = page.lines().find_map(|line| line.strip_prefix("| case | section | rule | ")).unwrap();
    let names: Vec<&str> = header.split(" | ").collect();
    let shown = course::stages().iter().filter(|stage| names.contains(&stage.reference().as_str()));
    let stages: Vec<_> = shown.map(|stage| Subject::stage(stage.number, "")).collect();
    let mut rows = page.lines().filter(|line| line.contains(" | MUST | ") || is_weaker(line));
    for case in cases() {
        let rule = match case.level {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::Ours => "choice",
        };
        let section = case.section.replace("RFC ", "").replace("section ", "");
        let cells = stages.iter().map(|stage| if stage.meets(case.needs) { "yes | " } else { "- | " });
        let row =
            format!("| {} | {section} | {rule} | {}", case.name.replace('-', " "), cells.collect::<String>());
        let shown = rows.next().unwrap_or_default();
        assert!(
            shown.starts_with(&row),
            "{shown:?} is not {row:?}. Try: cargo maintain conform --peers --markdown > docs/src/conformance.md"
        );
    }
    assert_eq!(rows.next(), None, "a case that is in the list no more");
    assert!(page.starts_with(include_str!("../src/introduction.md")), "the introduction is another one");
}

fn is_weaker(line: &str) -> bool {
    line.contains(" | SHOULD | ") || line.contains(" | choice | ")
}
