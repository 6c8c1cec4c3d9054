// The page below a prefix of a proxy, with a password; what it says while nobody answers, and when it asks at all.

import { createServer, request } from "node:http";
import { assert, base, facts, pathOf, play, texts, until } from "./browser.mjs";

const PREFIX = "/kafka/connect";
const { name, user, password } = facts;
const login = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** Passes on what is below the prefix; nothing else is there. */
function proxy() {
  const worker = new URL(base);
  return createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(`${PREFIX}/`)) {
      outgoing.writeHead(404).end("not below the prefix");
      return;
    }
    const { method, headers } = incoming;
    const path = incoming.url.slice(PREFIX.length);
    const passed = request({ host: worker.hostname, port: worker.port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
}

const listening = (server, port) => new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server.address().port)));

let server = proxy();
const port = await listening(server, 0);
const at = `http://127.0.0.1:${port}${PREFIX}`;
const context = { httpCredentials: { username: user, password } };
await play(async (page) => {
  await until("the list", async () => (await texts(page, "Connectors")).map((row) => row[0]).join() === name);
  await page.goto(`${at}/ui/`);
  assert.equal(page.url(), `${at}/ui`, "the slash leads to the page, below the prefix");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(`Pause ${name}: done`).waitFor();
  await until("the pause", async () => {
    const answer = await fetch(`${base}/${pathOf(name, "/status")}`, { headers: { Authorization: login } });
    return (await answer.json()).connector.state === "PAUSED";
  });
  await page.locator(".summary").getByText("PAUSED").waitFor();

  server.close();
  server.closeAllConnections();
  const away = page.locator("#away");
  await until("a word about it", async () => /does not answer since \d\d:\d\d:\d\d\./.test(await away.innerText()));
  const said = await away.innerText();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator("#error").getByText(`Resume ${name}: the worker does not answer`).waitFor();
  assert.equal(await away.innerText(), said, "since the first time");
  server = proxy();
  await listening(server, port);
  await until("nothing to say", async () => (await away.innerText()) === "");

  // One request at a time.
  let open = 0;
  let most = 0;
  let count = 0;
  let looks = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/status")) looks += 1;
  });
  page.on("request", () => { count += 1; most = Math.max(most, ++open); });
  page.on("requestfinished", () => { open -= 1; });
  page.on("requestfailed", () => { open -= 1; });
  await until("several looks", () => count > 6);
  assert.equal(most, 1);

  // None while the tab is hidden, on a clock of ours; at once when it is seen again.
  await page.clock.install();
  await page.reload();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await until("offsets", async () => (await page.getByText(/^Topics: /).count()) === 1);
  await page.clock.pauseAt(Date.now() + 60_000);
  await hide(true);
  // Each round is time for a look of the page's, and a request of ours that comes after those of such a look.
  const rounds = async () => {
    for (let round = 0; round < 10; round++) {
      await page.clock.runFor(10_000);
      await page.evaluate(() => fetch("health"));
    }
  };
  await rounds();
  const before = looks;
  await rounds();
  assert.equal(looks, before, "nobody looks, nobody asks");
  await hide(false);
  await until("a question", () => looks > before);
}, { at, context });
server.close();
server.closeAllConnections();
console.log("below a prefix, with a password, and without a worker");
