import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("views");

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  // Of the cellar 4, 5 and 9 are lost, as if a device had thrown them away.
  for (const seq of [1, 2, 3, 6, 7, 8, 10]) await publish("cellar", { value: 20 + seq / 10, boot: 7, seq });
  for (const seq of [1, 2, 3]) await publish("lab", { value: 21, boot: 1, seq });
  await publish("lab", "twenty-three");
  browser = await browse(millrace.http);
  page = browser.page;
  await eventually(() => page.getByTestId("connection").getAttribute("data-connected"), "true");
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("axe finds no serious violations among a few tiles", async () => {
  await eventually(() => page.getByTestId("tile").count(), 2);
  await assertAccessible(page);
});

test("the keyboard leads from view to view, and the way back is the browser's", async () => {
  await page.getByRole("link", { name: "Data gaps" }).focus();
  await page.keyboard.press("Enter");
  await eventually(focused, "Data gaps");
  await eventually(() => page.title(), "Data gaps – Millrace");
  assert.equal(await page.locator('nav [aria-current="page"]').textContent(), "Data gaps");
  await page.getByRole("link", { name: "Pipeline" }).click();
  await eventually(focused, "Pipeline");
  await page.goBack();
  await eventually(focused, "Data gaps");
  await page.goBack();
  await eventually(() => page.title(), "Millrace");
  await eventually(() => page.getByTestId("tile").count(), 2);
});

test("a view is opened by its address, and does not take the focus", async () => {
  await page.goto("about:blank");
  await page.goto(`${millrace.http}/#completeness`);
  await eventually(() => textOf(page.getByTestId("view-title")), "Data gaps");
  assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
});

test("missing readings are summed up in a sentence, and come first in the table with their numbers", async () => {
  await eventually(() => textOf(page.getByTestId("headline")), /3 missing.* of 13 readings,\s+from 1 of 2 devices/);
  await eventually(() => boots(), "cellar,lab");
  const words = await textOf(boot("cellar"));
  assert.match(words, /^cellar7107.*34–5, 9/);
  assert.match(await textOf(boot("lab").locator(".ledger-missing")), /none/);
});

test("the table is filtered by name", async () => {
  await page.getByLabel("Filter devices by name").fill("lab");
  await eventually(() => boots(), "lab");
  await eventually(() => textOf(page.getByTestId("ledger-count")), "1 of 2 boots");
  await page.getByLabel("Filter devices by name").fill("");
});

test("a reading that comes late closes its gap when the ledger is checked again", async () => {
  await publish("cellar", { value: 20, boot: 7, seq: 9 });
  await page.getByRole("button", { name: "Check again" }).click();
  await eventually(() => textOf(page.getByTestId("headline")), /2 missing/);
  await page.locator('[data-range="all"]').click();
  await eventually(() => page.locator('[data-range="all"]').getAttribute("aria-pressed"), "true");
  await eventually(() => textOf(page.getByTestId("headline")), /2 missing/);
});

test("the count in the header leads to the rejected payloads", async () => {
  await page.getByTestId("rejected-count").click();
  await eventually(focused, "Rejected payloads");
  await eventually(() => textOf(rejected()), /temperature\/lab.*not JSON.*twenty-three/s);
});

test("a payload that still cannot be read is not resent, and the server says why", async () => {
  await rejected().getByRole("button", { name: /^Resend/ }).click();
  await eventually(() => page.evaluate(() => document.activeElement.name), "payload");
  await payload().fill("23,5");
  await page.locator(".resend").getByRole("button", { name: "Resend" }).click();
  await eventually(() => textOf(page.getByTestId("resend-problem")), /^Not resent: .{10,}\.$/);
  assert.equal(await payload().inputValue(), "23,5");
  await assertAccessible(page);
});

test("Escape closes the form and gives the focus back", async () => {
  await payload().focus();
  await page.keyboard.press("Escape");
  await eventually(() => page.locator(".resend").count(), 0);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Resend/);
});

test("a fixed payload is stored with the time at which it arrived, and is no longer counted", async () => {
  const [{ received_at }] = (await ask("api/rejected")).rejected;
  await page.keyboard.press("Enter");
  await payload().fill("23.5");
  await page.locator(".resend").getByRole("button", { name: "Resend" }).click();
  await eventually(() => rejected().getAttribute("data-resent"), "true");
  await eventually(() => textOf(page.locator('[role="status"]', { hasText: "Resent" })), "Resent: 1 reading of temperature/lab stored.");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "rejected");
  await eventually(() => textOf(page.getByTestId("rejected-count")), "0 rejected");
  const { readings } = await ask("api/readings?device=lab&metric=temperature");
  assert.deepEqual(readings.filter(({ value }) => value === 23.5).map(({ measured_at }) => measured_at), [received_at]);
});

