import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const SECOND_MS = 1000;
const READINGS = /api\/readings/;
const FRONT = "device=lab&metric=temperature";
const dataDir = dataFolder("chart");

let millrace, browser, page, device;

// A quarter of an hour of four sensors; the attic was silent for five minutes of it.
before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  const now = Date.now();
  const sent = [];
  for (let age = 900; age >= 2; age -= 5) {
    const at = now - age * SECOND_MS;
    sent.push(publish("temperature/lab", 20 + Math.sin(age / 60), "celsius", at));
    if (age < 300 || age > 600) sent.push(publish("temperature/attic", 18 + Math.cos(age / 60), "celsius", at));
    sent.push(publish("humidity/lab", 45 + Math.sin(age / 90), "percent", at));
    sent.push(publish("pressure/lab", 1013 + Math.sin(age / 90), "hectopascal", at));
  }
  await Promise.all(sent);
  browser = await browse(`${millrace.http}/?${FRONT}&range=15m`, { permissions: ["clipboard-read", "clipboard-write"] });
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("the keyboard finds a sensor and adds it to the chart", async () => {
  await eventually(points, ([lab]) => lab > 50);
  await tool("Add sensor").focus();
  await page.keyboard.press("Enter");
  await eventually(() => picks().evaluateAll((all) => all.map((one) => one.dataset.series).join()), "temperature/attic,humidity/lab,pressure/lab");
  await page.keyboard.type("att");
  await eventually(() => picks().count(), 1);
  await page.keyboard.press("Enter");
  await eventually(points, ([lab, attic]) => lab > 50 && attic > 50);
  await eventually(search, `?${FRONT}&with=temperature/attic&range=15m`);
});

test("a sensor of another unit gets a scale, and one of a third unit a reason why not", async () => {
  await page.keyboard.press("Control+A");
  await page.keyboard.type("humidity");
  await page.keyboard.press("Enter");
  await eventually(points, (counts) => counts.length === 3 && counts.every((count) => count > 50));
  await page.keyboard.press("Control+A");
  await page.keyboard.type("pressure");
  await eventually(() => textOf(picks().first()), /no third scale beside °C and %/);
  await page.keyboard.press("Enter");
  assert.equal(await lines().count(), 3);
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await eventually(() => picks().count(), 0);
  assert.equal(await focused(), "Add sensor");
});

test("the legend has the values under the crosshair, and none where a sensor was silent", async () => {
  await hover(0.9);
  await eventually(() => figures("temperature/attic"), /^1[789]\.\d+\u202f°C/);
  await eventually(() => figures("humidity/lab"), /^4[456]\.\d+\u202f%/);
  await hover(0.5);
  await eventually(() => figures("temperature/attic"), "–");
  await eventually(() => figures("temperature/lab"), /^(19|2[01])\.\d+\u202f°C/);
  await page.mouse.move(0, 0);
});

test("axe finds no serious violations in a chart of three sensors", () => assertAccessible(page));

test("arrow keys read the values of all sensors", async () => {
  await chart().focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await eventually(() => chart().getAttribute("aria-valuetext"), /: lab \d\d\.\d+\u202f°C, attic \d\d\.\d+\u202f°C, lab \d\d\.\d+\u202f%$/);
});

test("keys zoom and move in time, and one step back leads to before all of them", async () => {
  const before = search();
  for (const key of ["+", "+", "PageUp", "PageUp"]) await page.keyboard.press(key);
  await eventually(() => spanMs(search()), (length) => Math.abs(length - 225_000) < 5);
  const to = Date.parse(new URLSearchParams(search()).get("to"));
  assert.ok(Date.now() - to > 200_000, `${Date.now() - to} ms ago`);
  await page.goBack();
  await eventually(search, before);
  await eventually(() => page.getByRole("button", { name: "Reset zoom" }).count(), 0);
});

test("the table has the same data, newest first", async () => {
  await page.getByTestId("as-table").click();
  await eventually(() => rowTimes().then((times) => times.length), (count) => count > 100);
  const times = await rowTimes();
  assert.deepEqual(times, times.toSorted().reverse());
  const heads = await table().locator("thead th").evaluateAll((all) => all.map((one) => one.textContent.trim()));
  assert.deepEqual(heads.slice(0, 4), ["lab temperature", "attic temperature", "lab humidity", "Time"]);
  assert.match(search(), /&chart=table/);
  await assertAccessible(page);
});

test("live readings of every sensor come into the table", async () => {
  await publish("temperature/attic", 31.25, "celsius");
  await publish("humidity/lab", 61.25, "percent");
  await eventually(() => textOf(table().locator("tbody")), /31\.25.*61\.25|61\.25.*31\.25/s);
});

