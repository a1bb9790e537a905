// The charts: requests a second over the last minute, times on a logarithmic scale, and Little's law.

import { KEPT } from "./history.js";
import { element, milliseconds, one, plural, rate, roundUp, say, setAttributes, svg } from "./words.js";

const RATE_HEIGHT = 110;
const TIMES_HEIGHT = 130;
const BAR_HEIGHT = 22;
/** The space for words below and at the left of a chart. */
const BELOW = 18;
const LEFT = 52;
/** How far apart the two figures of Little's law may be: they are counted at different moments. */
const TOLERANCE = 0.2;
const TOLERANCE_REQUESTS = 0.5;

/** Empties a chart for a new drawing, and returns its width. */
function begin(picture, height) {
  const width = Math.max(picture.parentElement.clientWidth, 240);
  setAttributes(picture, { width, height, viewBox: `0 0 ${width} ${height}` });
  return width;
}

const line = (x1, y1, x2, y2, name = "grid") => svg("path", { class: name, d: `M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}` });

export function drawRate(samples, now) {
  const picture = element("rate");
  const width = begin(picture, RATE_HEIGHT + BELOW);
  const end = samples.at(-1).time;
  const steps = samples.slice(1).map((sample, index) => {
    const before = samples[index];
    const seconds = sample.time - before.time;
    const refused = Math.max(sample.refused - before.refused, 0) / seconds;
    return { from: before.time, to: sample.time, refused, served: Math.max((sample.finished - before.finished) / seconds - refused, 0) };
  });
  const top = roundUp(Math.max(...steps.map(({ served, refused }) => served + refused), 1));
  const x = (time) => LEFT + ((time - end + KEPT) / KEPT) * (width - LEFT);
  const y = (perSecond) => RATE_HEIGHT - (perSecond / top) * (RATE_HEIGHT - 10);
  const area = (name, from, to) => svg("path", {
    class: name,
    d: steps.filter((step) => to(step) > from(step)).map((step) => `M${x(step.from).toFixed(1)} ${y(from(step)).toFixed(1)}V${y(to(step)).toFixed(1)}H${x(step.to).toFixed(1)}V${y(from(step)).toFixed(1)}`).join(""),
  });
  const hatch = svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse" });
  hatch.append(svg("path", { class: "hatch", d: "M-1 6L6 -1M-1 1L1 -1M4 6L6 4" }));
  const marks = [0, 15, 30, 45, 60].map((seconds) => {
    const side = seconds === 0 ? "end" : seconds === KEPT ? "" : "middle";
    return svg("text", { x: x(end - seconds), y: RATE_HEIGHT + 14, class: side }, seconds === 0 ? "now" : `−${seconds} s`);
  });
  picture.replaceChildren(
    hatch, line(LEFT, y(top), width, y(top)), line(LEFT, y(top / 2), width, y(top / 2)), line(LEFT, y(0), width, y(0)),
    svg("text", { x: LEFT - 6, y: y(top) + 4, class: "end" }, rate(top)), svg("text", { x: LEFT - 6, y: y(0) + 4, class: "end" }, "0"),
    area("served", () => 0, (step) => step.served),
    area("rejected", (step) => step.served, (step) => step.served + step.refused),
    ...marks,
  );
  const perSecond = (count) => rate(now.seconds > 0 ? count / now.seconds : 0);
  say(element("rate-words"), `Now ${perSecond(Math.max(now.finished - now.refused, 0))} served (filled) and ${perSecond(now.refused)} refused (hatched).`);
}

