// What a connector does: its figures, its partitions, what the sink counts, and the last hour.

import { make, setText, showWhenNew, table } from "./dom.js";
import { age, amount, bytes, healthBadge, healthSeverity, plots } from "./figures.js";

/** More rows help nobody; the worst are shown. */
const MOST_PARTITIONS = 500;

const PARTITION_HEADS = [
  "Topic", "Partition", "Task", "State", "Next offset", "End", "Lag", "Oldest unsent", "Filling", "In flight", "What it says",
];

export class Health {
  #figures = make("dl", { class: "figures" });
  #says = make("p", { class: "says" });
  #plots = make("div", { class: "plots" });
  #partitions = table("Partitions", PARTITION_HEADS, (item) => item.cells());
  #hint = make("p", { class: "quiet" });
  #counts = make("div", {});

  constructor() {
    this.element = make("section", { "aria-label": "Health" },
      this.#figures, this.#says, this.#plots, this.#partitions.element, this.#hint, this.#counts);
  }

  show(health) {
    const figures = figuresOf(health);
    showWhenNew(this.#figures, JSON.stringify([health.state, health.since, figures]), () => [
      figure("State", healthBadge(health.state), health.since ? ` since ${new Date(health.since).toLocaleTimeString()}` : ""),
      ...figures.map(([name, value]) => figure(name, value)),
    ]);
    const unheard = health.unheard.map(({ worker, reason }) => `The worker ${worker} did not answer: ${reason}.`);
    const failed = health.failed_batches ? `The last batch that failed: ${health.failed_sentence}` : null;
    setText(this.#says, [health.sentence, failed, ...unheard].filter(Boolean).join("\n"));
    const minute = Math.floor(Date.now() / 60_000);
    showWhenNew(this.#plots, JSON.stringify([minute, health.minutes]), () => plots(health.minutes, minute));
    this.#showPartitions(health);
    this.#showCounts(health.sink);
  }

  #showPartitions({ tasks }) {
    const all = tasks.flatMap(({ id, partitions }) => partitions.map((partition) => partitionItem(id, partition)));
    all.sort((a, b) => a.severity - b.severity || b.lag - a.lag || a.order.localeCompare(b.order, undefined, { numeric: true }));
    this.#partitions.rows.show(all.slice(0, MOST_PARTITIONS));
    setText(this.#hint, all.length > MOST_PARTITIONS ? `The first ${MOST_PARTITIONS} of ${all.length} partitions.` : "");
  }

  /** One table for all that has the same labels: rows and bytes by database and table. */
  #showCounts(counts) {
    showWhenNew(this.#counts, JSON.stringify(counts), () => {
      const groups = new Map();
      for (const count of counts) {
        const labels = Object.keys(count.labels).join(", ");
        groups.set(labels, [...(groups.get(labels) ?? []), count]);
      }
      return [...groups].map(([labels, group]) => countsTable(labels, group));
    });
  }
}

function figuresOf(health) {
  return [
    ["Lag", `${amount(health.lag)} records`],
    ["Reads", `${amount(health.records_per_second)} records/s, ${bytes(health.bytes_per_second)}/s`],
    ["Oldest unsent", age(health.oldest_seconds)],
    ["Handed over", `${amount(health.records)} rows, ${bytes(health.raw_bytes)} (${bytes(health.sent_bytes)} sent) in ${amount(health.batches)} batches`],
    ["Bad records", amount(health.failed_records)],
    ["Dead letters", amount(health.dead_letters)],
    ["Dropped", amount(health.dropped)],
    ["Retries", amount(health.retries)],
    ...(health.followed ? fates(health) : []),
  ];
}

/** What became of batches, where that is followed. */
function fates({ failed_batches: failed, valid_through: through }) {
  return [
    ["Failed batches", amount(failed)],
    ["Valid through", through ? `${new Date(through).toLocaleString()} (${age(Math.max(0, Date.now() - new Date(through)) / 1000)} ago)` : "not known"],
  ];
}

function figure(name, ...value) {
  return make("div", {}, make("dt", {}, name), make("dd", {}, ...value));
}

function partitionItem(task, one) {
  const sign = JSON.stringify([task, one]);
  const cells = () => [
    one.topic, String(one.partition), String(task), healthBadge(one.state), text(one.position), text(one.end),
    text(one.lag), age(one.oldest_seconds), amount(one.open_records), amount(one.in_flight), one.sentence ?? "",
  ];
  const order = `${one.topic} ${one.partition}`;
  return { key: order, sign, cells, order, severity: healthSeverity(one.state), lag: one.lag ?? 0 };
}

function text(offset) {
  return offset === null ? "–" : String(offset);
}

function countsTable(labels, counts) {
  const names = [...new Set(counts.map((count) => count.name))].sort();
  const rows = new Map();
  for (const { name, labels: values, count } of counts) {
    const key = Object.values(values).join(" · ");
    rows.set(key, { ...rows.get(key), values: Object.values(values), [name]: count });
  }
  const heads = [...labels.split(", ").filter(Boolean), ...names.map(title)];
  const shown = table(labels ? `By ${labels}` : "The sink's counts", heads, (item) => item.cells);
  shown.rows.show([...rows].sort().map(([key, row]) => ({
    key, sign: "", cells: [...row.values, ...names.map((name) => (name.includes("bytes") ? bytes(row[name]) : amount(row[name])))],
  })));
  return shown.element;
}

/** `table_raw_bytes_total` → `Table raw bytes`. */
function title(name) {
  const words = name.replace(/_total$/, "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}
