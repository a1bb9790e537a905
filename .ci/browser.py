"""Drives headless Chromium over the book, its sources, its differences and its live pages, through a stage.

Fails on a request that failed, on an error in the console, on a page that is wider than its window, and on what axe-core and
html-validate find (see checkers.py). Leaves screenshots of each kind of page in target/browser. The live picture of the backend
and the live page of the proxy are checked in live.py and page.py. Needs only Python's standard library: chromedriver speaks HTTP.

Usage: browser.py CHROMIUM TARGET_FOLDER [NODE_MODULES]
"""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from checkers import Axe, Failure, HtmlValidator
from freshness import check_freshness
from live import check_live
from page import check_proxy_page

# A page waits for its pictures; through part1 each waits for the one before, and for connections that say nothing.
PAGE_TIMEOUT_SECONDS = 60
# A stage lets its clients finish for 10 s.
STOP_TIMEOUT_SECONDS = 30

CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--hide-scrollbars",
]

# The number of the newest stage.
NEWEST = max(int(path.name.removeprefix("part")) for path in pathlib.Path().glob("part*") if path.is_dir())
# Screenshots: one of each kind of page, in each of the looks.
SHOWN = [
    "/", "/setup", *[f"/part{number}" for number in range(1, NEWEST + 1)], "/tasks", "/measuring", "/codec",
    "/conformance", "/source", "/source/part4/src/pool.rs", "/diff", "/diff/1/2", "/diff/3/4", "/diff/4/work", "/report",
    "/counters", "/experiments", "/source/nothing",
]
# Pages that say why there is no other: each is answered with 404.
REFUSED = ["/part1/", "/source/nothing"]
# Width and height in CSS pixels, whether it is a phone, the colours, the medium. WCAG 1.4.10: a page must fit into 320.
LOOKS = {
    "light": (1280, 800, False, "light", "screen"),
    "dark": (1280, 800, False, "dark", "screen"),
    "phone": (320, 640, True, "light", "screen"),
    "phone-dark": (320, 640, True, "dark", "screen"),
    "print": (794, 1123, False, "light", "print"),
}

# Experiments that a browser shows as a page without an error.
EXPERIMENTS = [
    "/hello/world", "/bytes/1000", "/chunked/1000", "/close/1000", "/trailers", "/echo", "/headers", "/hints",
    "/delay/100", "/drip?count=3&ms=50", "/_lab/counters",
]


