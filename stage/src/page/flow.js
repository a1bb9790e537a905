// The picture of the way of a request: from the clients to the queue, to a place, to a backend. A dot in a box is a request
// that is in it now. The dots that move are what was counted between two looks.

import { cut, element, html, integer, plural, rate, roundUp, say, setAttributes, svg } from "./words.js";

/** The most dots in a box. With more places, a dot stands for several requests. */
const MAX_SLOTS = 100;
/** The space of a dot in a box: the smaller if there are many. */
const SLOT_SIZES = { few: 16, many: 12 };
const MANY_SLOTS = 40;
/** The most dots that set out on one way between two looks. With more requests, a dot stands for several. */
const MAX_DOTS = 10;
/** The time in which the dots of a look set out, and the time that each is on its way. */
const SPREAD_MS = 500;
const WAY_MS = 700;
/** How far beside the others a refused request comes, and how far it falls back. */
const BESIDE = 14;
const FALL = 40;

/** The padding of a box, and where the ways run if the boxes stand below each other. */
const PADDING = 28;
const STEM = 80;
const TRUNK = 12;

export class Flow {
  picture = element("flow");
  ways = element("ways");
  moving = svg("g");
  backends = [];
  /** For each way, the requests that were counted and have no dot yet. */
  owed = new Map();
  /** The rows of dots in each box. They never become fewer, so that nothing jumps. */
  rows = { queue: 1, places: 1 };

  /** `now` is what has changed in the last seconds, `step` what has changed since the last look. */
  draw(state, now, step, isMoving) {
    const { Clients: clients, Queue: queue } = state;
    const perSecond = (count) => rate(now.seconds > 0 ? Math.max(count, 0) / now.seconds : 0);
    const idle = Math.max(clients - queue.InFlight - queue.Waiting, 0);
    const most = queue.MostInFlight;
    const isFull = queue.Waiting > 0 && queue.Waiting === queue.MostWaiting;
    say(element("clients-now"), integer(clients));
    say(element("clients-idle"), `${integer(idle)} idle`);
    say(element("queue-now"), `${integer(queue.Waiting)} of ${integer(queue.MostWaiting)}`);
    say(element("queue-refused"), `${isFull ? "FULL, " : ""}${integer(queue.Refused)} refused`);
    element("queue").classList.toggle("full", isFull);
    say(element("places-now"), most === null ? integer(queue.InFlight) : `${integer(queue.InFlight)} of ${integer(most)}`);
    say(element("places-most"), most === null ? "no bound" : queue.InFlight === most ? "all places taken" : "");
    this.drawSlots("queue", queue.MostWaiting, queue.Waiting);
    this.drawSlots("places", most ?? queue.InFlight, queue.InFlight);
    // The proxy may have been started anew, with fewer backends.
    this.backends.splice(state.Backends.length).forEach(({ box }) => box.remove());
    state.Backends.forEach((backend, index) => this.drawBackend(index, backend, state.IdleConnections[index], now, perSecond));
    const routes = this.routes();
    this.drawRoutes(routes, {
      arrive: perSecond(now.arrived),
      refuse: now.refused > 0 ? `${perSecond(now.refused)} refused` : "",
      begin: perSecond(now.sent.reduce((total, count) => total + count, 0)),
    });
    if (isMoving) {
      this.move(routes, step);
    }
  }

  /** Ends all motion. */
  stop() {
    this.moving.replaceChildren();
    this.owed.clear();
  }