test("a copied link of a zoomed table shows exactly the same to somebody else", async (t) => {
  await page.getByRole("button", { name: "Chart", exact: true }).click();
  const box = await page.locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * 0.2, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 50, { steps: 4 });
  await page.mouse.up();
  await eventually(() => spanMs(search()), (length) => length > 300_000 && length < 420_000);
  await page.getByTestId("as-table").click();
  await eventually(rowTimes, ([newest]) => Date.parse(newest) < Date.now() - 300_000);
  await tool("Copy link").click();
  await eventually(() => textOf(page.getByTestId("copy-link")), "Copied");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, page.url());
  const other = await browse(link);
  t.after(() => other.close());
  const theirs = () => textOf(other.page.getByTestId("chart-table").locator("tbody"));
  const ours = () => textOf(table().locator("tbody"));
  await eventually(async () => (await theirs()).length > 1000 && (await theirs()) === (await ours()), true);
  assert.deepEqual(await other.page.getByTestId("line").evaluateAll((all) => all.map((one) => one.dataset.series)), await names());
});

test("where a page may not copy, the link is there to be copied by hand", async (t) => {
  const other = await browse(`${millrace.http}/?${FRONT}`, {
    prepare: (page) => page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined })),
  });
  t.after(() => other.close());
  await other.page.getByTestId("copy-link").click();
  const field = other.page.getByLabel("Link to this chart");
  assert.equal(await field.inputValue(), `${millrace.http}/?${FRONT}&range=15m`);
  assert.equal(await other.page.evaluate(() => getSelection().toString()), await field.inputValue());
  await other.page.keyboard.press("Escape");
  await eventually(() => other.page.getByTestId("copy-link").count(), 1);
});

test("each sensor has a file of its readings of the time shown, and it can be downloaded", async () => {
  await tool("CSV").click();
  const links = page.getByTestId("csv");
  await eventually(() => links.evaluateAll((all) => all.map((one) => one.textContent).join()), "lab temperature,attic temperature,lab humidity");
  const asked = new URL(await links.nth(1).getAttribute("href"), millrace.http).searchParams;
  const shown = new URLSearchParams(search());
  assert.deepEqual([asked.get("device"), asked.get("metric"), asked.get("format")], ["attic", "temperature", "csv"]);
  assert.equal(asked.get("from"), shown.get("from"));
  assert.equal(Date.parse(asked.get("to")), Date.parse(shown.get("to")) + 1);
  const [download] = await Promise.all([page.waitForEvent("download"), links.nth(1).click()]);
  const [head, ...rows] = readFileSync(await download.path(), "utf8").trim().split("\r\n");
  assert.match(download.suggestedFilename(), /\.csv$/);
  assert.match(head, /^device,metric,value,unit,measured_at,/);
  assert.ok(rows.length > 10 && rows.every((row) => row.startsWith("attic,temperature,")), `${rows.length} rows`);
  await links.first().focus();
  await page.keyboard.press("Escape");
  await eventually(() => links.count(), 0);
});

test("a sensor comes to the front, and the others stay until they are removed", async () => {
  await page.getByRole("button", { name: "Chart", exact: true }).click();
  await line("humidity/lab").getByRole("link").click();
  await eventually(async () => (await names()).join(), ["humidity/lab", "temperature/attic", "temperature/lab"].join());
  await eventually(() => textOf(page.locator(".chart-title p")), "humidity in %");
  await page.getByRole("button", { name: "Remove lab humidity" }).click();
  await eventually(async () => (await names()).join(), ["temperature/attic", "temperature/lab"].join());
  await eventually(focused, "Remove attic temperature");
  await page.getByRole("button", { name: "Remove lab temperature" }).click();
  await eventually(() => lines().count(), 0);
  await eventually(focused, /^History of temperature\/attic/);
  await eventually(() => textOf(page.locator("#chart-title")), "attic");
});

test("an address that is partly wrong shows the rest", async () => {
  await page.goto(`${millrace.http}/?${FRONT}&with=temperature/attic&with=nonsense&with=pressure/lab&with=humidity/lab&range=9y&from=yesterday`);
  await eventually(async () => (await names()).join(), ["temperature/lab", "temperature/attic", "pressure/lab", "humidity/lab"].join());
  await eventually(() => figures("humidity/lab"), "not drawn: a third scale");
  await eventually(() => page.locator('[data-range="15m"]').getAttribute("aria-pressed"), "true");
});

test("while readings are loaded, and when they could not be, nothing is said of them", async () => {
  let answer = holdReadings();
  await page.route(READINGS, (route) => answer.then((given) => (given ? route.fulfill(given) : route.continue())).catch(() => {}));
  await page.goto(`${millrace.http}/?${FRONT}&${minutesAgo(6, 1)}`);
  await eventually(waiting, 3);
  await eventually(() => textOf(chart()), "Loading…");
  assert.equal(await page.locator(".canvas-plot:visible, .chart-foot :visible").count(), 0);
  answer.give(null);
  await eventually(readings, /^(59|6[01])$/);
  answer = holdReadings();
  await page.locator('[data-range="15m"]').click();
  await eventually(waiting, 3);
  await eventually(() => textOf(page.locator(".chart-foot > p")), "Loading…");
  assert.equal(await page.locator(".canvas-plot").isVisible(), true);
  await assertAccessible(page);
  answer.give({ status: 503, json: { error: "the store is unavailable" } });
  await eventually(() => textOf(page.locator(".chart-foot > p")), "History could not be loaded: the store is unavailable. Trying again…");
  assert.equal(await readings(), "–");
  await page.unroute(READINGS);
  await eventually(readings, /^1[78]\d$/);
  browser.errors = browser.errors.filter((error) => !error.includes("status of 503"));
});

