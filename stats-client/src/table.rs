//! The stats as people read them.

use stats_client::Stats;

/// The `top` paths with the most bytes, a line each: bytes, path.
pub fn of(stats: &Stats, top: usize) -> String {
    let rows = stats.by_bytes();
    if rows.is_empty() {
        return "0 paths yet. Send a request: cargo lab get /\n".to_owned();
    }
    let mut text = String::new();
    for (path, bytes) in rows.iter().take(top) {
        // A path comes from a client: what a terminal would take for a command is shown, not done.
        let path =
            path.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect::<String>();
        text += &format!("{bytes:10} {path}\n");
    }
    text
}
