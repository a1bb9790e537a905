//! Every command in `cargo lab --help` is explained in the book.

use testkit::run_to_end;

#[test]
fn every_command_of_lab_is_in_the_reference() {
    let reference = include_str!("../../docs/src/commands.md");
    let help = run_to_end(env!("CARGO_BIN_EXE_lab"), &["--help"]).unwrap().stdout;
    let commands = help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    // A line that is indented further continues the line above.
    let commands = commands.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names: Vec<&str> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(names.contains(&"demo"), "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(reference.contains(&format!("`cargo lab {name}")), "commands.md lacks cargo lab {name}");
    }
}
