// The states of the last minute. All rates and times of the page are differences of two of them.

/** The time that is kept, in seconds. */
export const KEPT = 60;
/** A longer gap between two states begins a new history, in seconds: what happened in it is not known. */
const LONGEST_GAP = 5;

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

export class History {
  samples = [];

  add(state) {
    const last = this.samples.at(-1);
    // The proxy was restarted, or this page has not asked for a while.
    if (last && (state.Uptime < last.time || state.Uptime - last.time > LONGEST_GAP)) {
      this.samples = [];
    }
    this.samples.push(sample(state));
    while (this.samples.at(-1).time - this.samples[0].time > KEPT) {
      this.samples.shift();
    }
  }

  get last() {
    return this.samples.at(-1);
  }

  /** The samples of the last seconds, at least two if there are as many. */
  recent(seconds) {
    const first = this.samples.findIndex((sample) => sample.time >= this.last.time - seconds);
    return this.samples.slice(Math.min(first, Math.max(this.samples.length - 2, 0)));
  }
}

/** What a state has counted. */
function sample(state) {
  const { Uptime: time, Queue: queue, Backends: backends, Duration: duration, FirstByte: firstByte } = state;
  const finished = sum(duration.Buckets);
  const inside = queue.InFlight + queue.Waiting;
  return {
    time, queue, backends, duration, firstByte, finished, inside,
    // A request is inside until it is counted as finished. One that is refused is finished at once.
    arrived: finished + inside,
    refused: queue.Refused,
    sent: backends.map((backend) => backend.Requests),
  };
}

/** What has changed from the first to the last of some samples. */
export function change(samples) {
  const [first, last] = [samples[0], samples.at(-1)];
  const less = (key) => Math.max(last[key] - first[key], 0);
  const histogram = (key) => ({
    buckets: last[key].Buckets.map((count, index) => count - first[key].Buckets[index]),
    millis: last[key].SumMillis - first[key].SumMillis,
  });
  return {
    seconds: last.time - first.time,
    finished: less("finished"), arrived: less("arrived"), refused: less("refused"),
    sent: last.sent.map((count, index) => count - (first.sent[index] ?? count)),
    failures: last.backends.map((backend, index) => backend.Failures - (first.backends[index]?.Failures ?? backend.Failures)),
    duration: histogram("duration"), firstByte: histogram("firstByte"),
    inside: sum(samples.map((sample) => sample.inside)) / samples.length,
    waiting: sum(samples.map((sample) => sample.queue.Waiting)) / samples.length,
  };
}

/** The time that this percentage was not longer than, in milliseconds: as the proxy estimates it. 0 if there are none. */
export function percentile(buckets, bounds, percent) {
  const rank = (sum(buckets) * percent) / 100;
  let before = 0;
  for (const [index, count] of buckets.entries()) {
    if (count > 0 && before + count >= rank) {
      const from = bounds[index - 1] ?? 0;
      const to = bounds[index] ?? from;
      return (from + ((to - from) * (rank - before)) / count) / 1000;
    }
    before += count;
  }
  return 0;
}
