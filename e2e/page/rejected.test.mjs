import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { dataFolder, end } from "./setup.mjs";

const COMMAS = 130;
const dataDir = dataFolder("rejected");

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir);
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all(Array.from({ length: COMMAS }, (_, n) => publish("temperature/lab", `${20 + n / 10}`.replace(".", ",").padEnd(4, ",0"))));
  await publish("temperature/oven", "hot");
  await publish("humidity/cellar", "\0\u202ewet");
  browser = await browse(`${millrace.http}/#rejected`);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("payloads are grouped by topic and reason, so that one bad device does not fill the list", async () => {
  await eventually(() => textOf(lab().first()), /temperature\/lab\d+ payloads/);
  await eventually(total, COMMAS);
  assert.ok((await lab().count()) <= 4);
  await eventually(() => page.getByTestId("rejected").count(), 2);
  await assertAccessible(page);
});

test("characters that cannot be seen are shown", async () => {
  await eventually(() => textOf(page.getByTestId("rejected").filter({ hasText: "humidity/cellar" }).locator("pre")), "\\u0000\\u202ewet");
});

test("the list is filtered by topic and reason", async () => {
  await page.getByLabel("Filter rejected payloads by topic or reason").fill("oven");
  await eventually(() => page.getByTestId("rejected").count(), 1);
  await eventually(() => lab().count(), 0);
  await page.getByLabel("Filter rejected payloads by topic or reason").fill("");
  await page.getByRole("group", { name: "Received within" }).getByRole("button", { name: "1 h" }).click();
  await eventually(() => page.getByTestId("rejected").count(), 2);
});

test("a group lists its payloads", async () => {
  await lab().first().getByRole("button", { name: /temperature\/lab/ }).first().click();
  await eventually(() => lab().first().getByTestId("rejected").count(), (count) => count >= 10 && count <= 20);
});

test("all of a group are resent with one correction", async () => {
  for (let left = await waiting(); left > 0; left = await waiting()) {
    const one = page.locator('[data-testid="rejected-group"]:not([data-waiting="0"])').first();
    await one.getByRole("button", { name: "Resend all of temperature/lab" }).click();
    await page.getByLabel("Replace").fill(",");
    await page.getByLabel("with", { exact: true }).fill(".");
    await page.locator(".resend").getByRole("button", { name: "Resend all" }).click();
    await eventually(() => textOf(page.getByTestId("resend-result")), /^\d+ payloads? resent\.$/);
    await page.locator(".resend").getByRole("button", { name: "Close" }).click();
    await eventually(waiting, (count) => count < left);
  }
  await eventually(() => textOf(page.getByTestId("rejected-count")), "2 rejected");
  const { readings } = await (await fetch(`${millrace.http}/api/readings?device=lab&metric=temperature`)).json();
  assert.equal(readings.length, COMMAS);
});

test("what nobody needs is dismissed, after a second press", async () => {
  const oven = page.getByTestId("rejected").filter({ hasText: "temperature/oven" });
  await oven.getByRole("button", { name: "Dismiss" }).click();
  await oven.getByRole("button", { name: "Cancel" }).click();
  await oven.getByRole("button", { name: "Dismiss" }).click();
  await oven.getByRole("button", { name: "Delete it" }).click();
  await eventually(() => oven.count(), 0);
  await eventually(() => textOf(page.getByTestId("rejected-count")), "1 rejected");
  while ((await lab().count()) > 0) {
    const before = await lab().count();
    await lab().first().getByRole("button", { name: "Dismiss all of temperature/lab" }).click();
    await lab().first().getByRole("button", { name: /^Delete \d+$/ }).click();
    await eventually(() => lab().count(), (count) => count < before);
  }
  assert.equal((await (await fetch(`${millrace.http}/api/rejected`)).json()).rejected.length, 1);
});

test("it fits a phone, and the browser logged no errors", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await assertAccessible(page);
  assert.deepEqual(browser.errors, []);
});

function publish(topic, payload) {
  return device.publishAsync(topic, payload, { qos: 1 });
}

const lab = () => page.locator('[data-testid="rejected-group"][data-topic="temperature/lab"]');
const total = () => lab().locator(".rejected-count").evaluateAll((all) => all.reduce((sum, one) => sum + Number.parseInt(one.textContent), 0));
const waiting = () => lab().evaluateAll((all) => all.reduce((sum, one) => sum + Number(one.dataset.waiting), 0));
