// Makes elements and words. What comes from clients and backends gets into the page here, as text only.

/** The letters of a text from outside that are shown. */
const MAX_LETTERS = 80;

export const element = (id) => document.getElementById(id);

export const html = (name, text = "", className = "") =>
  Object.assign(document.createElement(name), { textContent: text, className });

export const svg = (name, attributes = {}, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAttributes(made, attributes);
  made.textContent = text;
  return made;
};

export const setAttributes = (target, attributes) =>
  Object.entries(attributes).forEach(([key, value]) =>
    target.setAttribute(key, typeof value === "number" ? Math.round(value * 10) / 10 : value));

/** Sets the text of an element, unless it is the same. */
export const say = (target, text) => {
  if (target.textContent !== text) {
    target.textContent = text;
  }
};

export const cut = (text) => {
  const letters = [...text];
  return letters.length > MAX_LETTERS ? `${letters.slice(0, MAX_LETTERS).join("")}…` : text;
};

/** At most three digits of a number below 1000. */
const short = (number) => Number(number.toFixed(number >= 100 ? 0 : number >= 10 ? 1 : 2));

export const integer = (number) => number.toLocaleString("en");
/** One digit after the point, below 100. */
export const one = (number) => Number(number.toFixed(number >= 100 ? 0 : 1));
export const plural = (number, noun) => `${integer(number)} ${noun}${number === 1 ? "" : "s"}`;
export const rate = (perSecond) => `${perSecond >= 10 ? integer(Math.round(perSecond)) : one(perSecond)}/s`;
export const milliseconds = (time) => (time >= 1000 ? `${short(time / 1000)} s` : `${short(time)} ms`);

export const duration = (seconds) => {
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  return hours > 0 ? `${hours} h ${minutes % 60} min` : minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
};

/** The next of 1, 2, 5, 10, 20 ... */
export const roundUp = (number) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(number, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= number);
};
