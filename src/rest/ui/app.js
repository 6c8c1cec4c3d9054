// The page: which view is shown, what is said, and when REST is asked again.

import { Away, ask } from "./rest.js";
import { make, setText } from "./dom.js";
import { listView } from "./list.js";
import { connectorView } from "./connector.js";

const PERIOD_MS = 2_000;
const LONGEST_MS = 30_000;
const CONNECTOR = "#/connectors/";

const main = document.getElementById("main");
const away = document.getElementById("away");
const said = document.getElementById("message");
const wrong = document.getElementById("error");

/** What views need of the page. */
const page = {
  /** Runs an action of the user's; says how it ended, and shows at once what became of it. True when it was done. */
  async act(what, action) {
    setText(wrong, "");
    setText(said, `${what} …`);
    try {
      await action();
      setText(said, `${what}: done`);
      return true;
    } catch (error) {
      setText(said, "");
      setText(wrong, `${what}: ${error instanceof Away ? "the worker does not answer" : error.message}`);
      return false;
    } finally {
      wake();
    }
  },
  say(text) {
    setText(wrong, "");
    setText(said, text);
  },
  /** Shows another view after an action; what was said of it stays. */
  go(hash) {
    keepsMessages = true;
    location.hash = hash;
  },
};

let current;
let keepsMessages = false;
let isWoken = false;
let endRest = () => {};

/** Has REST asked at once, or once more when it is just being asked. */
function wake() {
  isWoken = true;
  endRest();
}

function route() {
  const name = connectorOf(location.hash);
  current = name === undefined ? listView(page) : connectorView(page, name);
  document.title = name === undefined ? "Kafka Connect" : `${name} · Kafka Connect`;
  main.replaceChildren(current.element);
  wake();
}

function connectorOf(hash) {
  if (!hash.startsWith(CONNECTOR)) return undefined;
  try {
    return decodeURIComponent(hash.slice(CONNECTOR.length)) || undefined;
  } catch {
    return undefined;
  }
}

/** Who goes to another view hears where it leads. */
function changed() {
  if (!keepsMessages) page.say("");
  keepsMessages = false;
  route();
  main.querySelector("h1")?.focus();
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true })).then(visible);
}

function rest(ms) {
  if (isWoken) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    endRest = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Asks again and again: never while the tab is hidden, never twice at once, less often while nobody answers. */
async function live() {
  let failures = 0;
  let since;
  for (;;) {
    await visible();
    isWoken = false;
    const view = current;
    const began = new Date();
    try {
      await view.refresh();
      failures = 0;
      setText(away, "");
    } catch (error) {
      if (!(error instanceof Away)) {
        setText(away, error.message);
      } else {
        if (failures++ === 0) since = began.toTimeString().slice(0, 8);
        setText(away, `The worker does not answer since ${since}. What is shown is what it said before.`);
      }
    }
    await rest(Math.min(PERIOD_MS * 2 ** failures, LONGEST_MS));
  }
}

/** What the worker is, once. */
async function introduce() {
  const info = await ask("GET", "./");
  const cluster = info.kafka_cluster_id ? ` · Kafka cluster ${info.kafka_cluster_id}` : "";
  document.getElementById("worker").replaceChildren(
    make("span", {}, `answers as Connect ${info.version}${cluster}`));
}

addEventListener("hashchange", changed);
route();
introduce().catch(() => {});
live();
