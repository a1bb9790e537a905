// Draws what /live.json says of one or several backends: a lane for each connection, a bar for each request. What comes from
// a backend gets into the page as text and as numbers only.

const POLL_MS = 250;
/** A backend that does not answer is asked less often. */
const UNREACHABLE_POLL_MS = 2000;
/** Longer than any answer takes, and short enough that a dead backend turns grey within 3 s. */
const TIMEOUT_MS = 1000;
const SHOWN_REQUESTS = 20;
const MAX_LANES = 120;
/** All lanes together are at most that high, unless there are so many that each has the least height. */
const LANES_HEIGHT = 360;
const LANE_HEIGHT = { least: 4, most: 16 };
/** A lane that is lower has no text. */
const TEXT_HEIGHT = 14;
const LETTER_WIDTH = 6;
const LEFT = 34;
const TOP = 16;
const BOTTOM = 18;

const addresses = new URLSearchParams(location.search).get("with")?.split(",") ?? [location.host];
const prefersStill = matchMedia("(prefers-reduced-motion: reduce)");
const pause = document.getElementById("pause");
let isPaused = false;

const rounded = (value) => (typeof value === "number" ? Math.round(value * 10) / 10 : value);
const element = (name, attributes = {}, text = "") => {
  const created = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => created.setAttribute(key, rounded(value)));
  created.textContent = text;
  return created;
};
const html = (name, text = "") => Object.assign(document.createElement(name), { textContent: text });
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** One backend: its data, and its part of the page. */
class Backend {
  constructor(address) {
    this.address = address;
    this.url = address === location.host ? "/live.json" : `http://${address}/live.json`;
    this.section = html("section");
    this.section.className = "backend";
    this.summary = html("p", "asking");
    this.svg = element("svg", { class: "live", role: "img" });
    this.section.append(html("h2", `Backend ${address}`), this.summary);
    this.requests = [];
    this.height = 0;
  }