/** The counts of the buckets of a histogram, and its percentiles. Returns these as words. */
export function drawHistogram(id, buckets, bounds, percentiles, seconds, refused) {
  const picture = element(id);
  const width = begin(picture, TIMES_HEIGHT + BELOW);
  const total = buckets.reduce((sum, count) => sum + count, 0);
  const values = percentiles.map(([percent, time]) => `p${percent} ${milliseconds(time)}`).join(", ");
  const words = total === 0 ? `No request has ended in the last ${seconds} s.` : `${values} (${plural(total, "request")} in the last ${seconds} s${refused > 0 ? `, of them ${plural(refused, "refusal")}` : ""})`;
  say(element(`${id}-words`), words);

  // The first bucket has no lower bound above 0, and the last no upper bound: each is drawn as wide as its neighbour.
  const edges = [bounds[0] / 2, ...bounds, bounds.at(-1) * 1.5];
  const [least, most] = [edges[0], edges.at(-1)].map(Math.log10);
  const x = (micros) => ((Math.log10(Math.max(micros, edges[0])) - least) / (most - least)) * width;
  const top = Math.max(...buckets, 1);
  // The lines above the bars are for the words of the percentiles.
  const y = (count) => TIMES_HEIGHT - (count / top) * (TIMES_HEIGHT - 50);
  const bars = buckets.map((count, index) => {
    const [from, to] = [x(edges[index]), x(edges[index + 1])];
    const height = count > 0 ? Math.max(TIMES_HEIGHT - y(count), 2) : 0;
    return svg("rect", { class: "served", x: from + 0.5, y: TIMES_HEIGHT - height, width: Math.max(to - from - 1, 1), height });
  });
  const marks = bounds.filter((micros) => Number.isInteger(Math.log10(micros))).flatMap((micros) => [
    line(x(micros), 46, x(micros), TIMES_HEIGHT),
    svg("text", { x: x(micros), y: TIMES_HEIGHT + 14, class: "middle" }, milliseconds(micros / 1000)),
  ]);
  const lines = total === 0 ? [] : percentiles.flatMap(([percent, time], index) => {
    const [at, height] = [x(time * 1000), 12 + 14 * index];
    const isRight = at > width - 110;
    return [
      line(at, height - 8, at, TIMES_HEIGHT, `percentile p${percent}`),
      svg("text", { x: at + (isRight ? -5 : 5), y: height, class: isRight ? "strong end" : "strong" }, `p${percent} ${milliseconds(time)}`),
    ];
  });
  picture.replaceChildren(...marks, ...bars, line(0, TIMES_HEIGHT, width, TIMES_HEIGHT), ...lines);
  return words;
}

/** Little's law: two bars that are equally long while the load is steady. */
export function drawLittle({ seconds, finished, duration: { millis }, inside, waiting }) {
  const picture = element("little");
  const width = begin(picture, 4 * BAR_HEIGHT + 4);
  const computed = seconds > 0 ? millis / 1000 / seconds : 0;
  const longest = Math.max(computed, inside, 1);
  const bar = (row, value, name, label) => {
    const y = row * 2 * BAR_HEIGHT;
    return [
      svg("text", { x: 0, y: y + 14, class: "strong" }, label),
      svg("rect", { class: name, x: 1, y: y + BAR_HEIGHT - 2, width: Math.max((value / longest) * (width - 4), 1), height: BAR_HEIGHT - 6 }),
    ];
  };
  const mean = finished > 0 ? millis / finished : 0;
  picture.replaceChildren(
    ...bar(0, computed, "served", `${rate(seconds > 0 ? finished / seconds : 0)} × ${milliseconds(mean)} = ${one(computed)}`),
    ...bar(1, inside, "waiting", ""), ...bar(1, inside - waiting, "counted", `Counted: ${one(inside)} = ${one(inside - waiting)} in flight + ${one(waiting)} waiting`),
  );
  const isEqual = Math.abs(computed - inside) <= Math.max(TOLERANCE_REQUESTS, TOLERANCE * inside);
  say(element("little-words"), finished === 0
    ? "No request has ended in the last seconds."
    : `${isEqual ? "✓ It holds" : "✗ It does not hold now, because the load changes"}: ${one(computed)} by rate and time, ${one(inside)} counted.`);
}
