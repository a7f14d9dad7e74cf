import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";

const dataDir = mkdtempSync(join(tmpdir(), "millrace-units-"));
const rules = join(dataDir, "rules.toml");
writeFileSync(rules, '[[rules]]\nname = "hot"\nmetric = "temperature"\nabove = "86 °F"\nrecipients = []\n');
const settings = { MILLRACE__DASHBOARD__STALE_AFTER: "1h", MILLRACE__DASHBOARD__OFFLINE_AFTER: "2h", MILLRACE__ALERTER__RULES: rules };

let millrace, browser, page, device, address;

before(async () => {
  millrace = await startMillrace(dataDir, { settings });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await publish("temperature/lab", { value: 20.5, unit: "°C" });
  await publish("temperature/den", { value: 68, unit: "fahrenheit" });
  await publish("temperature/oven", { value: 31, unit: "celsius" });
  await publish("pressure/lab", { value: 1013.2, unit: "hPa" });
  await publish("door/front", { value: 1 });
  await publish("zigbee2mqtt/window", { contact: true });
  address = `${millrace.http}/?device=lab&metric=temperature&with=temperature/den`;
  browser = await browse(address);
  page = browser.page;
  await eventually(() => page.getByTestId("tile").count(), 6);
});
after(async () => {
  await browser?.close();
  await device?.endAsync(true);
  await millrace?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

// The tests build on each other and run in this order.

test("values are shown as they were sent, and spellings of one unit are one unit", async () => {
  await eventually(() => value("lab", "temperature"), "20.5°C");
  assert.equal(await value("den", "temperature"), "68°F");
  assert.equal(await value("lab", "pressure"), "1,013.2hPa");
});

test("states are words", async () => {
  assert.equal(await value("front", "door"), "open");
  assert.equal(await value("window", "contact"), "closed");
});

test("values are sorted only where all units convert into each other, and else the page says why not", async () => {
  await page.goto(`${millrace.http}/?sort=value`);
  const option = page.getByLabel("Sort by").locator('[value="value"]');
  await eventually(() => textOf(option), /^Value: the units are °F, none \(door\), hPa and 2 others$/);
  assert.equal(await option.isDisabled(), true);
  await eventually(() => textOf(page.getByTestId("not-sorted")), /^Not sorted by value: the units are /);
  await eventually(listed, ["den", "front", "lab", "lab", "oven", "window"].join());
  await page.getByLabel("Filter by name").fill("temperature/#");
  await eventually(listed, "oven,lab,den");
  assert.equal(await option.isDisabled(), false);
  await eventually(() => textOf(page.getByTestId("not-sorted")), "");
  await page.goto(address);
  await eventually(() => page.getByTestId("tile").count(), 6);
});

test("in a chart, series that convert into each other have one scale", async () => {
  await eventually(() => page.getByTestId("line").count(), 2);
  await eventually(() => line("temperature/lab"), /20\.5\u202f°C/);
  await eventually(() => line("temperature/den"), /20\u202f°C/);
});

test("an incident of a rule in another unit is in the unit of its device", async () => {
  await eventually(() => textOf(page.getByTestId("incident")), /31\u202f°C, above 30\u202f°C/);
});

test("a reader chooses a system of units, and all values follow", async () => {
  await page.getByRole("button", { name: "Units" }).click();
  await dialog().getByRole("button", { name: "Imperial" }).click();
  await eventually(() => value("lab", "temperature"), "68.9°F");
  assert.equal(await value("den", "temperature"), "68°F");
  assert.equal(await value("lab", "pressure"), "29.920inHg");
  await eventually(() => line("temperature/lab"), /68\.9\u202f°F/);
  await eventually(() => textOf(page.getByTestId("incident")), /88\u202f°F, above 86\u202f°F/);
  await assertAccessible(page);
});

test("a unit for one quantity comes before the system", async () => {
  await dialog().getByLabel("Temperature").selectOption("kelvin");
  await eventually(() => value("lab", "temperature"), "293.7K");
  assert.equal(await value("lab", "pressure"), "29.920inHg");
});

test("the browser keeps the choice", async () => {
  await page.keyboard.press("Escape");
  await page.reload();
  await eventually(() => value("lab", "temperature"), "293.7K");
  await page.getByRole("button", { name: "Units" }).click();
  await dialog().getByRole("button", { name: "As sent" }).click();
  await dialog().getByLabel("Temperature").selectOption("");
  await eventually(() => value("lab", "temperature"), "20.5°C");
  await page.keyboard.press("Escape");
});

test("the chart of states has words, in the readout and in the data", async () => {
  await publish("door/front", { value: 0 });
  await tile("front", "door").getByRole("link").click();
  await eventually(() => textOf(page.locator(".readout")), /closed to open/);
  await page.getByTestId("as-table").click();
  await eventually(() => textOf(page.getByTestId("chart-table")), /closed/);
});

test("the page made no requests to other hosts, and the browser logged nothing", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

const dialog = () => page.getByTestId("units");
const tile = (name, metric) => page.locator(".cell", { has: page.locator(`[data-testid="tile"][data-device="${name}"][data-metric="${metric}"]`) });
const value = async (name, metric) => textOf(tile(name, metric).locator(".tile-quantity"));
const line = async (series) => textOf(page.locator(`[data-testid="line"][data-series="${series}"]`));

function publish(topic, payload) {
  return device.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
}
const listed = () => page.getByTestId("tile").evaluateAll((all) => all.map(({ dataset }) => dataset.device).join());
