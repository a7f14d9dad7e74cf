import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("page");

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir);
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  browser = await browse(millrace.http);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("without a sensor the page shows the line that makes one", async () => {
  await connected("true");
  await eventually(() => textOf(page.getByTestId("empty")), new RegExp(`mosquitto_pub -p ${new URL(millrace.mqtt).port} -q 1 -t temperature/lab -m 23\\.5`));
});

test("a first reading makes a tile", async () => {
  await publish("23.5");
  await eventually(() => page.getByTestId("tile").count(), 1);
  await eventually(tileValue, "23.5");
  assert.equal(await tile().getAttribute("data-device"), "lab");
  assert.equal(await tile().getAttribute("data-metric"), "temperature");
});

test("a second reading changes it", async () => {
  await publish(JSON.stringify({ value: 24.2, unit: "celsius" }));
  await eventually(tileValue, "24.2");
  await eventually(() => textOf(tile()), /°C/);
});

test("the chart draws the readings", async () => {
  await eventually(chartPoints, (points) => points > 0);
});

test("a value over 25 opens an incident and marks the tile, and one below resolves it", async () => {
  await publish("26.5");
  await eventually(() => page.locator('[data-testid="incident"][data-open="true"]').count(), 1);
  await eventually(() => tile().getAttribute("data-alerting"), "true");
  await publish("22");
  await eventually(() => page.locator('[data-testid="incident"][data-open="true"]').count(), 0);
  await eventually(() => page.locator('[data-testid="incident"][data-open="false"]').count(), 1);
  await eventually(() => tile().getAttribute("data-alerting"), "false");
});

test("a payload that cannot be read is counted and can be looked at", async () => {
  await publish("twenty-three");
  await eventually(() => textOf(page.getByTestId("rejected-count")), /^1 rejected$/);
  await page.getByTestId("rejected-count").click();
  await eventually(() => textOf(page.getByTestId("rejected")), /temperature\/lab.*twenty-three/s);
  await page.goBack();
  await eventually(() => page.getByTestId("tile").count(), 1);
});

test("a silent sensor goes stale and then offline", async () => {
  await publish("22.5");
  await eventually(tileState, "fresh");
  await eventually(tileState, "stale");
  await eventually(tileState, "offline");
});

test("the address reproduces the selection", async () => {
  await page.getByRole("button", { name: "1 h", exact: true }).click();
  await eventually(() => new URL(page.url()).search, "?device=lab&metric=temperature&range=1h");
  await page.reload();
  await connected("true");
  await eventually(() => page.locator('[data-range="1h"]').getAttribute("aria-pressed"), "true");
  await eventually(chartPoints, (points) => points > 0);
});

test("when Millrace stops, the page says so and greys its values", async () => {
  await publish("21.9");
  await eventually(tileState, "fresh");
  const colourBefore = await valueColour();
  browser.expectRefusals = true;
  await device.endAsync(true);
  await millrace.stop();
  await connected("false");
  await eventually(() => textOf(page.getByTestId("connection")), /disconnected since .*\d.*, reconnecting/);
  await eventually(valueColour, (colour) => colour !== colourBefore);
});

test("when Millrace is back, the page finds it and its history again", async () => {
  millrace = await startMillrace(dataDir, { httpPort: millrace.port });
  await connected("true");
  browser.expectRefusals = false;
  await eventually(tileValue, "21.9");
  await eventually(chartPoints, (points) => points > 0);
  await eventually(() => page.getByTestId("incident").count(), 1);
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await publish("21.7");
  await eventually(tileValue, "21.7");
});

test("the page made no requests to other hosts, and the browser logged no errors", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(payload) {
  return device.publishAsync("temperature/lab", payload, { qos: 1 });
}

const tile = () => page.getByTestId("tile").first();
const tileState = () => tile().getAttribute("data-state");
const tileValue = () => textOf(page.getByTestId("tile-value").first());
const chartPoints = async () => Number(await page.getByTestId("chart").getAttribute("data-points"));
const connected = (value) => eventually(() => page.getByTestId("connection").getAttribute("data-connected"), value);
const valueColour = () => page.getByTestId("tile-value").first().evaluate((element) => getComputedStyle(element).color);
