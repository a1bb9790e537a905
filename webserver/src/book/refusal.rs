//! The error page: what happened, and where to continue.

use codec::reason_phrase;

use crate::book::code::escape;
use crate::book::layout::Page;

/// `likely` is the path of the page that was probably meant.
pub fn page(status: u16, text: &str, likely: Option<&str>) -> Page {
    let title = format!("{status} {}", reason_phrase(status));
    let likely = likely.map_or(String::new(), |path| {
        let path = escape(path);
        format!("<li>Did you mean <a href=\"/{path}\">/{path}</a>?</li>\n")
    });
    let html = format!(
        "<h1>{title}</h1>\n<p class=\"refusal\">{}</p>\n<ul>\n{likely}\
         <li><a href=\"/\">The first page of the book</a></li>\n\
         <li><a href=\"/experiments\">The experiments</a></li>\n</ul>\n",
        escape(text.trim_end())
    );
    Page::new(&title, html)
}

/// The probable paths for an unknown path, the best guess first: the path without final slashes or a suffix, and its
/// first segment. They have no leading slash.
pub fn guesses(path: &str) -> [&str; 2] {
    let name = path.trim_matches('/');
    let name = [".md", ".html"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    [name, name.split('/').next().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::guesses;

    #[test]
    fn an_unknown_path_is_matched_without_its_suffix_or_by_its_first_segment() {
        for (path, expected) in [
            ("/part1/", ["part1", "part1"]),
            ("/part1.md", ["part1", "part1"]),
            ("/diff/1/2//", ["diff/1/2", "diff"]),
            ("/source/part1/src/", ["source/part1/src", "source"]),
            ("//", ["", ""]),
        ] {
            assert_eq!(guesses(path), expected, "{path}");
        }
    }
}
