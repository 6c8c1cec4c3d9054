// All connectors of the cluster, and its workers.

import { Refusal, ask } from "./rest.js";
import { badge, button, counted, make, numbered, setText, severity, showWhenNew, table } from "./dom.js";
import { created } from "./dialogs.js";
import { amount, bytes, healthBadge, healthSeverity } from "./figures.js";

/** After so many looks the classes are asked for again; they change rarely, and come with whole configurations. */
const CLASSES_EVERY = 15;

const COLUMNS = [
  { title: "Name", value: (item) => item.key },
  { title: "Class", value: (item) => item.class },
  { title: "State", value: (item) => item.worst },
  { title: "Tasks", value: (item) => item.tasks.length },
  { title: "Health", value: (item) => healthSeverity(item.health) },
  { title: "Lag", value: (item) => item.lag },
  { title: "Read/s", value: (item) => item.rate },
  { title: "Bad", value: (item) => item.bad },
  { title: "What it says", value: (item) => item.says },
];

/** How the user looks at it; kept while a connector is looked at. */
const kept = { filter: "", column: 0, down: false };

export function listView(page) {
  return new List(page);
}

class List {
  #page;
  #items = [];
  #names = new Set();
  #classes = new Map();
  #looks = 0;
  #counts = make("div", { class: "counts" });
  #health = make("p", {});
  #shown = make("p", { class: "quiet", role: "status" });
  #filter = make("input", { type: "search", id: "filter", autocomplete: "off", spellcheck: "false" });
  #sorters = COLUMNS.map((column, at) => button(column.title, () => this.#sort(at), { class: "sorter" }));
  #table = table("Connectors", this.#sorters, row, { class: "connectors untitled" });
  #workers = table("Workers", ["Worker", "Connectors", "Tasks", "Memory", "Batches hold", "Started"], (item) => item.cells());

