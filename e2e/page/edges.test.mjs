// What edges stored and what arrived, as the cloud's page shows it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("edges");

let cloud, edge, browser, page, device;

before(async () => {
  cloud = await startMillrace(join(dataDir, "cloud"), { settings: STAYS_FRESH });
  browser = await browse(cloud.http);
  page = browser.page;
  await page.goto(`${cloud.http}/#completeness`);
});
after(async () => {
  await edge?.stop();
  await end(dataDir, { browser, device, millrace: cloud });
});

// The tests build on each other and run in this order.

test("without an edge nothing is said of edges", async () => {
  await eventually(() => page.getByTestId("headline").count(), 1);
  assert.equal(await page.getByTestId("edges").count(), 0);
});

test("an edge and its readings are there once it has forwarded them", async () => {
  const uplink = { MILLRACE__UPLINK__URL: cloud.mqtt, MILLRACE__UPLINK__EDGE: "site-a", MILLRACE__UPLINK__EVERY: "100ms" };
  edge = await startMillrace(join(dataDir, "edge"), { settings: { ...STAYS_FRESH, ...uplink } });
  device = await mqtt.connectAsync(edge.mqtt, { reconnectPeriod: 0 });
  for (const value of [20, 21, 22]) await device.publishAsync("temperature/lab", `${value}`, { qos: 1 });
  const row = page.getByTestId("edge");
  await eventually(() => row.getAttribute("data-edge"), "site-a");
  await eventually(() => cells(row), /^3,3,none,none,0,.*(just now|s|min).*,right$/);
  assert.equal(await row.getAttribute("data-missing"), "0");
  await assertAccessible(page);
});

async function cells(row) {
  const texts = await row.getByRole("cell").allTextContents();
  return texts.map((text) => text.trim()).join(",");
}
