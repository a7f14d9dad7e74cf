// What real devices publish becomes series on the page, with the names and units that a person expects.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const tests = new URL("../../telemetry/tests/", import.meta.url);
const dataDir = dataFolder("firmware");

// A time zone, or a client id, is a matter of other tests.
const fixtures = readdirSync(new URL("fixtures", tests))
  .map((name) => JSON.parse(readFileSync(new URL(`fixtures/${name}`, tests), "utf8")))
  .filter(({ zone, client }) => !zone && !client);

const expected = new Set(fixtures.flatMap(({ expect = [] }) => expect.map(({ device, metric }) => `${metric}/${device}`)));

let millrace, browser, page, device;

before(async () => {
  const settings = { ...STAYS_FRESH, MILLRACE__INPUTS__MAPPINGS: new URL("home-made.toml", tests).pathname };
  millrace = await startMillrace(dataDir, { settings });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  browser = await browse(millrace.http);
  page = browser.page;
  await eventually(() => page.getByTestId("empty").count(), 1);
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("the messages of real devices become series on the page", async () => {
  assert.ok(fixtures.length > 110, `${fixtures.length} messages`);
  for (const { before = [], ...message } of fixtures) {
    for (const one of [...before, message]) await publish(one);
  }
  const { series } = await (await fetch(`${millrace.http}/api/series`)).json();
  const stored = new Set(series.map(({ metric, device }) => `${metric}/${device}`));
  assert.deepEqual([...expected].filter((name) => !stored.has(name)), []);
  await eventually(() => textOf(page.getByTestId("summary")), new RegExp(`^${stored.size} sensors`));
});

test("a series has the name, the value and the unit of its message", async () => {
  await page.getByRole("button", { name: "Table" }).click();
  await page.getByLabel("Groups", { exact: true }).uncheck();
  for (const [name, metric, value] of [
    ["washer", "power", "94\u202fW"],
    ["main", "power_2", "250\u202fW"],
    ["4C-88-4F-00-00-01", "co2", "201\u202fppm"],
    ["shellyht-aabbcc", "battery", "86\u202f%"],
  ]) {
    await page.locator("#filter").fill(name);
    const row = page.locator(`[data-testid="row"][data-device="${name}"][data-metric="${metric}"]`);
    await eventually(() => textOf(row.getByTestId("row-value")), value);
  }
});

test("what was rejected or is read by no rule is counted, and everything else is read", async () => {
  const { unmapped, ignored } = await (await fetch(`${millrace.http}/api/inputs`)).json();
  assert.deepEqual(unmapped, []);
  assert.ok(ignored.length > 0, JSON.stringify(ignored));
});

function publish({ topic, payload, payload_base64 }) {
  const bytes = payload_base64 === undefined ? (payload ?? "") : Buffer.from(payload_base64, "base64");
  return device.publishAsync(topic, bytes, { qos: 1 });
}