  constructor(page) {
    this.#page = page;
    this.#filter.value = kept.filter;
    this.#filter.addEventListener("input", () => this.#look(this.#filter.value));
    this.element = make("div", {},
      make("div", { class: "bar" },
        make("h1", { tabindex: "-1" }, "Connectors"),
        make("label", { for: "filter" }, "Filter"), this.#filter,
        button("Create…", () => this.#create(), { class: "primary" })),
      this.#counts, this.#table.element, this.#shown,
      make("section", { "aria-label": "Workers" }, this.#workers.element, this.#health));
    this.#show();
  }

  /** Asks REST and shows what it says. */
  async refresh() {
    const statuses = Object.entries(await ask("GET", "connectors?expand=status&expand=health"));
    if (this.#looks++ % CLASSES_EVERY === 0 || statuses.some(([name]) => !this.#classes.has(name))) {
      const infos = Object.entries(await ask("GET", "connectors?expand=info"));
      this.#classes = new Map(infos.map(([name, { info }]) => [name, info.config["connector.class"] ?? ""]));
    }
    this.#items = statuses.map(([name, { status, health }]) => itemOf(name, this.#classes.get(name) ?? "", status, health));
    this.#names = new Set(this.#items.map((item) => item.key));
    this.#show();
    const { workers, unheard } = await ask("GET", "cluster");
    this.#workers.rows.show(workers.map((worker) => workerItem(worker, unheard)));
    setText(this.#health, await health());
  }

  async #create() {
    const name = await created(this.#page);
    if (name !== undefined) this.#page.go(`#/connectors/${encodeURIComponent(name)}`);
  }

  #look(filter) {
    kept.filter = this.#filter.value = filter;
    this.#show();
  }

  #sort(column) {
    kept.down = kept.column === column && !kept.down;
    kept.column = column;
    this.#show();
  }

  #show() {
    const words = kept.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const items = this.#items.filter((item) => words.every((word) => item.search.includes(word)));
    items.sort(orderOf(COLUMNS[kept.column].value, kept.down));
    // Whoever filters wants the others back in a moment.
    this.#table.rows.show(items, (name) => this.#names.has(name));
    this.#sorters.forEach((sorter, at) => {
      const order = kept.down ? "descending" : "ascending";
      sorter.parentElement.setAttribute("aria-sort", at === kept.column ? order : "none");
    });
    const all = this.#items.length;
    setText(this.#shown, items.length === all ? numbered(all, "connector") : `${items.length} of ${numbered(all, "connector")}`);
    this.#showCounts();
  }

  #showCounts() {
    const connectors = counted(this.#items.map((item) => item.state));
    const tasks = counted(this.#items.flatMap((item) => item.tasks));
    showWhenNew(this.#counts, JSON.stringify([connectors, tasks]), () => [
      this.#countsOf("Connectors", connectors),
      this.#countsOf("Tasks", tasks),
    ]);
  }

  #countsOf(title, counts) {
    const choices = counts.map(([state, count]) => {
      const choice = button("", () => this.#look(state.toLowerCase()), { title: `Show only what is ${state}` });
      choice.append(badge(state, `${count} ${state}`));
      return choice;
    });
    return make("p", {}, `${title}: `, ...(choices.length ? choices : ["none"]));
  }
}

function itemOf(name, className, status, health) {
  const short = className.split(".").pop();
  const tasks = status.tasks.map((task) => task.state);
  const parts = [status.connector, ...status.tasks];
  const workers = [...new Set(parts.map((part) => part.worker_id).filter(Boolean))].sort();
  const says = sentence(parts) || (health?.sentence ?? "");
  const state = status.connector.state;
  const doing = health?.state ?? "";
  const [lag, rate, bad] = [health?.lag ?? 0, health?.records_per_second ?? 0, health?.failed_records ?? 0];
  return {
    key: name, class: short, fullClass: className, state, tasks, says, health: doing, lag, rate, bad,
    worst: Math.min(...parts.map((part) => severity(part.state))),
    search: [name, className, state, doing.replaceAll("_", " "), ...tasks, ...workers, says].join("\n").toLowerCase(),
    sign: JSON.stringify([className, state, tasks, says, doing, lag, rate, bad]),
  };
}

/** The first line of a trace: of what failed, else of what has something to say. */
function sentence(parts) {
  const speaking = parts.filter((part) => part.trace);
  const part = speaking.find((one) => one.state === "FAILED") ?? speaking[0];
  return part ? part.trace.split("\n", 1)[0] : "";
}

function row(item) {
  return [
    make("a", { href: `#/connectors/${encodeURIComponent(item.key)}` }, item.key),
    make("span", { title: item.fullClass }, item.class),
    badge(item.state),
    item.tasks.length === 0 ? "none"
      : counted(item.tasks).flatMap(([state, count]) => [badge(state, `${count} ${state}`), " "]),
    item.health ? healthBadge(item.health) : "",
    amount(item.lag),
    amount(item.rate),
    amount(item.bad),
    item.says,
  ];
}

function orderOf(value, down) {
  const names = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => (typeof a === "number" ? a - b : names.compare(a, b));
  const sign = down ? -1 : 1;
  return (a, b) => sign * compare(value(a), value(b)) || names.compare(a.key, b.key);
}

function workerItem(worker, unheard) {
  const { url, leads, is_this: isThis, connectors, tasks, process } = worker;
  const silent = unheard.find((one) => one.worker === url);
  const marks = [leads ? "leads" : "", isThis ? "this one" : ""].filter(Boolean).join(", ");
  const cells = () => [
    url + (marks ? ` (${marks})` : ""), String(connectors), String(tasks), bytes(process?.resident_bytes),
    process ? `${bytes(process.memory_reserved)} of ${bytes(process.memory_limit)}` : "–",
    process ? new Date(process.started_ms).toLocaleString() : silent ? `did not answer: ${silent.reason}` : "–",
  ];
  return { key: url, sign: JSON.stringify([worker, silent]), cells };
}

async function health() {
  try {
    const { status, message } = await ask("GET", "health");
    return `This worker is ${status}. ${message}`;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