  drawSlots(id, most, taken) {
    const picture = element(`${id}-slots`);
    const each = Math.max(Math.ceil(most / MAX_SLOTS), 1);
    const slots = Math.ceil(most / each);
    const dots = Math.ceil(taken / each);
    const size = slots > MANY_SLOTS ? SLOT_SIZES.many : SLOT_SIZES.few;
    const columns = Math.max(Math.floor((picture.parentElement.clientWidth - PADDING) / size), 1);
    this.rows[id] = Math.max(this.rows[id], Math.ceil(slots / columns));
    const [width, height] = [columns * size, this.rows[id] * size];
    setAttributes(picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    picture.replaceChildren(...Array.from({ length: slots }, (_, index) => {
      const [place, row] = [index % columns, Math.floor(index / columns)];
      // The front of the queue is at the right, where the places are.
      const column = id === "queue" ? columns - 1 - place : place;
      const at = { cx: (column + 0.5) * size, cy: (row + 0.5) * size, r: size / 2 - 2.5 };
      return svg("circle", { ...at, class: index < dots ? "dot" : "slot" });
    }));
    say(element(`${id}-scale`), each > 1 ? `a dot is ${integer(each)} requests` : "");
  }

  drawBackend(index, backend, idle, now, perSecond) {
    this.backends[index] ??= makeBackend();
    const { box, name, word, now: current, total, error } = this.backends[index];
    const isDown = backend.State !== "up";
    const isFailing = now.failures[index] > 0;
    box.classList.toggle("down", isDown);
    say(name, cut(backend.Address));
    say(word, isDown ? "DOWN" : isFailing ? "up, fails" : "up");
    say(current, `${integer(backend.InFlight)} in flight · ${perSecond(now.sent[index])} · pool ${integer(idle)} idle`);
    say(total, `${plural(backend.Requests, "request")} · ${plural(backend.Failures, "failure")}`);
    say(error, (isDown || isFailing) && backend.LastError !== null ? cut(backend.LastError) : "");
  }

  /** The ways, each as its corners. */
  routes() {
    const origin = this.picture.getBoundingClientRect();
    const sides = (target) => {
      const box = target.getBoundingClientRect();
      const [left, top] = [box.left - origin.left, box.top - origin.top];
      return { left, top, right: left + box.width, bottom: top + box.height, middle: top + box.height / 2 };
    };
    const [clients, queue, places] = ["clients", "queue", "places"].map((id) => sides(element(id)));
    // In a narrow window the boxes stand below each other.
    const isNarrow = queue.top > clients.bottom;
    setAttributes(this.ways, { width: origin.width, height: origin.height });
    const between = (from, to) => (isNarrow
      ? [[from.left + STEM, from.bottom], [from.left + STEM, to.top]]
      : [[from.right, from.middle], [to.left, from.middle]]);
    const arrive = between(clients, queue);
    // A refused request bounces off the queue.
    const refuse = isNarrow
      ? [...arrive.map(([x, y]) => [x + BESIDE, y]), [queue.left + STEM + 2 * FALL, (clients.bottom + queue.top) / 2]]
      : [...arrive.map(([x, y]) => [x, y + BESIDE]), [(clients.right + queue.left) / 2, queue.middle + BESIDE + FALL]];
    const toBackends = this.backends.map(({ box }) => {
      const backend = sides(box);
      const [startX, startY] = isNarrow ? [places.left + TRUNK, places.bottom] : [places.right, places.middle];
      const turn = isNarrow ? startX : (places.right + backend.left) / 2;
      return [[startX, startY], [turn, startY], [turn, backend.middle], [backend.left, backend.middle]];
    });
    return { arrive, refuse, begin: between(queue, places), toBackends, isNarrow };
  }

  drawRoutes({ arrive, refuse, begin, toBackends, isNarrow }, labels) {
    const line = (corners) => `M${corners.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
    const way = (name, corners) => svg("path", { class: name, d: line(corners), "marker-end": "url(#arrow)" });
    const label = ([from, to], text) => (isNarrow
      ? svg("text", { x: from[0] - 8, y: (from[1] + to[1]) / 2 + 4, class: "end" }, text)
      : svg("text", { x: (from[0] + to[0]) / 2, y: from[1] - 9, class: "middle" }, text));
    const [x, y] = refuse[2];
    const refused = svg("text", isNarrow
      ? { x: x + 10, y: y + 4, class: "refusals" }
      : { x, y: y + 18, class: "middle refusals" }, labels.refuse);
    const down = (index) => (this.backends[index].box.classList.contains("down") ? " down" : "");
    this.ways.replaceChildren(
      arrowHead(),
      ...[arrive, begin].map((corners) => way("way", corners)),
      ...toBackends.map((corners, index) => way(`way${down(index)}`, corners)),
      label(arrive, labels.arrive), label(begin, labels.begin), refused, this.moving,
    );
  }

  /** Sends dots on their ways. */
  move(routes, step) {
    const sent = step.sent.map((count) => Math.max(count, 0));
    const flows = [
      ["arrive", routes.arrive, step.arrived - step.refused, 0],
      ["refuse", routes.refuse, step.refused, 0],
      ["begin", routes.begin, sent.reduce((total, count) => total + count, 0), WAY_MS / 2],
      ...sent.map((count, index) => [`backend ${index}`, routes.toBackends[index], count, WAY_MS]),
    ];
    const each = roundUp(Math.max(...flows.map(([, , count]) => count)) / MAX_DOTS);
    say(element("scale"), `A dot in a box is a request that is in it now. A dot on its way is ${plural(each, "request")}; a ring that falls is a refused request.`);
    for (const [name, corners, count, delay] of flows) {
      const owed = (this.owed.get(name) ?? 0) + Math.max(count, 0);
      const dots = Math.floor(owed / each);
      this.owed.set(name, owed - dots * each);
      for (let dot = 0; dot < dots; dot += 1) {
        this.send(name, corners, delay + (SPREAD_MS * dot) / dots);
      }
    }
  }

  send(name, corners, delay) {
    const isRefused = name === "refuse";
    const dot = svg("circle", { r: 4, class: isRefused ? "refused" : "dot" });
    this.moving.append(dot);
    const lengths = corners.map(([x, y], index) => {
      const [fromX, fromY] = corners[Math.max(index - 1, 0)];
      return Math.hypot(x - fromX, y - fromY);
    });
    const length = lengths.reduce((total, part) => total + part, 0);
    let offset = 0;
    const frames = corners.map(([x, y], index) => {
      offset += lengths[index] / length;
      return { transform: `translate(${x}px, ${y}px)`, offset: Math.min(offset, 1) };
    });
    // The dot is invisible until it starts.
    frames.push({ opacity: 0, offset: 0 }, { opacity: 1, offset: 0.01 });
    frames.sort((one, other) => one.offset - other.offset);
    const duration = isRefused ? 2 * WAY_MS : WAY_MS;
    dot.animate(frames, { duration, delay, fill: "backwards" }).finished.then(() => dot.remove(), () => {});
  }
}

function arrowHead() {
  const head = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" });
  head.append(svg("path", { class: "head", d: "M0 0L8 4L0 8z" }));
  return head;
}

function makeBackend() {
  const parts = { box: html("div", "", "box backend"), name: html("span", "", "name"), word: html("span", "", "word") };
  parts.now = html("p", "", "words");
  parts.total = html("p", "", "words");
  parts.error = html("p", "", "error");
  const head = html("p");
  head.append(parts.name, " ", parts.word);
  parts.box.append(head, parts.now, parts.total, parts.error);
  element("backends").append(parts.box);
  return parts;
}
