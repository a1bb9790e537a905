"""Checks in the browser that what is below `webserver --docroot` is shown as it is, and not as a cache has kept it."""

import os
import pathlib
import shutil
import tempfile
import time

from checkers import Failure

# A browser takes a file of that age for fresh for days, unless the response says otherwise (RFC 9111 section 4.2.2).
AGE_SECONDS = 30 * 24 * 60 * 60


def write(file, text):
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"<!doctype html><title>{text}</title><a href='/page.html'>page</a> <a href='/name.html'>name</a>")
    modified = time.time() - AGE_SECONDS
    os.utime(file, (modified, modified))


def check_freshness(browser, start):
    """`start` runs the webserver with the flags that it is given."""
    with tempfile.TemporaryDirectory() as folder, start("webserver", "--docroot", folder, log="docroot") as server:
        root = pathlib.Path(folder)

        def follow(name):
            browser.run(f"document.querySelector('a[href=\"{name}\"]').click()")
            return browser.run("return document.title")

        # The browser asks for it by itself.
        (root / "favicon.ico").touch()
        write(root / "index.html", "start")
        write(root / "page.html", "before")
        write(root / "name.html" / "index.html", "a folder")
        browser.visit(server.address)
        before = [follow("/page.html"), follow("/name.html")]
        write(root / "page.html", "after")
        shutil.rmtree(root / "name.html")
        write(root / "name.html", "a file")
        browser.visit(server.address)
        after = [follow("/page.html"), follow("/name.html")]
        if (before, after) != (["before", "a folder"], ["after", "a file"]):
            raise Failure(f"below --docroot the browser shows {before}, and after they were changed {after}")
    print("browser: a file and a folder that were changed are seen at once")