class Program:
    """A program that says on stdout where it listens. What it logs is in the file `log`."""

    def __init__(self, command, ready, log):
        self.log = log
        with open(log, "w") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        for line in self.process.stdout:
            if ready in line:
                self.ready_line = line
                self.address = line.split(ready)[1].split()[0].strip(".,")
                return
        raise Failure(f"{command[0]} did not start: {pathlib.Path(log).read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()


class Browser:
    """A session of chromedriver."""

    def __init__(self, driver, chromium, profile):
        self.url = f"http://127.0.0.1:{driver.address}/session"
        options = {"binary": chromium, "args": [*CHROMIUM_FLAGS, f"--user-data-dir={profile}"]}
        capabilities = {
            "browserName": "chrome", "goog:chromeOptions": options, "pageLoadStrategy": "normal",
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self.call("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self.url += "/" + session["sessionId"]
        self.call("POST", "/timeouts", {"pageLoad": PAGE_TIMEOUT_SECONDS * 1000})
        # Some packages of Chromium begin with a page of their own, from somewhere else: it is not what is looked at.
        self.call("POST", "/url", {"url": "about:blank"})
        self.logs("performance")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("DELETE", "")

    def call(self, method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, {"Content-Type": "application/json"}, method=method)
        # chromedriver is on this machine: no proxy of the environment may stand between.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=2 * PAGE_TIMEOUT_SECONDS) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"{body}: {json.load(error)['value']['message'].splitlines()[0]}") from None

    def run(self, script):
        """The value of a script, or what its promise comes to."""
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, is_phone, colours, medium):
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=is_phone, deviceScaleFactor=1
        )
        features = [{"name": "prefers-color-scheme", "value": colours}]
        self.devtools("Emulation.setEmulatedMedia", media=medium, features=features)

    def visit(self, url):
        """Opens a page, and fails if anything of it failed."""
        is_refused = urllib.parse.urlsplit(url).path in REFUSED
        self.call("POST", "/url", {"url": url})
        logged = [entry["message"] for entry in self.logs("browser") if entry["level"] in ("SEVERE", "WARNING")]
        # The console shows a 404 too.
        faults = [message for message in logged if not (is_refused and message.startswith(url))]
        requests = 0
        for entry in self.logs("performance"):
            event = json.loads(entry["message"])["message"]
            parameters = event["params"]
            if event["method"] == "Network.responseReceived":
                response = parameters["response"]
                requests += 1
                if (response["status"] >= 400) != (is_refused and response["url"] == url):
                    faults.append(f"{response['status']} {response['url']}")
            # A page that asks again every 2 s may be left in the middle of it: that is no fault.
            elif event["method"] == "Network.loadingFailed" and not parameters.get("canceled"):
                faults.append(parameters["errorText"])
        if faults or requests == 0:
            raise Failure(f"{url}: {'; '.join(faults) or 'no response'}")
        return requests

    def logs(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def check_width(self, what):
        # Tables and code scroll in boxes of their own.
        wide = self.run("const e = document.documentElement; return e.scrollWidth - e.clientWidth")
        if wide > 0:
            raise Failure(f"{what} is {wide} pixels wider than its window")

    def screenshot(self, file):
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        # A page may be very long; what is wrong with it shows at its beginning.
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        picture = self.devtools(
            "Page.captureScreenshot", clip=clip, captureBeyondViewport=True, optimizeForSpeed=True
        )
        file.write_bytes(base64.b64decode(picture["data"]))


def links(browser, selector):
    return browser.run(f"return [...document.querySelectorAll('{selector}')].map(link => link.getAttribute('href'))")


def read_all(browser, start, backend, proxy, pictures, node_modules):
    """Everything through the last stage: all that the contents list, the stages' sources, the experiments."""
    browser.look(*LOOKS["phone"])
    browser.visit(proxy + "/")
    paths = links(browser, "#contents a")
    browser.visit(proxy + "/source")
    paths += [link for link in links(browser, ".files a") if link.startswith(("/source/part", "/source/work"))]
    paths += ["/counters/live", "/diff/4/work", "/diff/1/5", *REFUSED, *EXPERIMENTS]
    if missing := [path for path in SHOWN if path not in paths]:
        raise Failure(f"not in the contents: {missing}")
    axe = Axe(node_modules, browser) if node_modules else None
    validator = HtmlValidator(node_modules, pictures / "html") if node_modules else None
    requests = 0
    for path in paths:
        requests += browser.visit(proxy + path)
        browser.check_width(path)
        if validator and browser.run("return document.contentType") == "text/html":
            validator.keep(proxy + path, path)
            # This page might refresh itself in the middle of the look; /counters is the same otherwise.
            if path != "/counters/live":
                axe.check(browser, path, "phone")
    print(f"browser: {len(paths)} pages, {requests} requests, no failure, no error in the console")
    check_proxy_page(browser, start, f"part{NEWEST}", pictures, LOOKS, axe, validator)
    if validator:
        validator.start()
    check_counters(browser, proxy)
    check_live(browser, start, backend, proxy, pictures, LOOKS, axe)
    for path in SHOWN:
        browser.visit(proxy + path)
        # No script depends on the look, so a page that is shown in another look is the same as one that is opened in it.
        for look, settings in LOOKS.items():
            browser.look(*settings)
            browser.check_width(f"{path} ({look})")
            name = path.strip("/").replace("/", "-") or "start"
            browser.screenshot(pictures / f"{name}-{look}.png")
            if axe and look == "dark":
                axe.check_colours(browser, path, look)
    print(f"browser: {len(LOOKS) * len(SHOWN)} screenshots in {pictures}")
    for checker in filter(None, [axe, validator]):
        checker.report()


def check_counters(browser, proxy):
    """The page of the counters counts what happens between two looks at it, and the pool keeps the connections few."""

    def look():
        browser.visit(proxy + "/counters")
        cells = "document.querySelectorAll('.counters td:nth-child(2)')"
        return browser.run(f"return [...{cells}].map(cell => +cell.innerText)")

    accepted, before, _, _ = look()
    browser.visit(proxy + "/hello/counter")
    _, after, _, _ = look()
    if after <= before or accepted >= before:
        raise Failure(f"the counters say {accepted} connections, {before} requests, and {after} after one more")
    browser.visit(proxy + "/counters/live")
    # The key that stops it goes to the link that has the focus.
    browser.run("document.activeElement.click()")
    if browser.run("return location.pathname + document.querySelectorAll('meta[http-equiv]').length") != "/counters0":
        raise Failure("the page that refreshes itself is not stopped by the link that has the focus")


def read_serially(browser, proxy, part1):
    """The same through part1, while the browser holds a connection open on which it sends nothing."""
    browser.look(*LOOKS["light"])
    slowest = 0
    paths = ["/", "/part1", "/diff/1/2", "/source/part1/src/proxy.rs", "/report", "/experiments"]
    browser.visit(proxy + paths[0])
    for path in paths:
        # What browsers do by themselves when they expect to need a connection. `crossOrigin` keeps it apart from those
        # that pages are loaded on, so that it stays idle.
        browser.run(
            "const link = document.createElement('link');"
            "link.rel = 'preconnect'; link.crossOrigin = ''; link.href = location.origin;"
            "document.head.append(link)"
        )
        start = time.monotonic()
        browser.visit(proxy + path)
        slowest = max(slowest, time.monotonic() - start)
    gave_up = pathlib.Path(part1.log).read_text().count("sent no request")
    if gave_up == 0:
        raise Failure("no connection was idle, so the way through part1 proves nothing")
    print(
        f"browser: {len(paths)} pages through part1, beside {gave_up} idle connections: "
        f"no failure, the slowest after {slowest:.1f} s"
    )


def main(chromium, target, node_modules=None):
    binaries, pictures = pathlib.Path(target, "debug").resolve(), pathlib.Path(target, "browser").resolve()
    pictures.mkdir(parents=True, exist_ok=True)

    def start(name, *arguments, listen="127.0.0.1:0", log=None):
        command = [str(binaries / name), "--listen", listen, *arguments]
        return Program(command, " listening on ", pictures / f"{log or name}.log")

    with (
        tempfile.TemporaryDirectory() as profiles,
        start("webserver") as backend,
        start(f"part{NEWEST}", "--backend", backend.address, "--rpc", "127.0.0.1:0") as last,
        start("part1", "--backend", backend.address) as first,
        Program(["chromedriver", "--port=0"], "started successfully on port ", pictures / "driver.log") as driver,
        Browser(driver, chromium, profiles + "/last") as browser,
        Browser(driver, chromium, profiles + "/first") as other_browser,
        ThreadPoolExecutor() as threads,
    ):
        # This mostly waits, so it goes on beside the rest.
        serially = threads.submit(read_serially, other_browser, first.address, first)
        check_freshness(browser, start)
        read_all(browser, start, backend.address, last.address, pictures, node_modules)
        serially.result()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failure as failure:
        sys.exit(f"browser: FAILED: {failure}")
