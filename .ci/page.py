"""Checks the live page of a proxy in the browser: under a load that is too large, while a backend and the proxy itself
are killed and come back, that it asks no other server, and how it looks."""

import functools
import http.client
import json
import threading
import time
import urllib.parse

import checkers
from checkers import PATIENCE_SECONDS, Failure

wait_until = functools.partial(checkers.wait_until, "the live page")

PLACES, SEATS, CLIENTS = 4, 8, 20
FLAGS = ["--max-in-flight", str(PLACES), "--queue", str(SEATS), "--health-interval", "200ms", "--log", "error"]
# A killed backend is grey within this time.
GREY_SECONDS = 3
RUNS_FOR = "return document.querySelector('#numbers td').innerText"
MOVING = "return document.querySelectorAll('.ways circle').length"


class Load:
    """Clients that send one request after the other, more than the proxy has room for."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.is_done = threading.Event()
        self.threads = [threading.Thread(target=self.repeat) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.is_done.set()
        for thread in self.threads:
            thread.join()

    def repeat(self):
        connection = http.client.HTTPConnection(self.proxy, timeout=PATIENCE_SECONDS)
        paths = ["/delay/100?secret", "/delay/300", "/hello/<script>"]
        while not self.is_done.wait(0.05):
            try:
                connection.request("GET", paths[0])
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
            paths.append(paths.pop(0))
        connection.close()


def check_proxy_page(browser, start, stage, pictures, looks, axe, validator):
    """`start` runs a program. `stage` is the name of the proxy. `axe` and `validator` may be `None`."""
    with (
        start("webserver", log="page-backend") as stays,
        start("webserver", log="page-killed") as killed,
    ):
        backends = [urllib.parse.urlsplit(backend.address).netloc for backend in (stays, killed)]
        flags = [*FLAGS, "--backend", ",".join(backends)]
        with start(stage, *flags, "--rpc", "127.0.0.1:0", log="page-proxy") as proxy:
            address = urllib.parse.urlsplit(proxy.address).netloc
            rpc = urllib.parse.urlsplit(proxy.ready_line.split("stats RPC on ")[1]).netloc
            if validator:
                validator.keep(f"http://{rpc}/", "the live page")
            browser.look(*looks["light"])
            # What the pages before have left in the logs.
            browser.logs("performance"), browser.logs("browser")
            browser.call("POST", "/url", {"url": f"http://{rpc}/"})
            with Load(address):
                check_overload(browser)
                check_motion(browser)
                check_looks(browser, pictures, looks, axe)
                check_killed_backend(browser, start, killed, backends[1])
            check_console(browser)
        check_killed_proxy(browser, lambda: start(stage, *flags, "--rpc", rpc, listen=address, log="page-proxy"))
    check_requests(browser, rpc)
    print(f"browser: the live page shows an overload and a killed backend, in {len(looks)} looks, and asks no other server")


def text(browser, selector):
    return browser.run(f"return document.querySelector('{selector}').innerText")


def count(browser, selector):
    return browser.run(f"return document.querySelectorAll('{selector}').length")


def check_overload(browser):
    wait_until("a full queue", lambda: browser.run(
        "return [document.querySelector('#queue.full') !== null, ...['#queue', '#places'].map("
        "box => document.querySelectorAll(`${box}-slots .dot`).length)].join()") == f"true,{SEATS},{PLACES}")
    wait_until("a dot on its way", lambda: count(browser, ".ways .dot"))
    wait_until("a request that bounces off the queue", lambda: count(browser, ".ways .refused"))
    wait_until("a rate of refusals", lambda: count(browser, "#rate .rejected[d^=M]"))
    wait_until("percentiles", lambda: count(browser, "#duration .percentile") == 3)
    wait_until("Little's law to hold", lambda: text(browser, "#little-words").startswith("✓"))
    wait_until("a refusal in the table", lambda: "503" in text(browser, "#rows"))
    wait_until("a path as text", lambda: "GET /hello/<script>" in text(browser, "#rows"))
    if "secret" in text(browser, "body"):
        raise Failure("the live page shows a query")


def check_motion(browser):
    """It stands still where that is asked for, and does not ask while it is paused."""
    browser.run("document.getElementById('pause').click()")
    # A look that was under way may still come.
    time.sleep(0.5)
    before = browser.run(RUNS_FOR)
    time.sleep(1.5)
    if browser.run(MOVING) or browser.run(RUNS_FOR) != before:
        raise Failure("the live page moves while it is paused")
    if browser.run("return document.getElementById('pause').getAttribute('aria-pressed')") != "true":
        raise Failure("the live page does not say that it is paused")
    browser.run("document.getElementById('pause').click()")
    wait_until("the page to go on", lambda: browser.run(MOVING) and browser.run(RUNS_FOR) != before)
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.devtools("Emulation.setEmulatedMedia", features=features)
    wait_until("the last dots to arrive", lambda: not browser.run(MOVING))
    time.sleep(1)
    if browser.run(MOVING):
        raise Failure("the live page moves where no motion is asked for")
    browser.devtools("Emulation.setEmulatedMedia", features=[])


def check_looks(browser, pictures, looks, axe):
    for look, settings in looks.items():
        browser.look(*settings)
        # It is drawn anew for another width with the next look.
        time.sleep(0.7)
        # On a busy machine an answer may take too long, and the page is grey until the next one.
        wait_until("an answer of the proxy", lambda: not count(browser, ".unreachable"))
        browser.check_width(f"the live page ({look})")
        browser.screenshot(pictures / f"page-{look}.png")
        if axe:
            axe.check(browser, "the live page", look)
    browser.look(*looks["light"])


def check_killed_backend(browser, start, killed, address):
    killed.process.kill()
    begun = time.monotonic()
    wait_until("a killed backend in grey", lambda: count(browser, ".down.box"))
    if time.monotonic() - begun > GREY_SECONDS:
        raise Failure(f"the live page shows a killed backend in grey after more than {GREY_SECONDS} s")
    shown = text(browser, ".down.box")
    if not all(word in shown for word in [address, "DOWN", "cannot connect"]):
        raise Failure(f"the live page does not say which backend is down, and why: {shown}")
    with start("webserver", listen=address, log="page-back"):
        wait_until("the backend to come back", lambda: not count(browser, ".down.box"))


def check_console(browser):
    if logged := [entry["message"] for entry in browser.logs("browser")]:
        raise Failure(f"the live page: the console says {logged}")


def check_killed_proxy(browser, start_again):
    """The proxy has ended. The page says so, and goes on by itself once it is back."""
    wait_until("a grey page", lambda: count(browser, ".unreachable"))
    if "cannot be reached" not in text(browser, "#status"):
        raise Failure(f"the live page does not say that the proxy cannot be reached: {text(browser, '#status')}")
    with start_again():
        wait_until("the page to come back", lambda: not count(browser, ".unreachable"))
        browser.call("POST", "/url", {"url": "about:blank"})


def check_requests(browser, rpc):
    """Only the proxy was asked."""
    events = [json.loads(entry["message"])["message"] for entry in browser.logs("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [urllib.parse.urlsplit(url) for url in urls]
    others = [url.geturl() for url in asked if url.scheme in ("http", "https") and url.netloc != rpc]
    # What the console has from the time in which the proxy was gone.
    logged = [entry["message"] for entry in browser.logs("browser")]
    faults = [message for message in logged if not message.startswith(f"http://{rpc}/state.json ")]
    if others or faults or not urls:
        raise Failure(f"the live page: it has asked {others}, and the console says {faults}")
