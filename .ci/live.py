"""Checks the live picture in the browser: what it draws and says, that it asks no other server, and how it looks."""

import functools
import http.client
import json
import re
import socket
import threading
import time
import urllib.parse

import checkers
from checkers import PATIENCE_SECONDS, Failure

wait_until = functools.partial(checkers.wait_until, "/live")

STATES = ["waiting for its body", "answering", "done", "cut"]
DRAWN = "return [...document.querySelectorAll('.backend .bar')].map(bar => bar.classList[1])"
TOOLTIPS = "return [...document.querySelectorAll('.backend .bar title')].map(title => title.textContent)"
SHIFT = "return document.querySelector('.backend g').getAttribute('transform')"


class Load:
    """One request in each state, through the proxy or to the backend, and one to the backend that is to be gone."""

    def __init__(self, backend, proxy, gone):
        self.addresses = backend, proxy
        self.gone = gone
        self.is_done = threading.Event()

    def __enter__(self):
        backend, proxy = self.addresses
        connection = http.client.HTTPConnection(self.gone, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/hello/gone")
        connection.getresponse().read()
        waiting = self.connect(proxy)
        waiting.sendall(b"POST /echo HTTP/1.1\r\nHost: live\r\nContent-Length: 4\r\n\r\nbo")
        answering = self.connect(proxy)
        answering.sendall(b"GET /delay/60000 HTTP/1.1\r\nHost: live\r\n\r\n")
        self.sockets = [waiting, answering]
        self.thread = threading.Thread(target=self.repeat, args=(backend, proxy))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.thread.join()
        for connection in self.sockets:
            connection.close()

    def connect(self, address):
        host, port = address.split(":")
        return socket.create_connection((host, int(port)), PATIENCE_SECONDS)

    def repeat(self, backend, proxy):
        while not self.is_done.wait(0.2):
            for address, path in [(proxy, "/hello/<script>"), (backend, "/truncate/10")]:
                connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
                try:
                    connection.request("GET", path)
                    connection.getresponse().read()
                except (OSError, http.client.HTTPException):
                    pass
                connection.close()


def check_live(browser, start, backend, proxy, pictures, looks, axe):
    """`start` runs a webserver. `backend` and `proxy` are URLs. `axe` may be `None`."""
    with start("webserver", log="second") as second:
        backend, proxy, gone = (urllib.parse.urlsplit(url).netloc for url in (backend, proxy, second.address))
        with Load(backend, proxy, gone):
            check_page(browser, backend, gone, second, pictures, looks, axe)
    print(f"browser: /live shows each state and a dead backend, in {len(looks)} looks, and asks no other server")


def check_page(browser, backend, gone, second, pictures, looks, axe):
    browser.look(*looks["light"])
    # What the pages before have left in the logs.
    browser.logs("performance"), browser.logs("browser")
    browser.call("POST", "/url", {"url": f"http://{backend}/live?with={backend},{gone}"})
    text = lambda selector: browser.run(f"return document.querySelector('{selector}').innerText")
    wait_until("a bar for each state", lambda: {"waiting", *STATES[1:]} <= set(browser.run(DRAWN)))
    in_flight = re.compile(r"GET /delay/60000: answering, [1-9]\d* ms so far")
    wait_until("the time of a request in flight", lambda: any(map(in_flight.fullmatch, browser.run(TOOLTIPS))))
    wait_until("a word for each state", lambda: all(state in text("#rows") for state in STATES))
    if "GET /hello/<script>" not in text("#rows"):
        raise Failure(f"/live: the path is not in the table as text: {text('#rows')}")
    wait_until("a second backend", lambda: browser.run("return document.querySelectorAll('.backend > svg').length") == 2)
    # It is younger than the window, so nothing is left out of it.
    if browser.run("return document.querySelector('.left-out')"):
        raise Failure("/live: it says that requests are left out")
    second.process.kill()
    wait_until("a dead backend in grey", lambda: browser.run("return document.querySelector('.unreachable svg')"))
    if "Cannot be reached" not in text(".unreachable p"):
        raise Failure("/live: it does not say which backend cannot be reached")
    # Its requests grow old, too.
    wait_until("a table without the dead backend", lambda: gone not in text("#rows"))
    check_motion(browser)
    for look, settings in looks.items():
        browser.look(*settings)
        # It is drawn anew for another width with the next look.
        time.sleep(0.5)
        browser.check_width(f"/live ({look})")
        browser.screenshot(pictures / f"live-{look}.png")
        if axe:
            axe.check(browser, "/live", look)
    check_requests(browser, [backend, gone], gone)


def check_motion(browser):
    """It moves, and stands still where that is asked for."""

    def moves():
        before = browser.run(SHIFT)
        time.sleep(0.1)
        return browser.run(SHIFT) != before

    wait_until("a picture that moves", moves)
    browser.run("document.getElementById('pause').click()")
    if moves() or browser.run("return document.getElementById('pause').getAttribute('aria-pressed')") != "true":
        raise Failure("/live: it moves while it is paused")
    browser.run("document.getElementById('pause').click()")
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.devtools("Emulation.setEmulatedMedia", features=features)
    time.sleep(0.3)
    if {browser.run(SHIFT) for _ in range(10)} != {"translate(0.0 0)"}:
        raise Failure("/live: it moves where no motion is asked for")
    browser.devtools("Emulation.setEmulatedMedia", features=[])


def check_requests(browser, addresses, gone):
    """Only the backends were asked, and the console has nothing but that one of them cannot be reached."""
    browser.call("POST", "/url", {"url": "about:blank"})
    events = [json.loads(entry["message"])["message"] for entry in browser.logs("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [urllib.parse.urlsplit(url) for url in urls]
    others = [url.geturl() for url in asked if url.scheme in ("http", "https") and url.netloc not in addresses]
    logged = [entry["message"] for entry in browser.logs("browser") if not entry["message"].startswith(f"http://{gone}/")]
    if others or logged or not urls:
        raise Failure(f"/live: it has asked {others}, and the console says {logged}")
