//! The served book: every page exists, every link has a target, and no path leads out of the book.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use support::folder::Folder;
use support::{Client, Webserver, get, get_with, request, values};

fn page(client: &mut Client, path: &str) -> String {
    client.send(get(path));
    let response = client.response();
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
    response.text()
}

/// All pages that can be reached from the first one, without the experiments themselves.
fn crawl(client: &mut Client) -> BTreeMap<String, String> {
    let list = page(client, "/experiments");
    let list = list.split("<main>").nth(1).and_then(|rest| rest.split("</main>").next()).unwrap();
    let experiments: BTreeSet<String> = values(list, "href").into_iter().map(str::to_owned).collect();
    let mut pages = BTreeMap::new();
    let mut missing = vec!["/".to_owned()];
    while let Some(path) = missing.pop() {
        if pages.contains_key(&path)
            || path.contains(':')
            || (experiments.contains(&path) && !path.starts_with("/counters"))
        {
            continue;
        }
        let html = page(client, &path);
        if path == "/report" {
            // The report, if there is one, is a separate page that another program has made.
            pages.insert(path, html);
            continue;
        }
        for link in values(&html, "href").into_iter().chain(values(&html, "src")) {
            let target = link.split('#').next().unwrap();
            assert!(
                target.is_empty()
                    || target.starts_with('/')
                    || target.contains(':')
                    || target.starts_with("images/"),
                "{path}: {link}"
            );
            let target = if target.starts_with("images/") { format!("/{target}") } else { target.to_owned() };
            if !target.is_empty() {
                missing.push(target);
            }
        }
        pages.insert(path, html);
    }
    pages
}

/// The chapters of the book: their paths and pages.
fn chapters(webserver: &Webserver) -> Vec<(String, String)> {
    let mut client = webserver.connect();
    let first = page(&mut client, "/");
    let contents = first.split("<nav id=\"contents\"").nth(1).unwrap().split("<p>Live</p>").next().unwrap();
    values(contents, "href").into_iter().map(|path| (path.to_owned(), page(&mut client, path))).collect()
}

#[test]
fn every_link_and_anchor_has_a_target() {
    let webserver = Webserver::start(&[]);
    let pages = crawl(&mut webserver.connect());
    for (path, html) in pages.iter().filter(|(path, _)| !path.starts_with("/images/") && *path != "/report") {
        let ids = values(html, "id");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path} has an anchor twice");
        for link in values(html, "href") {
            let Some((target, fragment)) = link.split_once('#').filter(|_| !link.contains(':')) else {
                continue;
            };
            let target = if target.is_empty() { path } else { target };
            assert!(values(&pages[target], "id").contains(&fragment), "{path}: {link}");
        }
    }
    for path in [
        "/part5",
        "/glossary",
        "/diff/4/5",
        "/source/codec/src/chunked.rs",
        "/source/lab/Cargo.toml",
        "/counters/live",
    ] {
        assert!(pages.contains_key(path), "{path} is linked from nowhere");
    }
}

#[test]
fn a_page_marks_itself_in_the_contents_and_names_its_neighbours() {
    let webserver = Webserver::start(&[]);
    for path in ["/", "/part2", "/experiments", "/diff/2/3", "/source"] {
        let html = webserver.get(path).text();
        assert!(html.contains(&format!("href=\"{path}\" aria-current=\"page\"")), "{path}");
        assert_eq!(
            html.matches("aria-current").count(),
            html.matches("[aria-current]").count() + 1,
            "{path}"
        );
        assert!(html.contains("<html lang=\"en\">") && html.contains("width=device-width"), "{path}");
        assert!(!html.contains("<script"), "{path}");
    }
    let html = webserver.get("/part2").text();
    assert!(html.contains("rel=\"prev\" href=\"/part1\"") && html.contains("rel=\"next\" href=\"/part3\""));
    assert!(html.contains("<title>Part 2: a task per connection</title>"));
    let html = webserver.get("/diff/2/3").text();
    assert!(
        html.contains("rel=\"prev\" href=\"/diff/1/2\"") && html.contains("rel=\"next\" href=\"/diff/3/4\"")
    );
    let html = webserver.get("/diff/1/5").text();
    assert!(!html.contains("rel=\"prev\"") && !html.contains("rel=\"next\""));
}

#[test]
fn head_and_conditional_requests_are_answered_without_a_body() {
    let webserver = Webserver::start(&[]);
    for path in [
        "/",
        "/part3",
        "/experiments",
        "/source",
        "/source/part2/src/proxy.rs",
        "/diff",
        "/diff/1/2",
        "/report",
        "/images/request-path.svg",
    ] {
        let response = webserver.get(path);
        assert_eq!(response.status(), 200, "{path}");
        let tag = response.field("ETag").unwrap().to_owned();
        let length = response.field("Content-Length").unwrap().to_owned();
        let mut client = webserver.connect();
        client.send(request("HEAD", path, "") + &request("GET", path, &format!("If-None-Match: {tag}\r\n")));
        let head = client.head();
        assert!(
            head.starts_with("HTTP/1.1 200 ") && head.contains(&format!("Content-Length: {length}\n")),
            "{head}"
        );
        assert_eq!((client.response().status(), path), (304, path));
        assert_eq!(get_with(&webserver, path, "If-None-Match: \"x\"\r\n").status(), 200, "{path}");
    }
    let picture = webserver.get("/images/request-path.svg");
    assert_eq!(picture.field("Content-Type"), Some("image/svg+xml"));
}