  /** Returns how long to wait before the next poll. */
  async poll() {
    try {
      const response = await fetch(this.url, { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
      this.show(await response.json());
      this.section.classList.remove("unreachable");
      return POLL_MS;
    } catch {
      this.section.classList.add("unreachable");
      this.summary.textContent = `Cannot be reached.${this.data ? " The grey picture is the last that was seen." : ""}`;
      this.requests = this.requests.filter((request) => request.ended !== null);
      return UNREACHABLE_POLL_MS;
    }
  }

  show(data) {
    this.received = performance.now();
    this.data = data;
    // Backends have clocks of their own, so `begun` is by the clock of the page.
    this.requests = data.requests.map((request) => {
      const begun = this.received - (data.now - request.started);
      return { ...request, backend: this.address, now: data.now, begun };
    });
    const open = data.connections.filter((connection) => connection.closed === null).length;
    const inFlight = data.requests.filter((request) => request.ended === null).length;
    this.summary.textContent =
      `Now: ${count(open, "connection")} open, ${count(inFlight, "request")} in flight. ` +
      `In ${data.window / 1000} s: ${count(data.requests.length, "request")} on ${count(data.connections.length, "connection")}.`;
    this.svg.setAttribute("aria-label", `${this.address}. ${this.summary.textContent}`);
    this.draw();
  }

  draw() {
    const { connections, now, window, complete_since: completeSince } = this.data;
    const width = Math.max(this.section.clientWidth, 240);
    const lanes = connections.slice(-MAX_LANES);
    const fitting = Math.floor(LANES_HEIGHT / Math.max(lanes.length, 1));
    const laneHeight = Math.min(Math.max(fitting, LANE_HEIGHT.least), LANE_HEIGHT.most);
    // It never shrinks, so that what stands below it stays where it is.
    this.height = Math.max(this.height, lanes.length * laneHeight, 4 * LANE_HEIGHT.most);
    this.scale = (width - LEFT) / window;
    const at = (time) => rounded((time - now + window) * this.scale);
    const bottom = TOP + this.height;
    const size = { width, height: bottom + BOTTOM, viewBox: `0 0 ${width} ${bottom + BOTTOM}` };
    Object.entries(size).forEach(([key, value]) => this.svg.setAttribute(key, value));

    const undrawn = connections.length - lanes.length;
    const parts = [element("text", { x: 0, y: 11 }, undrawn > 0 ? `${undrawn} older connections are not drawn` : "connection")];
    for (let seconds = window / 1000; seconds >= 0; seconds -= 2) {
      const x = rounded(LEFT + (window - seconds * 1000) * this.scale);
      parts.push(element("path", { class: "grid", d: `M${x} ${TOP}V${bottom}` }));
      const anchor = seconds === 0 ? "end" : "middle";
      parts.push(element("text", { class: anchor, x, y: bottom + 13 }, seconds === 0 ? "now" : `−${seconds} s`));
    }
    // It clips what is older than the window, or has not come into view.
    const view = element("svg", { x: LEFT, y: TOP, width: width - LEFT, height: this.height });
    this.moving = element("g");
    view.append(this.moving);
    // 0: nothing was dropped.
    if (completeSince > Math.max(now - window, 0)) {
      this.moving.append(element("rect", { class: "left-out", x: -width, y: 0, width: width + at(completeSince), height: this.height }));
      parts[0].textContent = "more requests than are kept: those in the shaded part are left out";
    }
    const tops = new Map(lanes.map((connection, index) => [connection.number, index * laneHeight]));
    const groups = new Map();
    const labels = Math.ceil(TEXT_HEIGHT / laneHeight);
    lanes.forEach((connection, index) => {
      const { number, opened, closed } = connection;
      const opacity = closed === null ? 1 : 1 - (0.5 * (now - closed)) / window;
      const middle = tops.get(number) + laneHeight / 2;
      const group = element("g", { opacity });
      // A tick where it ends.
      const end = closed === null ? "" : `M${at(closed)} ${middle - laneHeight / 4}v${laneHeight / 2}`;
      group.append(element("path", { class: "lane", d: `M${at(opened)} ${middle}H${at(closed ?? now)}${end}` }));
      groups.set(number, group);
      this.moving.append(group);
      if (index % labels === 0) {
        parts.push(element("text", { class: "end", x: LEFT - 6, y: TOP + middle + 4 }, number));
      }
    });
    for (const request of this.data.requests) {
      groups.get(request.connection)?.append(...bars(request, at, tops.get(request.connection), laneHeight, now));
    }
    this.svg.replaceChildren(...parts, view);
    this.section.append(this.svg);
    this.move();
  }

  /** Shifts the drawing to the left as time goes on. It shows what was POLL_MS ago, so that the right end never lacks data. */
  move() {
    const shift = prefersStill.matches || isPaused ? 0 : POLL_MS - (performance.now() - this.received);
    this.moving?.setAttribute("transform", `translate(${(Math.max(shift, -POLL_MS) * this.scale).toFixed(1)} 0)`);
  }
}

/** The bar of a request: a part in which the backend waits for the body, and one in which it answers. */
function bars(request, at, top, laneHeight, now) {
  const { started, answering, ended, state } = request;
  const end = ended ?? now;
  const bar = (kind, from, to) => {
    const width = Math.max(at(to) - at(from), 2);
    return element("rect", { class: `bar ${kind}`, x: at(from), y: top + 1, width, height: laneHeight - 2 });
  };
  const parts = [];
  const bodyEnd = answering ?? end;
  if (answering === null || answering > started) {
    parts.push(bar("waiting", started, bodyEnd));
  }
  if (answering !== null) {
    parts.push(bar(state, bodyEnd, end));
  }
  if (state === "cut") {
    const [x, crossWidth] = [at(end), laneHeight / 2];
    parts.push(element("path", { class: "cross", d: `M${x - crossWidth} ${top + 1}l${crossWidth} ${laneHeight - 2}M${x} ${top + 1}l-${crossWidth} ${laneHeight - 2}` }));
  }
  const letters = Math.floor((at(end) - at(started) - 6) / LETTER_WIDTH);
  if (laneHeight >= TEXT_HEIGHT && letters >= request.path.length) {
    parts.push(element("text", { class: "path", x: at(started) + 4, y: top + laneHeight / 2 + 3.5 }, request.path));
  }
  parts[0].append(element("title", {}, `${request.method} ${request.path}: ${state}, ${time(request, now)}`));
  return parts;
}

function time({ started, ended }, now) {
  return ended === null ? `${now - started} ms so far` : `${ended - started} ms`;
}

function fillTable(backends) {
  const requests = backends.flatMap((backend) => backend.requests).sort((a, b) => b.begun - a.begun);
  const rows = requests.slice(0, SHOWN_REQUESTS).map((request) => {
    const { backend, connection, method, path, state } = request;
    const row = html("tr");
    row.append(...[`${method} ${path}`, state, time(request, request.now), connection, backend].map((text) => html("td", text)));
    return row;
  });
  if (rows.length > 0) {
    document.getElementById("rows").replaceChildren(...rows);
  }
}

const backends = addresses.map((address) => new Backend(address));
document.getElementById("backends").append(...backends.map((backend) => backend.section));

for (const backend of backends) {
  const poll = async () => {
    const isPolling = !isPaused && !document.hidden;
    const next = isPolling ? await backend.poll() : POLL_MS;
    if (isPolling) {
      fillTable(backends);
    }
    setTimeout(poll, next);
  };
  poll();
}

// WCAG 2.2.2: what moves by itself can be stopped.
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", isPaused);
  backends.forEach((backend) => backend.move());
});
addEventListener("resize", () => backends.filter((backend) => backend.data).forEach((backend) => backend.draw()));

const frame = () => {
  if (!prefersStill.matches && !isPaused) {
    backends.filter((backend) => backend.data).forEach((backend) => backend.move());
  }
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
