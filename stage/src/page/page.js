// Asks the proxy for its state twice a second, and shows it: the picture, the charts and the tables.

import { drawHistogram, drawLittle, drawRate } from "./charts.js";
import { Flow } from "./flow.js";
import { History, change, percentile } from "./history.js";
import { cut, duration, element, html, integer, milliseconds, plural, rate, say } from "./words.js";

const POLL_MS = 500;
/** A proxy that does not answer is asked less often. */
const UNREACHABLE_POLL_MS = 2000;
/** A request for the state fails after this time. */
const TIMEOUT_MS = 1500;
/** The seconds that percentiles and Little's law look back. */
const WINDOW = 10;
/** The seconds over which a rate is averaged. */
const RATE_WINDOW = 2;
const SHOWN_REQUESTS = 30;
const PERCENTS = [50, 90, 99];

/** The sections that only some proxies have: each is shown if the state has the part from which it is drawn. */
const SECTIONS = { Recent: fillRecent };

/** Whether the user has asked for less motion. */
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const pause = element("pause");
const history = new History();
const flow = new Flow();
let state;
let isPaused = false;
let isAsking = false;
let timer;

async function poll() {
  clearTimeout(timer);
  if (isPaused || isAsking || document.hidden) {
    return;
  }
  isAsking = true;
  const wait = await look();
  isAsking = false;
  timer = setTimeout(poll, wait);
}

/** Returns how long to wait before the next look. */
async function look() {
  try {
    const response = await fetch("/state.json", { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
    if (!response.ok) {
      throw new Error(`status ${response.status}`);
    }
    state = await response.json();
  } catch {
    flow.stop();
    element("page").classList.add("unreachable");
    const seen = state ? " The grey picture shows its last state." : "";
    say(element("status"), `The proxy cannot be reached. This page asks again every ${UNREACHABLE_POLL_MS / 1000} s.${seen}`);
    return UNREACHABLE_POLL_MS;
  }
  element("page").classList.remove("unreachable");
  say(element("status"), isPaused ? "Paused." : `The proxy whose RPC is at ${location.host}.`);
  history.add(state);
  show(!isPaused && !reducedMotion.matches);
  return POLL_MS;
}

function show(isMoving) {
  const now = change(history.recent(RATE_WINDOW));
  const lately = change(history.recent(WINDOW));
  flow.draw(state, now, change(history.samples.slice(-2)), isMoving);
  drawRate(history.samples, now);
  drawLittle(lately);
  const timesTo = (id, { buckets }) => {
    const percentiles = PERCENTS.map((percent) => [percent, percentile(buckets, state.BoundsMicros, percent)]);
    return drawHistogram(id, buckets, state.BoundsMicros, percentiles, WINDOW, lately.refused);
  };
  fillNumbers(now, timesTo("first-byte", lately.firstByte), timesTo("duration", lately.duration));
  Object.entries(SECTIONS).forEach(([part, draw]) => {
    element(part).hidden = !(part in state);
    if (part in state) {
      draw(state[part]);
    }
  });
}

function fillNumbers(now, firstByte, lastByte) {
  const { Queue: queue, Backends: backends, IdleConnections: idle } = state;
  const perSecond = (count) => rate(now.seconds > 0 ? count / now.seconds : 0);
  fill("numbers", [
    ["Uptime", duration(state.Uptime)],
    ["Clients connected", integer(state.Clients)],
    ["Requests that arrive", perSecond(now.arrived)],
    ["Waiting in the queue", `${integer(queue.Waiting)} of at most ${integer(queue.MostWaiting)}`],
    ["Refused, because the queue was full or the wait too long", `${integer(queue.Refused)} in all, ${perSecond(now.refused)} now`],
    ["In flight", queue.MostInFlight === null ? `${integer(queue.InFlight)}, no bound` : `${integer(queue.InFlight)} of at most ${integer(queue.MostInFlight)}`],
    ["Time to the first byte", firstByte],
    ["Time to the last byte", lastByte],
    ...backends.map((backend, index) => [
      `Backend ${cut(backend.Address)}`,
      `${backend.State}, ${integer(backend.InFlight)} in flight, ${plural(idle[index], "idle connection")}, ` +
        `${plural(backend.Requests, "request")}, ${plural(backend.Failures, "failure")}` +
        (backend.LastError === null ? "" : `, last error: ${cut(backend.LastError)}`),
    ]),
  ]);
}

function fillRecent(recent) {
  const rows = recent.slice(0, SHOWN_REQUESTS).map(({ Request, Status, Bytes, Millis, Error }) => [
    cut(Request) || "not read", Status ?? "none", milliseconds(Millis), plural(Bytes, "byte"), cut(Error ?? ""),
  ]);
  if (rows.length > 0) {
    fill("rows", rows);
  }
}

/** Fills a table. The first cell of a row is its head. */
function fill(id, rows) {
  element(id).replaceChildren(...rows.map(([head, ...cells]) => {
    const row = html("tr");
    const first = html("th", head);
    first.scope = "row";
    row.append(first, ...cells.map((text) => html("td", text)));
    return row;
  }));
}

// WCAG 2.2.2: what moves by itself can be stopped.
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", isPaused);
  if (isPaused) {
    flow.stop();
    say(element("status"), "Paused.");
  }
  poll();
});
document.addEventListener("visibilitychange", () => {
  flow.stop();
  poll();
});
addEventListener("resize", () => {
  if (state) {
    flow.stop();
    show(false);
  }
});
poll();
