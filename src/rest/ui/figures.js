// Numbers for people, states of partitions as words, and plots of the last hour. Nothing here asks REST.

import { make } from "./dom.js";

const whole = new Intl.NumberFormat("en-GB");
const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumSignificantDigits: 3 });

/** `12,345`; from a million on `1.23M`. */
export function amount(count) {
  if (count === null || count === undefined) return "–";
  return count < 1_000_000 ? whole.format(Math.round(count * 10) / 10) : short.format(count);
}

/** `1.2 MB`. */
export function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = Math.min(count < 1 ? 0 : Math.floor(Math.log10(count) / 3), units.length - 1);
  return `${whole.format(Math.round((count / 1000 ** at) * 10) / 10)} ${units[at]}`;
}

/** `0.4 s`, `12 s`, `3 min`, `2.5 h`. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

const CALM = ["catching_up", "paused", "stopped", "no_partitions"];

/** A state of `/connectors/X/health` as a word with a colour and a shape. */
export function healthBadge(state, more = "") {
  const kind = state === "in_step" ? "running" : state === "failed" ? "failed" : CALM.includes(state) ? "other" : "restarting";
  return make("span", { class: `state ${kind}` }, state.replaceAll("_", " ") + more);
}

const WORST_FIRST = [
  "failed", "unassigned", "waiting_for_kafka", "waiting_for_sink", "waiting_for_dead_letters", "waiting_for_schema",
  "out_of_memory", "not_committing", "waiting_for_topic", "no_partitions", "catching_up", "stopped", "paused", "in_step",
];

export function healthSeverity(state) {
  const at = WORST_FIRST.indexOf(state);
  return at < 0 ? WORST_FIRST.length : at;
}

const MINUTES = 60;
const WIDE = 300;
const HIGH = 64;

const PLOTS = [
  { title: "Rows a minute", value: (minute) => minute.records, text: amount },
  { title: "Lag (records)", value: (minute) => minute.lag, text: amount },
  { title: "Record time → handed over", value: (minute) => (minute.late_batches ? minute.late_ms / minute.late_batches / 1000 : 0), text: age },
];

/** A plot of each kind. Minutes that are not told were idle. */
export function plots(minutes, now = Math.floor(Date.now() / 60_000)) {
  const known = new Map(minutes.map((minute) => [minute.minute, minute]));
  const first = now - MINUTES;
  return PLOTS.map(({ title, value, text }) => {
    const values = Array.from({ length: MINUTES }, (_, at) => {
      const minute = known.get(first + at);
      return minute ? value(minute) : 0;
    });
    return plot(title, known.size === 0 ? undefined : values, text);
  });
}

function plot(title, known, text) {
  const values = known ?? Array(MINUTES).fill(0);
  const most = Math.max(...values);
  const says = known
    ? `${title}: at most ${text(most)} in the last hour, ${text(values.at(-1))} in the last minute`
    : `${title}: a point for each whole minute; none yet`;
  const x = (at) => ((at * WIDE) / (values.length - 1)).toFixed(1);
  const y = (value) => (HIGH - (most > 0 ? (value / most) * (HIGH - 4) : 0) - 2).toFixed(1);
  const line = values.map((value, at) => `${x(at)},${y(value)}`).join(" ");
  const drawing = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": says },
    draw("polyline", { points: line }));
  return make("figure", { class: "plot" }, drawing, make("figcaption", {}, says));
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
