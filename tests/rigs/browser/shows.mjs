// What the page shows is what REST says; texts of the cluster stay texts; narrow, dark and for a screen reader.

import { join } from "node:path";
import { accessible, assert, facts, fits, pathOf, play, rest, texts, until, untilState } from "./browser.mjs";

const { running, html, failing, secret, pictures } = facts;

/** The lag, as far as it is the same at two looks. */
const lagOf = (name, { lag }) => (name === running ? "" : String(lag));

/** What the list should say, from REST. */
async function expectedRows() {
  const { body } = await rest("GET", "connectors?expand=status&expand=info&expand=health");
  const rows = Object.entries(body).map(([name, { status, info, health }]) => {
    const parts = [status.connector, ...status.tasks];
    const counts = new Map();
    for (const { state } of status.tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
    const trace = (parts.find((part) => part.trace && part.state === "FAILED") ?? parts.find((part) => part.trace))?.trace;
    return [
      name, info.config["connector.class"].split(".").pop(), status.connector.state,
      [...counts].map(([state, count]) => `${count} ${state}`).sort().join(" ") || "none",
      health.state.replaceAll("_", " "), lagOf(name, health), String(health.failed_records), (trace ?? health.sentence ?? "").split("\n")[0].trim(),
    ];
  });
  return rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

async function listEqualsRest(page) {
  await until("the list to equal REST", async () => {
    const shown = (await texts(page, "Connectors")).sort((a, b) => (a[0] < b[0] ? -1 : 1));
    for (const row of shown) {
      // A rate is another number at each look.
      assert.match(row.splice(6, 1)[0], /^[\d,.]+M?$/);
      if (row[0] === running) assert.match(row.splice(5, 1, "")[0], /^[\d,.]+M?$/);
    }
    assert.deepEqual(shown, await expectedRows());
    return true;
  });
}

async function connectorEqualsRest(page, name) {
  return until(`the view of ${name} to equal REST`, async () => {
    const { body: status } = await rest("GET", pathOf(name, "/status"));
    const tasks = (await texts(page, "Tasks")).map((row) => row.slice(0, 3));
    assert.deepEqual(tasks, status.tasks.map((task) => [String(task.id), task.state, task.worker_id]));
    const traces = await page.locator("pre").allTextContents();
    const expected = [status.connector, ...status.tasks].map((part) => part.trace).filter(Boolean);
    assert.deepEqual(traces, expected);
    assert.ok((await page.locator(".summary").innerText()).startsWith(status.connector.state));
    const { offsets } = (await rest("GET", pathOf(name, "/offsets"))).body;
    const row = ({ partition, offset }) => [partition.kafka_topic, partition.kafka_partition, offset.kafka_offset].map(String);
    assert.deepEqual(await texts(page, "Committed offsets"), offsets.map(row));
    const topics = (await rest("GET", pathOf(name, "/topics"))).body[name].topics;
    assert.ok(await page.getByText(`Topics: ${topics.join(", ") || "none so far"}`).isVisible());
    const config = Object.entries((await rest("GET", pathOf(name, "/config"))).body).sort();
    const shown = await page.getByRole("table", { name: "Settings" }).locator("tbody tr").evaluateAll(
      (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(shown.map(([key]) => key), config.map(([key]) => key));
    for (const [at, [key, value]] of shown.entries()) assert.ok(value === config[at][1] || value === "••••••", key);
    return shown;
  });
}

/** Partitions, tables and workers as `/health` and `/cluster` have them. */
async function healthEqualsRest(page, name) {
  await until(`the health of ${name} to equal REST`, async () => {
    const { body: health } = await rest("GET", pathOf(name, "/health"));
    const rows = health.tasks.flatMap(({ id, partitions }) => partitions.map((one) => [
      one.topic, String(one.partition), String(id), one.state.replaceAll("_", " "),
      ...[one.position, one.end, one.lag].map((offset) => String(offset ?? "–")),
    ]));
    const shown = (await texts(page, "Partitions")).map((row) => row.slice(0, 7));
    assert.ok(shown.length > 0);
    assert.deepEqual(shown.sort(), rows.sort());
    const counts = health.sink.filter((count) => count.name === "table_records_total");
    const tables = (await texts(page, "By database, table")).map((row) => [...row.slice(0, 2), row[3]]);
    assert.deepEqual(tables, counts.map(({ labels, count }) => [labels.database, labels.table, count.toLocaleString("en-GB")]));
    const figures = await page.locator(".figures").innerText();
    assert.ok(figures.includes(`${health.records.toLocaleString("en-GB")} rows`), figures);
    return true;
  });
  assert.equal(await page.getByRole("img", { name: /^Rows a minute: (at most [\d,.]+ in the last hour|a point for each)/ }).count(), 1);
}

async function workersEqualRest(page) {
  await until("the workers to equal REST", async () => {
    const { body: { workers } } = await rest("GET", "cluster");
    const shown = (await texts(page, "Workers")).map((row) => row.slice(0, 3));
    assert.deepEqual(shown, workers.map(({ url, connectors, tasks }) => [`${url} (leads, this one)`, String(connectors), String(tasks)]));
    return true;
  });
}

async function picture(page, name, height) {
  if (!pictures) return;
  await page.mouse.move(0, 0);
  const clip = { x: 0, y: 0, width: 1280, height };
  await page.screenshot({ path: join(pictures, `ui-${name}.png`), clip, scale: "css" });
}

const link = (page, name) => page.getByRole("table", { name: "Connectors", exact: true }).getByRole("link", { name, exact: true });

await play(async (page, context) => {
  await untilState(running, "RUNNING");
  for (const connector of [failing, secret]) assert.equal((await rest("POST", "connectors", connector)).status, 201);
  await untilState(secret.name, "STOPPED");
  await until("a failed task", async () => (await rest("GET", pathOf(failing.name, "/status"))).body.tasks?.[0]?.state === "FAILED");
  await listEqualsRest(page);
  await workersEqualRest(page);
  await accessible(page, "list");
  await picture(page, "list", 620);

  const rate = async () => Number((await texts(page, "Connectors")).find(([name]) => name === running)[6]);
  await until("a rate", async () => (await rate()) > 0);

  // Data flows: what is committed grows, and the page follows without being loaded again.
  await link(page, running).click();
  const committed = async () => (await texts(page, "Committed offsets")).reduce((sum, row) => sum + Number(row[2]), 0);
  const first = await until("offsets", committed);
  await until("the offsets to grow", async () => (await committed()) > first);
  assert.equal(await page.title(), `${running} · Kafka Connect`);
  await picture(page, "connector", 900);
  await rest("PUT", pathOf(running, "/pause"));
  await untilState(running, "PAUSED");
  await connectorEqualsRest(page, running);
  await healthEqualsRest(page, running);
  await accessible(page, "connector");
  await page.getByRole("button", { name: "Edit…" }).click();
  await accessible(page, "editor");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Delete…" }).click();
  await accessible(page, "question");
  assert.ok((await page.getByRole("dialog").innerText()).includes(running));
  await page.keyboard.press("Escape");
  assert.equal((await rest("GET", pathOf(running))).status, 200);

  // Markup in a name and in a trace is text.
  assert.equal((await rest("POST", "connectors", html)).status, 201);
  const failed = await until("a trace of markup", async () => {
    const { body } = await rest("GET", pathOf(html.name, "/status"));
    return body.tasks?.find((task) => task.state === "FAILED" && task.trace.includes("<img"));
  });
  await page.getByRole("link", { name: "All connectors" }).click();
  await listEqualsRest(page);
  await link(page, html.name).click();
  assert.equal(await page.locator("h1").innerText(), html.name);
  await connectorEqualsRest(page, html.name);
  assert.ok((await page.locator("pre").first().textContent()).includes(failed.trace.split("\n")[0]));
  assert.equal(await page.locator("main img, main b, main script").count(), 0);
  assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
  await accessible(page, "failed connector");
  console.log("markup is text");

  // Secrets are hidden in the table and in the form, by their definition and by their name, and saved as they were.
  await page.goto(`${page.url().split("#")[0]}#/connectors/${encodeURIComponent(secret.name)}`);
  const shown = new Map(await connectorEqualsRest(page, secret.name));
  for (const key of facts.secrets) assert.equal(shown.get(key), "••••••", key);
  assert.equal(shown.get("topics"), secret.config.topics);
  await page.getByRole("button", { name: "Edit…" }).click();
  for (const key of facts.secrets) assert.equal(await page.getByLabel(key, { exact: true }).inputValue(), "", key);
  assert.ok(!(await page.content()).includes(facts.value));
  await page.getByLabel("flush.interval.ms", { exact: true }).fill("1234");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(`Save ${secret.name}: done`).waitFor();
  const { body: saved } = await rest("GET", pathOf(secret.name, "/config"));
  assert.deepEqual(saved, { ...secret.config, name: secret.name, "flush.interval.ms": "1234" });
  console.log("secrets are hidden and kept");

  // Filter, order and counts.
  await page.getByRole("link", { name: "All connectors" }).click();
  await page.getByLabel("Filter").fill("failed IMG");
  await page.getByText("1 of 4 connectors").waitFor();
  assert.equal((await texts(page, "Connectors"))[0][0], html.name);
  await page.getByLabel("Filter").fill("");
  const names = async () => (await texts(page, "Connectors")).map((row) => row[0]);
  const ascending = await names();
  await page.getByRole("button", { name: "Name", exact: true }).click();
  assert.deepEqual(await names(), ascending.toReversed());
  assert.equal(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort"), "descending");
  await page.getByRole("button", { name: "State", exact: true }).click();
  assert.deepEqual((await names()).slice(0, 2).sort(), [html.name, failing.name].sort(), "what failed comes first");
  await page.getByRole("button", { name: "1 STOPPED" }).click();
  await page.getByText("1 of 4 connectors").waitFor();
  await page.getByLabel("Filter").fill("");

  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(paper, colorScheme === "dark" ? "rgb(20, 24, 31)" : "rgb(255, 255, 255)");
    await page.setViewportSize({ width: 390, height: 800 });
    await accessible(page, `${colorScheme} narrow list`);
    await fits(page, "list");
    await link(page, html.name).click();
    await page.getByRole("table", { name: "Settings" }).waitFor();
    await accessible(page, `${colorScheme} narrow connector`);
    await fits(page, "connector");
    await page.getByRole("button", { name: "Edit…" }).click();
    await fits(page, "editor");
    await accessible(page, `${colorScheme} narrow editor`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await accessible(page, `${colorScheme} editor`);
    await page.getByRole("link", { name: "All connectors" }).click();
    await accessible(page, `${colorScheme} list`);
  }

  // A thousand connectors: a row is made anew only when its connector changed.
  const { body: all } = await rest("GET", "connectors?expand=status&expand=info&expand=health");
  const [one] = Object.values(all);
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`many-${n}`, structuredClone(one)]));
  await context.route(/connectors\?expand/, (route) => route.fulfill({ json: many }));
  await page.getByText("1000 connectors", { exact: true }).waitFor();
  await page.evaluate(() => {
    for (const cell of document.querySelectorAll(".connectors tbody td")) cell.isKept = true;
  });
  many["many-500"].status.connector.state = "UNASSIGNED";
  await page.getByRole("button", { name: "1 UNASSIGNED" }).waitFor();
  const anew = await page.locator(".connectors tbody tr").evaluateAll(
    (rows) => rows.filter((row) => ![...row.cells].every((cell) => cell.isKept)).map((row) => row.cells[0].textContent));
  assert.deepEqual(anew, ["many-500"]);
  console.log("of 1000 rows one is made anew");
});
console.log("what is shown equals REST");
