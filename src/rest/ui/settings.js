// The configuration of a connector: shown without secrets, changed in a form that REST validates.

import { Refusal, ask, connectorPath } from "./rest.js";
import { button, make, numbered, setText, showWhenNew, table } from "./dom.js";

const HIDDEN = "••••••";
/** Shown also while nobody could say which settings are secret. */
const PLAIN = ["name", "connector.class", "tasks.max", "topics"];

let words;

/** What a validation says of a configuration. */
async function validate(config) {
  const path = `connector-plugins/${encodeURIComponent(config["connector.class"] ?? "")}/config/validate`;
  return ask("PUT", path, config);
}

/** Tells of a key and its value whether it is secret; of any but the plainest, when REST cannot say. */
async function secrecy(config) {
  try {
    words ??= await ask("GET", "ui/secret-words.json");
    const { configs } = await validate(config);
    const types = new Map(configs.map(({ definition, value }) => [value.name, definition?.type]));
    return (key, value) => types.get(key) === "PASSWORD"
      || (!types.get(key) && words.some((word) => key.toLowerCase().includes(word)))
      // A login or a signature in an address.
      || /:\/\/[^/\s]*@|[?&]sig=/.test(value) || (key.endsWith("proxy.host") && value.includes("@"));
  } catch (error) {
    if (error instanceof Refusal) return (key) => !PLAIN.includes(key);
    throw error;
  }
}

/** The section of a connector's configuration. */
export class Settings {
  #page;
  #name;
  #config;
  #isSecret;
  #sign;
  #editor;
  #content = make("div", {});
  #edit = button("Edit…", () => this.#open());

  constructor(page, name) {
    this.#page = page;
    this.#name = name;
    this.element = make("section", { "aria-labelledby": "settings" },
      make("div", { class: "bar" }, make("h2", { id: "settings" }, "Configuration"), this.#edit), this.#content);
    this.#edit.disabled = true;
  }

  /** Shows a configuration as REST gave it, unless the user is changing one. */
  async show(config) {
    const sign = JSON.stringify(config);
    if (this.#sign === sign) return;
    const isSecret = await secrecy(config);
    this.#sign = sign;
    if (this.#editor) {
      this.#editor.say("Somebody else changed this configuration meanwhile; Cancel shows what it is now.");
    }
    this.#config = config;
    this.#isSecret = isSecret;
    this.#edit.disabled = false;
    if (!this.#editor) this.#showTable();
  }

  #showTable() {
    showWhenNew(this.#content, `table ${this.#sign}`, () => {
      const { element, rows } = table("Settings", ["Key", "Value"], (item) => [item.key, item.value], { class: "untitled" });
      rows.show(Object.entries(this.#config).sort().map(([key, value]) => {
        const shown = value === null ? "null" : this.#isSecret(key, value) ? HIDDEN : value;
        return { key, sign: shown, value: make("code", {}, shown) };
      }));
      return [element];
    });
  }

  #open() {
    this.#edit.disabled = true;
    this.#editor = new Editor(this.#config, this.#isSecret, {
      cancel: () => this.#close(),
      save: async (config) => {
        const saved = await this.#page.act(`Save ${this.#name}`,
          () => ask("PUT", connectorPath(this.#name, "config"), config));
        if (saved) this.#close();
        return saved;
      },
    });
    showWhenNew(this.#content, "editor", () => [this.#editor.element]);
    this.#editor.element.querySelector("textarea, input")?.focus();
  }

  #close() {
    this.#editor = undefined;
    this.#edit.disabled = false;
    this.#showTable();
    this.#edit.focus();
  }
}

/** The form: a field for each key, what is wrong beside it. */
class Editor {
  #old;
  #isSecret;
  #save;
  #fields = [];
  #list = make("div", {});
  #said = make("p", { role: "status" });

  constructor(config, isSecret, { cancel, save }) {
    this.#old = config;
    this.#isSecret = isSecret;
    this.#save = save;
    for (const key of Object.keys(config).sort()) this.#add(key);
    const submit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.element = make("form", { class: "editor", "aria-label": "Change the configuration", onsubmit: submit },
      this.#list,
      button("Add a setting", () => this.#add("", true).key.focus()),
      this.#said,
      make("p", { class: "actions" },
        button("Cancel", cancel), button("Validate", () => this.#validate()),
        make("button", { type: "submit", class: "primary" }, "Save")));
  }

  say(text) {
    setText(this.#said, text);
  }

  /** The configuration as the form has it; a secret that nobody typed anew stays what it was. */
  #config() {
    const entries = this.#fields.map(({ key, value, old }) => {
      const kept = value.value === (old?.shown ?? "") && old;
      return [key.value.trim(), kept ? old.value : value.value];
    });
    return Object.fromEntries(entries.filter(([key]) => key !== ""));
  }

  #add(name, isNew = false) {
    const id = `field-${(Editor.count = (Editor.count ?? 0) + 1)}`;
    const old = Object.hasOwn(this.#old, name) ? { value: this.#old[name] } : undefined;
    const secret = Boolean(old?.value) && this.#isSecret(name, old.value);
    if (old) old.shown = secret ? "" : (old.value ?? "");
    const key = make("input", {
      value: name, class: "key", readonly: !isNew, tabindex: isNew ? null : "-1", "aria-label": isNew ? "Key" : null,
      spellcheck: "false", autocomplete: "off", id: `${id}-key`, hidden: !isNew,
    });
    const attributes = {
      id, "aria-describedby": `${id}-error`, "aria-label": isNew ? "Value" : null, spellcheck: "false", autocomplete: "off",
    };
    const value = secret
      ? make("input", { ...attributes, type: "password", autocomplete: "new-password", placeholder: "not changed" })
      : make("textarea", { ...attributes, rows: String(rowsOf(old?.shown ?? "")) });
    if (!secret) value.value = old?.shown ?? "";
    const error = make("p", { id: `${id}-error`, class: "error" });
    const field = { key, value, error, old };
    const remove = () => {
      this.#fields = this.#fields.filter((one) => one !== field);
      field.element.remove();
      this.say(`${key.value} is removed`);
    };
    field.element = make("div", { class: "field" },
      isNew ? "" : make("label", { for: id }, name), key, value,
      button("Remove", remove, { "aria-label": `Remove ${name || "this setting"}` }), error);
    this.#fields.push(field);
    this.#list.append(field.element);
    return field;
  }

  async #validate() {
    let found;
    try {
      found = await validate(this.#config());
    } catch (error) {
      this.say(error.message);
      return;
    }
    for (const field of this.#fields) this.#mark(field, []);
    for (const { value } of found.configs.filter((one) => one.value.errors.length > 0)) {
      const known = this.#fields.find((field) => field.key.value.trim() === value.name);
      this.#mark(known ?? this.#add(value.name), value.errors);
    }
    const count = found.error_count;
    this.say([count === 0 ? "No errors." : `${numbered(count, "error")}.`, ...(found.warnings ?? [])].join(" "));
    this.#fields.find((field) => field.value.getAttribute("aria-invalid") === "true")?.value.focus();
  }

  #mark({ value, error }, errors) {
    value.setAttribute("aria-invalid", String(errors.length > 0));
    setText(error, errors.join("\n"));
  }

  async #submit() {
    if (!(await this.#save(this.#config()))) await this.#validate();
  }
}

/** Enough rows for a text, within reason. */
function rowsOf(text) {
  const lines = text.split("\n").map((line) => Math.max(1, Math.ceil(line.length / 70)));
  return Math.min(12, lines.reduce((sum, count) => sum + count, 0));
}
