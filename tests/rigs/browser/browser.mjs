// Chromium over a worker's page, and the same worker's REST to compare with. What the scripts here have in common.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const DEADLINE_MS = 60_000;

/** What the test that started this script says: the worker's URL, the folder of the rig, and facts as JSON. */
export const [base, rig, facts] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4] ?? "{}")];
const { chromium } = createRequire(join(rig, "package.json"))("playwright-core");
const axeSource = readFileSync(join(rig, "node_modules/axe-core/axe.min.js"), "utf8");

/** Calls `state` until it gives something true; fails with what it threw or gave the last time. */
export async function until(what, state) {
  const end = Date.now() + DEADLINE_MS;
  let last;
  while (Date.now() < end) {
    try {
      last = await state();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited for ${what}: ${last?.stack ?? last}`);
}

/** Asks REST beside the page; status and JSON. */
export async function rest(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(`${base}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

export const pathOf = (name, rest = "") => `connectors/${encodeURIComponent(name)}${rest}`;

/** Waits until REST says that a connector is in a state. */
export function untilState(name, state) {
  return until(`${name} to be ${state}`, async () => {
    const { body } = await rest("GET", pathOf(name, "/status"));
    assert.equal(body.connector.state, state);
    return body;
  });
}

/** Runs `scene` in a browser; afterwards nothing may have been asked of others, refused by the policy, or thrown. */
export async function play(scene, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const { origin } = new URL(options.at ?? base);
  const wrong = [];
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options.context });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) wrong.push(`a request to ${request.url()}`);
    });
    page.on("pageerror", (error) => wrong.push(`thrown: ${error.stack}`));
    page.on("console", (message) => {
      // Chromium says of each refusal of REST that a resource failed to load; the page says it too, and that is looked at.
      const isRefusal = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isRefusal) wrong.push(`said: ${message.text()}`);
    });
    await page.goto(`${options.at ?? base}/ui`);
    await scene(page, context);
  } finally {
    await browser.close();
  }
  assert.deepEqual(wrong, []);
}

/** No rule of axe-core is broken by what is shown now. */
export async function accessible(page, what) {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], what);
  console.log(`accessible: ${what}`);
}

/** Nothing is wider than the window. */
export async function fits(page, what) {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${what}: ${wide} px in a window of ${window}`);
  console.log(`fits: ${what}`);
}

/** The texts of a table's cells, row by row. */
export function texts(page, caption) {
  return page.getByRole("table", { name: caption, exact: true }).locator("tbody tr").evaluateAll(
    (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
}

export { assert };
