// Questions before what cannot be taken back, and the form for a new connector.

import { ask } from "./rest.js";
import { button, make, setText } from "./dom.js";

/** Asks in a dialog of its own; true when the answer is yes. */
export function confirmed(question, consequence, yes) {
  const dialog = make("dialog", { "aria-labelledby": "question" },
    make("h2", { id: "question" }, question),
    make("p", {}, consequence),
    make("p", { class: "actions" },
      button("Cancel", () => dialog.close(""), { autofocus: true }),
      button(yes, () => dialog.close("yes"), { class: "danger" })));
  return shown(dialog).then((answer) => answer === "yes");
}

/** Takes the JSON of a connector and creates it; gives its name, or nothing when the user gave up. */
export function created(page) {
  const text = make("textarea", {
    id: "new-connector", rows: "16", spellcheck: "false", "aria-describedby": "new-error", autofocus: true,
    placeholder: '{\n  "name": "…",\n  "config": {\n    "connector.class": "…"\n  }\n}',
  });
  const error = make("p", { id: "new-error", class: "error", role: "alert" });
  const submit = async () => {
    setText(error, "");
    try {
      const request = requestOf(text.value);
      await ask("POST", "connectors", request);
      dialog.close(`created ${request.name}`);
    } catch (refusal) {
      setText(error, refusal.message);
    }
  };
  const dialog = make("dialog", { "aria-labelledby": "new-title", class: "wide" },
    make("h2", { id: "new-title" }, "Create a connector"),
    make("label", { for: "new-connector" }, "JSON of name and configuration, as POST /connectors takes it"),
    text, error,
    make("p", { class: "actions" },
      button("Cancel", () => dialog.close("")),
      button("Create", submit, { class: "primary" })));
  return shown(dialog).then((answer) => {
    if (!answer.startsWith("created ")) return undefined;
    page.say(`Create ${answer.slice(8)}: done`);
    return answer.slice(8);
  });
}

/** The request that a text means: as REST takes it, or a configuration with the name in it. */
function requestOf(text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
  if (read === null || typeof read !== "object" || Array.isArray(read)) {
    throw new Error("This is no JSON object.");
  }
  return "config" in read ? read : { name: read.name, config: read };
}

function shown(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
