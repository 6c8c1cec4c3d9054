// Elements, and tables that change row by row. What the cluster says becomes text, never markup.

/** An element with attributes and children; `on…` are handlers, false and null attributes are left out, texts stay texts. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A button that submits nothing. */
export function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", ...attributes, onclick }, text);
}

/** Sets a text only when it is another: a live region speaks at each change. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows these children, unless `sign` is what they were made of the last time. */
export function showWhenNew(element, sign, children) {
  if (element.shownSign === sign) return false;
  element.shownSign = sign;
  element.replaceChildren(...children());
  return true;
}

/** `1 task`, `2 tasks`. */
export function numbered(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const STATES = ["RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED", "RESTARTING"];

/** A state as a word with a colour and a shape. */
export function badge(state, text = state) {
  const known = STATES.includes(state) ? state.toLowerCase() : "other";
  return make("span", { class: `state ${known}` }, text);
}

/** How often each state is among `states`, worst first. */
export function counted(states) {
  const counts = new Map();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort((a, b) => severity(a[0]) - severity(b[0]));
}

const WORST_FIRST = ["FAILED", "UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "RUNNING"];

export function severity(state) {
  const at = WORST_FIRST.indexOf(state);
  return at < 0 ? WORST_FIRST.length : at;
}

/** A table: its element, and rows that are kept. Roles are written since a phone shows it as blocks; the caption of an
    `untitled` one is for screen readers. */
export function table(caption, heads, fill, attributes = {}) {
  const body = make("tbody", { role: "rowgroup" });
  const head = make("tr", { role: "row" }, ...heads.map((text) => headCell(text)));
  const element = make("table", { role: "table", ...attributes },
    make("caption", { class: attributes.class?.includes("untitled") ? "unseen" : null }, caption), make("thead", { role: "rowgroup" }, head), body);
  const labels = heads.map((text) => (typeof text === "string" ? text : text.textContent));
  return { element, head, rows: new Rows(body, (item) => cells(labels, fill(item))) };
}

function headCell(content) {
  return make("th", { scope: "col", role: "columnheader" }, content);
}

function cells(labels, contents) {
  return contents.map((content, at) => {
    const parts = Array.isArray(content) ? content : [content];
    return make("td", { role: "cell", "data-label": labels[at] }, ...parts);
  });
}

/** The rows of a table by their keys: a row is made anew only when its sign changed. */
class Rows {
  #body;
  #fill;
  #rows = new Map();

  constructor(body, fill) {
    this.#body = body;
    this.#fill = fill;
  }

  /** Shows items of `key` and `sign`, in their order; rows of others are forgotten unless `keeps` says otherwise. */
  show(items, keeps = () => false) {
    const wanted = new Set(items.map((item) => item.key));
    for (const key of this.#rows.keys()) {
      if (!wanted.has(key) && !keeps(key)) this.#rows.delete(key);
    }
    const elements = items.map((item) => this.#row(item));
    const shown = this.#body.children;
    if (shown.length === elements.length && elements.every((element, at) => element === shown[at])) return;
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : null;
    this.#body.replaceChildren(...elements);
    focused?.focus({ preventScroll: true });
  }

  #row(item) {
    let row = this.#rows.get(item.key);
    if (row?.sign === item.sign) return row.element;
    if (!row) {
      row = { element: make("tr", { role: "row" }) };
      this.#rows.set(item.key, row);
    }
    const focused = row.element.contains(document.activeElement);
    row.element.replaceChildren(...this.#fill(item));
    row.sign = item.sign;
    if (focused) row.element.querySelector("a, button")?.focus();
    return row.element;
  }
}
