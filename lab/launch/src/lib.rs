//! Shows what cargo says while it builds, but not that it has finished.

use std::io::{BufRead, BufReader, Read};

/// Prints the lines of cargo's stderr on stderr, except the one that says that the build has finished. So nothing is
/// printed where nothing was built.
pub fn relay(stderr: impl Read) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if !is_end(&line) {
            eprintln!("{}", line.trim_end_matches('\r'));
        }
    }
}

/// Whether this is "Finished `dev` profile [unoptimized] target(s) in 0.1s", perhaps in colour.
fn is_end(line: &str) -> bool {
    line.contains("Finished") && line.contains("target(s) in ")
}

#[cfg(test)]
mod tests {
    use super::is_end;

    #[test]
    fn the_end_of_a_build_is_known_with_and_without_colour() {
        assert!(is_end("    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.04s"));
        assert!(is_end(
            "\x1b[1m\x1b[92m    Finished\x1b[0m `release` profile [optimized] target(s) in 2m 04s"
        ));
        assert!(!is_end("   Compiling work v0.1.0 (/work)"));
        assert!(!is_end("12 |     let Finished = 1;"));
    }
}