#[test]
fn a_chapter_can_be_nested_below_another_in_the_contents() {
    let folder = Folder::new();
    for (name, text) in [
        (
            "docs/src/SUMMARY.md",
            "# Summary\n\n[Start](index.md)\n\n- [One](one.md)\n  - [Inner](inner.md)\n- [Two](two.md)\n",
        ),
        ("docs/src/index.md", "# Start\n"),
        ("docs/src/inner.md", "# Inner\n"),
    ] {
        folder.file(name, text);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_webserver"));
    let command = command.current_dir(folder.path("docs")).env_remove("CARGO_MANIFEST_DIR");
    let webserver = Webserver::start_as(command);
    let html = webserver.get("/").text();
    let nested = "<li><a href=\"/one\">One</a>\n<ul>\n<li><a href=\"/inner\">Inner</a></li>\n</ul>\n</li>\n<li><a href=\"/two\">";
    assert!(html.contains(nested), "{html}");
    let html = webserver.get("/inner").text();
    assert!(html.contains("rel=\"prev\" href=\"/one\"") && html.contains("rel=\"next\" href=\"/two\""));
}

#[test]
fn path_traversal_out_of_the_sources_and_the_book_is_refused() {
    let webserver = Webserver::start(&[]);
    for path in [
        "/source/..",
        "/source/../Cargo.toml",
        "/source/part1",
        "/source/part1/",
        "/source/part1/src",
        "/source/part1/src/",
        "/source/part1/../README.md",
        "/source/part1/src/../../README.md",
        "/source/part1/src/..%2f..%2fREADME.md",
        "/source/part1/src/%2e%2e/%2e%2e/README.md",
        "/source/part1/tests/suite.rs",
        "/source/part1//src/main.rs",
        "/source/target/debug/webserver",
        "/source/docs/src/index.md",
        "/source/.git/src/config",
        "/source/part1/src//etc/passwd",
        "/source/part1/src/..%5c..%5cREADME.md",
        "/source/part99/src/main.rs",
        "/diff/1",
        "/diff/1/99",
        "/diff/0/1",
        "/diff/1/..",
        "/diff/1/../..",
        "/diff/1/codec",
        "/diff/part1/part2",
        "/diff/1/2/3",
        "/diff/..%2fcodec/1",
        "/diff//",
        "/images/",
        "/images/../SUMMARY.md",
        "/images/..%2fSUMMARY.md",
        "/images/nothing.svg",
        "/SUMMARY",
        "/SUMMARY.md",
        "/part2.md",
        "/index",
        "/part2/",
        "/../README",
        "/counters/x",
        "/report/x",
    ] {
        assert_eq!((webserver.get(path).status(), path), (404, path));
    }
    for path in ["/source/part1/src/%00", "/diff/1/%zz"] {
        assert_eq!((webserver.get(path).status(), path), (400, path));
    }
}

#[test]
fn the_pages_of_the_counters_show_them_and_do_not_count_themselves() {
    let webserver = Webserver::start(&[]);
    webserver.get("/hello/x");
    for (path, requests) in [("/counters", 1), ("/counters/live", 2)] {
        let html = webserver.get(path).text();
        assert!(html.contains(&format!("requests</th><td>{requests}</td>")), "{html}");
        assert_eq!(webserver.get(path).text(), html);
        webserver.get("/hello/x");
        assert!(webserver.get(path).text().contains(&format!("requests</th><td>{}</td>", requests + 1)));
    }
}

#[test]
fn a_picture_scrolls_with_the_keyboard_and_no_header_of_a_table_is_empty() {
    let webserver = Webserver::start(&[]);
    let (mut pictures, mut tables) = (0, 0);
    for (path, html) in chapters(&webserver) {
        pictures += html.matches("<img ").count();
        assert_eq!(html.matches("<p tabindex=\"0\"><img ").count(), html.matches("<img ").count(), "{path}");
        tables += html.matches("<thead><tr><td></td>").count();
        assert!(!html.contains("<th></th>"), "{path}");
    }
    assert!(pictures > 0 && tables > 0, "there is nothing to look at");
}

/// WCAG 2.2.1 and 2.2.2.
#[test]
fn a_page_refreshes_itself_only_where_it_can_be_stopped() {
    let webserver = Webserver::start(&[]);
    for path in ["/", "/part1", "/experiments", "/counters", "/report", "/source", "/diff/1/2"] {
        let response = webserver.get(path);
        assert_eq!(response.field("Refresh"), None, "{path}");
        assert!(!response.text().contains("http-equiv=\"refresh\""), "{path}");
    }
    let html = webserver.get("/counters/live").text();
    assert!(html.contains("<meta http-equiv=\"refresh\" content=\"2\">"));
    assert!(html.contains("<a href=\"/counters\" autofocus>Stop refreshing</a>"));
    assert!(webserver.get("/counters").text().contains("<a href=\"/counters/live\">"));
}

#[test]
fn a_docroot_replaces_the_book() {
    let folder = Folder::new();
    for name in ["index.html", "part1", "counters"] {
        folder.file(name, name);
    }
    let webserver = folder.serve("");
    for (path, text) in
        [("/", "index.html"), ("/part1", "part1"), ("/counters", "counters"), ("/hello/x", "hello, x!\n")]
    {
        assert_eq!(webserver.get(path).text(), text);
    }
    for path in ["/part2", "/source", "/diff/1/2", "/experiments"] {
        assert_eq!((webserver.get(path).status(), path), (404, path));
    }
}
