//! `--docroot`: which file a path leads to, and which it must not.

mod support;

use std::fs;

use support::folder::Folder;

#[test]
fn no_redirect_leads_to_another_host() {
    let folder = Folder::new();
    folder.file("evil.example/index.html", "");
    let webserver = folder.serve("");
    for target in
        ["//evil.example", "///evil.example", "/\\evil.example", "/%5Cevil.example", "/%2Fevil.example"]
    {
        assert_eq!(webserver.get(target).status(), 404, "{target}");
    }
}

#[test]
fn folders_are_not_listed() {
    let folder = Folder::new();
    folder.file("sub/secret.txt", "");
    let webserver = folder.serve("");
    for target in ["/", "/sub/"] {
        let response = webserver.get(target);
        assert_eq!(response.status(), 404, "{target}");
        assert!(!response.text().contains("secret"), "{target}");
    }
}

/// RFC 3986 section 2.4.
#[test]
fn the_path_is_decoded_once() {
    let folder = Folder::new();
    folder.file("a b.txt", "space");
    folder.file("ü.txt", "umlaut");
    folder.file("100%.txt", "percent");
    folder.file("%41.txt", "still encoded");
    let webserver = folder.serve("");
    for (target, text) in [
        ("/a%20b.txt", "space"),
        ("/%61%20b%2etxt", "space"),
        ("/%C3%bc.txt", "umlaut"),
        ("/100%25.txt", "percent"),
        ("/%2541.txt", "still encoded"),
    ] {
        assert_eq!(webserver.get(target).text(), text, "{target}");
    }
    assert_eq!(webserver.get("/%41.txt").status(), 404);
    assert_eq!(webserver.get("/a+b.txt").status(), 404);
}

/// RFC 3986 section 2.1.
#[test]
fn a_broken_escape_or_a_nul_is_a_bad_request() {
    let folder = Folder::new();
    folder.file("a.txt", "");
    let webserver = folder.serve("");
    for target in ["/%", "/%4", "/%zz", "/a.txt%", "/%+1", "/a.txt%00", "/%00", "/../%", "/nothing/%4g"] {
        assert_eq!(webserver.get(target).status(), 400, "{target}");
    }
}

#[test]
fn path_traversal_out_of_the_docroot_is_refused() {
    let folder = Folder::new();
    folder.file("secret.txt", "secret");
    folder.file("root/a.txt", "");
    folder.file("root/sub/b.txt", "");
    folder.file("root-beside/secret.txt", "secret");
    let webserver = folder.serve("root");
    let absolute = folder.path("secret.txt").to_str().unwrap().to_owned();
    let encoded = absolute.replace('/', "%2F");
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2E/secret.txt",
        "/..%2Fsecret.txt",
        "/..%5Csecret.txt",
        "/..\\secret.txt",
        "/sub/../../secret.txt",
        "/sub/../a.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/./a.txt",
        "/%2e/a.txt",
        "/..",
        "/../",
        "/..;/secret.txt",
        "/%252e%252e/secret.txt",
        "/../root-beside/secret.txt",
        "/C:/secret.txt",
        "/C:%5Csecret.txt",
        "/%ff",
        &format!("/{absolute}"),
        &format!("/{encoded}"),
    ] {
        let response = webserver.get(target);
        assert_eq!(response.status(), 404, "{target}");
        assert!(!response.text().contains("secret"), "{target}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_inside_the_docroot_and_not_out_of_it() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    folder.file("secret/index.html", "secret");
    folder.file("root/a.txt", "inside");
    symlink("a.txt", folder.path("root/inside.txt")).unwrap();
    symlink("../secret/index.html", folder.path("root/outside.html")).unwrap();
    symlink("../secret", folder.path("root/outside")).unwrap();
    symlink(".", folder.path("root/itself")).unwrap();
    symlink("nowhere", folder.path("root/broken")).unwrap();
    fs::create_dir(folder.path("root/sub")).unwrap();
    symlink("../../secret/index.html", folder.path("root/sub/index.html")).unwrap();
    // The docroot may itself be a link.
    symlink("root", folder.path("link")).unwrap();
    let webserver = folder.serve("link");
    assert_eq!(webserver.get("/inside.txt").text(), "inside");
    assert_eq!(webserver.get("/itself/itself/a.txt").text(), "inside");
    assert_eq!(webserver.get("/itself").field("Location"), Some("/itself/"));
    for target in ["/outside.html", "/outside", "/outside/", "/outside/index.html", "/broken", "/sub/"] {
        assert_eq!(webserver.get(target).status(), 404, "{target}");
    }
}

#[cfg(unix)]
#[test]
fn a_symlink_loop_is_answered_404() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    folder.file("a.txt", "");
    symlink("loop", folder.path("loop")).unwrap();
    symlink("there", folder.path("back")).unwrap();
    symlink("back", folder.path("there")).unwrap();
    fs::create_dir(folder.path("sub")).unwrap();
    symlink("index.html", folder.path("sub/index.html")).unwrap();
    let webserver = folder.serve("");
    for target in ["/loop", "/loop/", "/loop/a.txt", "/back", "/there", "/sub/", "/sub/index.html"] {
        assert_eq!((webserver.get(target).status(), target), (404, target));
    }
}

#[test]
fn a_path_without_a_file_is_answered_404() {
    let folder = Folder::new();
    folder.file("a.txt", "");
    fs::create_dir_all(folder.path("strange/index.html")).unwrap();
    let webserver = folder.serve("");
    let long = format!("/{}", "x".repeat(4000));
    for target in ["/nothing", "/a.txt/", "/a.txt/b", "/nothing/", "/strange/", "/favicon.ico", &long] {
        assert_eq!(webserver.get(target).status(), 404, "{target}");
    }
}
