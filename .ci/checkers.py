"""What the checks of pages share: waiting, axe-core (accessibility) and html-validate (the HTML standard). Both come from
the npm registry."""

import json
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

# The levels A and AA of WCAG 2.2, and what axe-core calls best practice.
ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What differs between a light and a dark page.
COLOUR_RULES = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# axe-core leaves this rule out unless it is named: links must be 24 x 24 CSS pixels (WCAG 2.5.8).
NAMED_RULES = {"target-size": {"enabled": True}}

HTML_RULES = {"root": True, "extends": ["html-validate:standard"]}

# How many faults of each rule are printed: they tell the kind.
SHOWN_FAULTS = 5


# Longer than anything takes that a page shows.
PATIENCE_SECONDS = 10


class Failure(Exception):
    pass


def wait_until(page, what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{page}: {what} was waited for in vain")
        time.sleep(0.05)


class Axe:
    """Looks at each page as the browser shows it: its colours, its sizes, its roles."""

    def __init__(self, node_modules, browser):
        script = pathlib.Path(node_modules, "axe-core", "axe.min.js").read_text()
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.faults = []
        self.pages = 0

    def check(self, browser, path, look):
        self.run(browser, path, look, {"runOnly": ALL_RULES, "rules": NAMED_RULES})

    def check_colours(self, browser, path, look):
        self.run(browser, path, look, {"runOnly": COLOUR_RULES})

    def run(self, browser, path, look, options):
        # The style stands in the page, and nothing plays: there is nothing to load before.
        options |= {"resultTypes": ["violations"], "preload": False}
        faults = browser.run(
            f"return axe.run(document, {json.dumps(options)}).then(result => result.violations.flatMap(({{id, nodes}}) =>"
            " nodes.map(node => [id, `${node.target.join(' ')}: ${node.failureSummary.split('\\n')[1].trim()}`])))"
        )
        self.faults += [(rule, f"{path} ({look}): {fault}") for rule, fault in faults]
        self.pages += 1

    def report(self):
        fail_with(self.faults, "axe-core")
        print(f"browser: axe-core finds nothing in {self.pages} looks at a page")


class HtmlValidator:
    """Keeps the pages as they were sent, and has them read in a process of its own, beside the browser."""

    def __init__(self, node_modules, folder):
        self.program = pathlib.Path(node_modules, "html-validate", "bin", "html-validate.mjs")
        self.folder = folder
        self.paths = {}
        self.process = None
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()

    def keep(self, url, path):
        request = urllib.request.Request(url, headers={"Accept": "text/html"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            response = opener.open(request)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            file = self.folder / f"{len(self.paths)}.html"
            file.write_bytes(response.read())
            self.paths[str(file)] = path

    def start(self):
        config = self.folder / "config.json"
        config.write_text(json.dumps(HTML_RULES))
        command = ["node", self.program, "--config", config, "--formatter", "json", *self.paths]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def report(self):
        results = json.loads(self.process.communicate()[0])
        fail_with(
            [
                (fault["ruleId"], f"{self.paths[result['filePath']]}:{fault['line']}: {fault['message']}")
                for result in results
                for fault in result["messages"]
            ],
            "html-validate",
        )
        print(f"browser: html-validate finds nothing in {len(self.paths)} pages")


def fail_with(faults, checker):
    rules = sorted({rule for rule, _ in faults})
    lines = [f"{checker} finds {len(faults)} faults"]
    for rule in rules:
        of_rule = [fault for other, fault in faults if other == rule]
        lines += [f"{rule}, {len(of_rule)} times:", *of_rule[:SHOWN_FAULTS]]
    if faults:
        raise Failure("\n".join(lines))
