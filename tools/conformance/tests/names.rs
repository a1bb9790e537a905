//! The list of conformance cases: that it is long enough, and that each case says what it is about.

use std::collections::BTreeSet;

use conformance::{Level, cases};

#[test]
fn there_are_enough_cases_and_each_has_a_name_of_its_own() {
    assert!(cases().count() >= 150, "{} cases", cases().count());
    let names: BTreeSet<_> = cases().map(|case| case.name).collect();
    assert_eq!(names.len(), cases().count(), "a name stands there twice");
    for name in names {
        let is_sentence = name.split('-').count() >= 3 || name.starts_with("via-") || name.starts_with("te-");
        let is_plain =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(is_plain && is_sentence, "{name} is no sentence with hyphens");
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
fn most_cases_are_about_what_the_rfc_asks_for() {
    let asked_for = cases().filter(|case| case.level != Level::Ours).count();
    assert!(asked_for * 2 > cases().count(), "{asked_for} of {}", cases().count());
}