test("the pipeline is drawn with all its stages", async () => {
  await page.getByRole("link", { name: "Pipeline" }).click();
  await eventually(stages, "devices,broker,alerter,page,writer,store");
  await eventually(() => stage("writer").getAttribute("data-state"), "ok");
  await eventually(() => textOf(stage("page")), /1 open/);
  await assertAccessible(page);
});

test("while the store is locked the writer waits, and afterwards goes on", async () => {
  const unlock = await lockStore();
  const waiting = publish("lab", { value: 22, boot: 1, seq: 4 });
  await eventually(() => stage("writer").getAttribute("data-state"), (state) => state !== "ok");
  await eventually(() => textOf(page.getByTestId("headline")), /stages? needs? attention/);
  await eventually(() => textOf(page.getByTestId("behind")), /^storing is \d/);
  await assertAccessible(page);
  await unlock();
  await waiting;
  await eventually(() => stage("writer").getAttribute("data-state"), "ok");
});

test("all views fit a phone", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const name of ["Pipeline", "Data gaps", "Overview"]) {
    await page.getByRole("link", { name }).click();
    await eventually(() => textOf(page.getByTestId("view-title")), name);
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 360);
    await assertAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("when the server stops, the page says so, and the pipeline is grey with the time of its state", async () => {
  await page.getByRole("link", { name: "Pipeline" }).click();
  await eventually(() => page.getByTestId("stage").count(), 6);
  browser.expectRefusals = true;
  await device.endAsync(true);
  await millrace.stop();
  await eventually(() => textOf(page.getByTestId("connection")), /^disconnected since .*\d/);
  await eventually(() => textOf(page.getByTestId("pipeline-away")), /Unknown since .*\d.*: the server does not answer\. This is the last known state\./);
  assert.equal(await page.getByTestId("stage").count(), 6);
  await assertAccessible(page);
});

test("a part that cannot be loaded says so, with a button to reload", async () => {
  const other = await page.context().newPage();
  millrace = await startMillrace(dataDir, { httpPort: millrace.port, settings: STAYS_FRESH });
  await other.route(/\/assets\/Pipeline.*\.js$/, (route) => route.abort());
  await other.goto(`${millrace.http}/#pipeline`);
  await eventually(() => textOf(other.getByTestId("not-loaded")), /could not be loaded/);
  await other.unroute(/\/assets\/Pipeline.*\.js$/);
  await other.getByRole("button", { name: "Reload the page" }).click();
  await eventually(() => other.getByTestId("stage").count(), 6);
  await other.close();
});

test("the page made no requests to other hosts, and the browser logged only the refusal", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors.filter((error) => !/status of 422/.test(error)), []);
});

const LOCKING = `
import sqlite3, sys
somebody = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
somebody.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
`;

/** Somebody else holds the database until the answer is called. */
async function lockStore() {
  const somebody = spawn("python3", ["-c", LOCKING, join(dataDir, "millrace.db")], { stdio: ["pipe", "pipe", "inherit"] });
  await once(somebody.stdout, "data");
  return async () => {
    const gone = once(somebody, "exit");
    somebody.stdin.end();
    await gone;
  };
}

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, reading) {
  const payload = typeof reading === "string" ? reading : JSON.stringify(reading);
  return device.publishAsync(`temperature/${name}`, payload, { qos: 1 });
}

async function ask(path) {
  return (await fetch(`${millrace.http}/${path}`)).json();
}

const focused = () => page.evaluate(() => document.activeElement.textContent);
const payload = () => page.getByRole("textbox", { name: "Payload" });
const boot = (name) => page.locator(`[data-testid="boot"][data-device="${name}"]`);
const boots = () => page.getByTestId("boot").evaluateAll((rows) => rows.map(({ dataset }) => dataset.device).join());
const rejected = () => page.getByTestId("rejected").first();
const stage = (id) => page.locator(`[data-testid="stage"][data-stage="${id}"]`);
const stages = () => page.getByTestId("stage").evaluateAll((all) => all.map(({ dataset }) => dataset.stage).join());
