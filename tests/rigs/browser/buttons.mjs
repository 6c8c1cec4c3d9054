// Each button does what it says: what it sends, what REST says afterwards, and what is asked before. Then all of it by keys.

import { assert, facts, pathOf, play, rest, texts, until, untilState } from "./browser.mjs";

const { name } = facts;

/** Clicks, and gives method, path and status of the write that it made; the page asks for validations on its own. */
async function sent(page, click, isValidation = false) {
  const writes = (response) => response.request().method() !== "GET" && response.url().endsWith("/validate") === isValidation;
  const [response] = await Promise.all([page.waitForResponse(writes), click()]);
  const { pathname, search } = new URL(response.url());
  return [response.request().method(), decodeURIComponent(pathname) + search, response.status()];
}

const button = (page, text) => page.getByRole("button", { name: text, exact: true });
const answer = (page, text) => page.getByRole("dialog").getByRole("button", { name: text, exact: true });

async function lifecycle(page) {
  const at = `/connectors/${name}`;
  assert.deepEqual(await sent(page, () => button(page, "Pause").click()), ["PUT", `${at}/pause`, 202]);
  await untilState(name, "PAUSED");
  await page.getByText(`Pause ${name}: done`).waitFor();
  await page.locator(".summary").getByText("PAUSED").waitFor();
  assert.deepEqual(await sent(page, () => button(page, "Resume").click()), ["PUT", `${at}/resume`, 202]);
  await untilState(name, "RUNNING");
  for (const [choice, query, status] of [
    ["connector and tasks", "includeTasks=true&onlyFailed=false", 202],
    ["only what failed", "includeTasks=true&onlyFailed=true", 202],
    ["connector without tasks", "includeTasks=false&onlyFailed=false", 204],
  ]) {
    await page.getByLabel("What to restart").selectOption(choice);
    const restart = page.getByRole("group", { name: "Actions" }).getByRole("button", { name: "Restart" });
    assert.deepEqual(await sent(page, () => restart.click()), ["POST", `${at}/restart?${query}`, status]);
    await untilState(name, "RUNNING");
  }
  await page.getByRole("table", { name: "Tasks" }).getByText("RUNNING").first().waitFor();
  const task = button(page, "Restart task 1");
  assert.deepEqual(await sent(page, () => task.click()), ["POST", `${at}/tasks/1/restart`, 204]);
  console.log("pause, resume, restart");
}

async function stopAndReset(page) {
  const reset = button(page, "Reset offsets…");
  assert.ok(await reset.isDisabled(), "offsets are reset only of what is stopped");
  await button(page, "Stop…").click();
  assert.ok((await page.getByRole("dialog").innerText()).includes(`Stop ${name}?`));
  await answer(page, "Cancel").click();
  assert.equal((await rest("GET", pathOf(name, "/status"))).body.connector.state, "RUNNING");
  await button(page, "Stop…").click();
  assert.deepEqual(await sent(page, () => answer(page, "Stop").click()), ["PUT", `/connectors/${name}/stop`, 204]);
  await untilState(name, "STOPPED");
  const offsets = async () => (await rest("GET", pathOf(name, "/offsets"))).body.offsets;
  assert.ok((await offsets()).length > 0);
  await until("the button", () => reset.isEnabled());
  await reset.click();
  assert.ok((await page.getByRole("dialog").innerText()).includes(`Reset offsets of ${name}?`));
  const write = await sent(page, () => answer(page, "Reset offsets").click());
  assert.deepEqual(write, ["DELETE", `/connectors/${name}/offsets`, 200]);
  assert.deepEqual(await offsets(), []);
  await until("no offsets", async () => (await texts(page, "Committed offsets")).length === 0);
  console.log("stop, reset offsets");
}