test("a time without readings has no scale of made-up values", async () => {
  await page.goto(`${millrace.http}/?${FRONT}&${minutesAgo(600, 500)}`);
  await eventually(() => textOf(chart()), /^No readings in this time range/);
  assert.equal(await page.evaluate(drawnLeft), 0);
  await page.getByRole("button", { name: "Show all readings" }).click();
  await eventually(() => page.evaluate(drawnLeft), (pixels) => pixels > 0);
});

test("a series is compared with itself a day before", async () => {
  const day = 86_400 * SECOND_MS;
  const now = Date.now();
  for (let age = 600; age >= 2; age -= 20) await publish("temperature/lab", 12, "celsius", now - day - age * SECOND_MS);
  await page.goto(`${millrace.http}/?${FRONT}&range=15m`);
  await eventually(points, ([lab]) => lab > 10);
  assert.equal(await page.getByTestId("chart").getAttribute("data-earlier"), "0");
  await page.getByTestId("compare").selectOption("day");
  await eventually(search, `?${FRONT}&range=15m&earlier=day`);
  await eventually(async () => Number(await page.getByTestId("chart").getAttribute("data-earlier")), (count) => count > 10);
  await eventually(() => textOf(page.getByTestId("legend")), /the day before/);
  await assertAccessible(page);
  await page.reload();
  await eventually(() => page.getByTestId("compare").inputValue(), "day");
  await page.getByTestId("compare").selectOption("");
  await eventually(() => page.getByTestId("chart").getAttribute("data-earlier"), "0");
});

test("it fits a phone", async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const view of ["Data", "Chart"]) {
    await page.locator(".chart-tools").getByRole("button", { name: view, exact: true }).click();
    await tool("Add sensor").click();
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 390);
    await assertAccessible(page);
    await page.keyboard.press("Escape");
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("while the server is away nothing can be downloaded, and the page says why", async () => {
  browser.expectRefusals = true;
  await device.endAsync(true);
  await millrace.stop();
  await eventually(() => tool(/^CSV/).isDisabled(), true);
  assert.equal(await textOf(tool(/^CSV/)), "CSV: The server does not answer");
  await assertAccessible(page);
});

test("the page made no requests to other hosts, and the browser logged no errors", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(topic, value, unit, at) {
  const time = at === undefined ? {} : { measured_at: new Date(at).toISOString() };
  return device.publishAsync(topic, JSON.stringify({ value: Number(value.toFixed(2)), unit, ...time }), { qos: 1 });
}

/** Puts the crosshair at a part of the way from the left edge to the right one. */
async function hover(part) {
  const box = await page.locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * part, box.y + box.height / 2);
}

/** How many pixels are drawn on the left of the chart, where a scale has its values; the lowest part has the times. */
function drawnLeft() {
  const over = document.querySelector("#chart .u-over");
  const [width, height] = [over.offsetLeft * devicePixelRatio - 1, over.offsetHeight * devicePixelRatio - 10];
  const copy = new OffscreenCanvas(width, height).getContext("2d");
  copy.drawImage(document.querySelector("#chart canvas"), 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  return data.filter((value, place) => place % 4 === 3 && value > 0).length;
}

/** An answer that is given later; null is the server's own. */
function holdReadings() {
  let give;
  const answer = new Promise((resolve) => (give = resolve));
  return Object.assign(answer, { give });
}

function minutesAgo(from, to) {
  const isoOf = (minutes) => new Date(Date.now() - minutes * 60 * SECOND_MS).toISOString();
  return `from=${isoOf(from)}&to=${isoOf(to)}`;
}

const waiting = () => page.getByTestId("waiting").count();
const readings = () => textOf(page.locator(".readout dd").last());
const focused = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.textContent);
const search = () => new URL(page.url()).search;
const chart = () => page.getByTestId("chart");
const table = () => page.getByTestId("chart-table");
const lines = () => page.getByTestId("line");
const line = (key) => page.locator(`[data-testid="line"][data-series="${key}"]`);
const names = () => lines().evaluateAll((all) => all.map((one) => one.dataset.series));
const figures = (key) => textOf(line(key).locator(".line-figures"));
const picks = () => page.getByTestId("pick");
const tool = (name) => page.locator(".chart-tools").getByRole("button", { name });
const points = async () => (await chart().getAttribute("data-lines")).split(",").map(Number);
const rowTimes = () => table().locator("tbody time").evaluateAll((all) => all.map((one) => one.dateTime));

function spanMs(search) {
  const query = new URLSearchParams(search);
  return Date.parse(query.get("to")) - Date.parse(query.get("from"));
}
