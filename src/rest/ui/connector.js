// One connector: its states, its tasks, what it committed, its settings, and what can be done with it.

import { Refusal, ask, connectorPath } from "./rest.js";
import { badge, button, make, setText, showWhenNew, table } from "./dom.js";
import { confirmed } from "./dialogs.js";
import { Health } from "./health.js";
import { Settings } from "./settings.js";

/** Offsets and topics are asked for at each such look: Kafka has to be asked for them. */
const OFFSETS_EVERY = 3;

const RESTARTS = [
  ["includeTasks=true&onlyFailed=false", "connector and tasks"],
  ["includeTasks=true&onlyFailed=true", "only what failed"],
  ["includeTasks=false&onlyFailed=false", "connector without tasks"],
];

export function connectorView(page, name) {
  return new Connector(page, name);
}

class Connector {
  #page;
  #name;
  #looks = 0;
  #state = make("p", { class: "summary" });
  #trace = make("div", {});
  #topics = make("p", {});
  #offsetsHint = make("p", { class: "quiet" });
  #offsetsSign = "";
  #tasks;
  #offsets = table("Committed offsets", ["Topic", "Partition", "Offset"], (item) => item.cells);
  #actions;
  #settings;
  #health = new Health();

  constructor(page, name) {
    this.#page = page;
    this.#name = name;
    this.#settings = new Settings(page, name);
    this.#tasks = table("Tasks", ["Task", "State", "Worker", "What it says", "Action"], (item) => this.#task(item.task));
    this.#actions = this.#makeActions();
    this.element = make("div", {},
      make("p", {}, make("a", { href: "#/" }, "← All connectors")),
      make("h1", { tabindex: "-1" }, name),
      this.#state, this.#actions.element, this.#trace, this.#health.element, this.#tasks.element,
      make("section", { "aria-label": "Offsets and topics" },
        this.#offsets.element, this.#offsetsHint, this.#actions.reset, this.#topics),
      this.#settings.element);
  }

  /** Asks REST and shows what it says. */
  async refresh() {
    let status;
    try {
      status = await ask("GET", connectorPath(this.#name, "status"));
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return this.#gone(error);
      throw error;
    }
    const info = await ask("GET", connectorPath(this.#name));
    this.#showStatus(status, info);
    this.#health.show(await ask("GET", connectorPath(this.#name, "health")));
    const sign = JSON.stringify([status.connector.state, status.tasks.length]);
    if (this.#looks++ % OFFSETS_EVERY === 0 || sign !== this.#offsetsSign) await this.#askOffsets();
    this.#offsetsSign = sign;
    await this.#settings.show(info.config);
  }

  #gone(error) {
    showWhenNew(this.#state, "gone", () => [error.message]);
    for (const one of this.#actions.all) one.disabled = true;
    this.#tasks.rows.show([]);
  }

  #showStatus({ connector, tasks }, info) {
    const parts = [connector.state, connector.worker_id, info.config["connector.class"], connector.version];
    showWhenNew(this.#state, JSON.stringify(parts), () => [
      badge(connector.state), ` on ${connector.worker_id || "no worker"} · ${info.type} · ${parts[2]} ${parts[3] ?? ""}`,
    ]);
    showWhenNew(this.#trace, connector.trace ?? "", () => (connector.trace ? [traceOf(connector.trace)] : []));
    this.#tasks.rows.show(tasks.map((task) => ({ key: task.id, sign: JSON.stringify(task), task })));
    this.#actions.allow(connector.state);
  }

  #task(task) {
    const restart = () => this.#do(`Restart task ${task.id}`, "POST", ["tasks", task.id, "restart"]);
    return [
      String(task.id), badge(task.state), task.worker_id, task.trace ? traceOf(task.trace) : "",
      button("Restart", restart, { "aria-label": `Restart task ${task.id}` }),
    ];
  }

  async #askOffsets() {
    try {
      const { offsets } = await ask("GET", connectorPath(this.#name, "offsets"));
      this.#offsets.rows.show(offsets.map(offsetItem).sort((a, b) => a.order - b.order));
      const topics = (await ask("GET", connectorPath(this.#name, "topics")))[this.#name]?.topics ?? [];
      setText(this.#topics, `Topics: ${topics.join(", ") || "none so far"}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setText(this.#topics, error.message);
    }
  }

  /** Sends what a button means. */
  #do(what, method, rest) {
    return this.#page.act(what, () => ask(method, connectorPath(this.#name, ...rest)));
  }

  async #ask(what, consequence, method, rest, answer = what) {
    const yes = await confirmed(`${what} ${this.#name}?`, consequence, answer);
    return yes && this.#do(`${what} ${this.#name}`, method, rest);
  }

  #makeActions() {
    const name = this.#name;
    const choice = make("select", { "aria-label": "What to restart" },
      ...RESTARTS.map(([value, text]) => make("option", { value }, text)));
    const pause = button("Pause", () => this.#do(`Pause ${name}`, "PUT", ["pause"]));
    const resume = button("Resume", () => this.#do(`Resume ${name}`, "PUT", ["resume"]));
    const restart = button("Restart", () => this.#do(`Restart ${name}`, "POST", [`restart?${choice.value}`]));
    const stop = button("Stop…", () => this.#ask("Stop",
      "Its tasks end; its configuration and its offsets stay. Resume starts it again.", "PUT", ["stop"]));
    const reset = button("Reset offsets…", () => this.#ask("Reset offsets of",
      "What it committed is forgotten: when it is resumed it reads its topics from where new consumers begin, and may write "
      + "records again that it has written.", "DELETE", ["offsets"], "Reset offsets"), { class: "danger", disabled: true });
    const remove = button("Delete…", async () => {
      const gone = await this.#ask("Delete", "Its tasks end and its configuration is lost. Its offsets stay.", "DELETE", []);
      if (gone) this.#page.go("#/");
    }, { class: "danger" });
    return {
      all: [pause, resume, restart, stop, reset, remove],
      reset,
      element: make("div", { class: "actions", role: "group", "aria-label": "Actions" },
        pause, resume, stop, choice, restart, remove),
      allow: (state) => {
        for (const one of [pause, resume, stop, restart, remove]) one.disabled = false;
        reset.disabled = state !== "STOPPED";
        setText(this.#offsetsHint, state === "STOPPED" ? "" : "Offsets can be reset while the connector is stopped.");
      },
    };
  }
}

/** A trace: its first line, and all of it. */
function traceOf(trace) {
  return make("details", { open: trace.includes("\n") ? false : null },
    make("summary", {}, trace.split("\n", 1)[0]), make("pre", {}, trace));
}

function offsetItem({ partition, offset }, order) {
  const cells = [partition.kafka_topic, String(partition.kafka_partition), String(offset?.kafka_offset ?? "none")];
  return { key: `${cells[0]} ${cells[1]}`, sign: cells[2], cells, order };
}