async function edit(page) {
  await button(page, "Edit…").click();
  await page.getByLabel("tasks.max", { exact: true }).fill("many");
  const [method, path] = await sent(page, () => button(page, "Validate").click(), true);
  assert.deepEqual([method, path.endsWith("/config/validate")], ["PUT", true]);
  const field = page.locator(".field", { has: page.getByLabel("tasks.max", { exact: true }) });
  await field.getByText("Invalid value many for configuration tasks.max").waitFor();
  assert.equal(await page.getByLabel("tasks.max", { exact: true }).getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator(".error:not(:empty)").count(), 1, "one field is wrong");
  // What REST refuses is said in its words, and nothing is changed.
  const { body: before } = await rest("GET", pathOf(name, "/config"));
  await button(page, "Save").click();
  await page.locator("#error").getByText("Invalid value many").waitFor();
  assert.deepEqual((await rest("GET", pathOf(name, "/config"))).body, before);
  await page.getByLabel("tasks.max", { exact: true }).fill("1");
  await button(page, "Validate").click();
  await page.getByText("No errors.").waitFor();
  await button(page, "Add a setting").click();
  await page.getByLabel("Key", { exact: true }).fill("errors.tolerance");
  await page.getByLabel("Value", { exact: true }).fill("all");
  await button(page, "Remove flush.size.bytes").click();
  await button(page, "Save").click();
  await page.getByText(`Save ${name}: done`).waitFor();
  const { "flush.size.bytes": gone, ...kept } = before;
  assert.ok(gone);
  const { body: after } = await rest("GET", pathOf(name, "/config"));
  assert.deepEqual(after, { ...kept, "tasks.max": "1", "errors.tolerance": "all" });
  console.log("validate, save");
  return after;
}

async function create(page, config) {
  await page.getByRole("link", { name: "All connectors" }).click();
  await button(page, "Create…").click();
  const text = page.getByRole("dialog").getByRole("textbox");
  await text.fill("{");
  await answer(page, "Create").click();
  await page.getByText("This is no JSON").waitFor();
  await text.fill(JSON.stringify({ name, config }));
  await answer(page, "Create").click();
  await page.getByRole("dialog").getByText(`Connector ${name} already exists`).waitFor();
  const other = facts.other;
  await text.fill(JSON.stringify({ name: other, config: { ...config, name: other }, initial_state: "STOPPED" }));
  assert.deepEqual(await sent(page, () => answer(page, "Create").click()), ["POST", "/connectors", 201]);
  await page.getByText(`Create ${other}: done`).waitFor();
  await page.getByRole("heading", { name: other }).waitFor();
  await untilState(other, "STOPPED");
  await button(page, "Delete…").click();
  assert.ok((await page.getByRole("dialog").innerText()).includes(`Delete ${other}?`));
  const write = await sent(page, () => answer(page, "Delete").click());
  assert.deepEqual(write, ["DELETE", `/connectors/${other}`, 204]);
  await page.getByText(`Delete ${other}: done`).waitFor();
  assert.equal((await rest("GET", pathOf(other))).status, 404);
  await until("one row", async () => (await texts(page, "Connectors")).map((row) => row[0]).join() === name);
  console.log("create, delete");
}

/** Presses Tab until the focus, which must be seen, is on what has this text or label. */
async function tabTo(page, text) {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press("Tab");
    const [label, outline] = await page.evaluate(() => {
      const { activeElement: at } = document;
      const style = getComputedStyle(at);
      const said = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
      return [said, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
    });
    if (label === text) {
      assert.ok(outline, `${text}: the focus is seen`);
      return;
    }
  }
  assert.fail(`no way to ${text} by Tab`);
}

async function byKeys(page) {
  await page.reload();
  await page.getByRole("link", { name, exact: true }).waitFor();
  await tabTo(page, "Filter");
  await page.keyboard.type("stopped");
  await page.getByText("1 connector").waitFor();
  await tabTo(page, name);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await tabTo(page, "Resume");
  await page.keyboard.press("Enter");
  await untilState(name, "RUNNING");
  await tabTo(page, "Stop…");
  await page.keyboard.press("Space");
  await tabTo(page, "Stop");
  await page.keyboard.press("Enter");
  await untilState(name, "STOPPED");
  await page.locator(".summary").getByText("STOPPED").waitFor();
  await tabTo(page, "Edit…");
  await page.keyboard.press("Enter");
  await tabTo(page, "Cancel");
  await page.keyboard.press("Enter");
  await tabTo(page, "Delete…");
  await page.keyboard.press("Enter");
  await tabTo(page, "Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Connectors", level: 1 }).waitFor();
  assert.equal((await rest("GET", pathOf(name))).status, 404);
  console.log("by keys");
}

await play(async (page) => {
  await page.goto(`${page.url()}#/connectors/${encodeURIComponent(name)}`);
  await lifecycle(page);
  await stopAndReset(page);
  const config = await edit(page);
  await create(page, config);
  await byKeys(page);
});
console.log(`each button does what it says`);
