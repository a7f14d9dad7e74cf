import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const HOUR_MS = 3_600_000;
const dataDir = dataFolder("overview");

// 20 in Berlin and 19 in Oslo, in three racks each, and one that stands alone.
const devices = ["lab", ...Array.from({ length: 39 }, (_, n) => `${n < 20 ? "berlin" : "oslo"}/rack-${(n % 3) + 1}/s${n + 1}`)];

let millrace, browser, page, device, cut;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all(devices.map((name, n) => publish(name, 10 + n / 10)));
  await publish("oslo/rack-1/s25", 44, "humidity");
  browser = await browse(millrace.http, { prepare: allowCuts });
  page = browser.page;
  await eventually(() => tiles().count(), (count) => count > 0);
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("the summary counts sensors by state, and readings as they come", async () => {
  await eventually(() => textOf(page.getByTestId("summary")), /41 sensors.*41 fresh.*0 stale.*0 offline.*0 open incidents/);
  const stop = repeat(() => publish("lab", 10));
  await eventually(() => textOf(page.getByTestId("rate")), /^[1-9][\d.]* readings\/s$/);
  clearInterval(stop);
});

test("sensors are grouped by site and rack, and each group says how many it has", async () => {
  await eventually(() => groups().evaluateAll((all) => all.slice(0, 2).map((one) => one.dataset.path).join()), "berlin,berlin/rack-1");
  assert.match(await textOf(group("berlin")), /^berlin20 sensors.*all fresh$/);
  assert.equal(await tiles().first().getAttribute("data-device"), "lab");
  assert.equal(await textOf(tile("berlin/rack-1/s1").locator(".tile-device")), "s1");
});

test("a group closes and opens, and the address contains it", async () => {
  await group("berlin").getByRole("button").click();
  await eventually(() => group("berlin/rack-1").count(), 0);
  await eventually(search, "?closed=berlin");
  await group("berlin").getByRole("button").click();
  await eventually(() => group("berlin/rack-1").count(), 1);
  await eventually(search, "");
});

test("tiles become a table, and its heads sort", async () => {
  await page.getByRole("button", { name: "Table" }).click();
  await eventually(() => page.getByRole("grid").count(), 1);
  await page.getByLabel("Groups", { exact: true }).uncheck();
  const value = page.getByRole("columnheader", { name: "Value" }).getByRole("button");
  assert.equal(await value.getAttribute("aria-disabled"), "true");
  await value.click({ force: true });
  await eventually(() => textOf(page.getByTestId("not-sorted")), /^Not sorted by value: the units are none \(\w+\) and none \(\w+\)$/);
  await assertAccessible(page);
  await page.getByLabel("Metric", { exact: true }).selectOption("temperature");
  await eventually(() => textOf(page.getByTestId("not-sorted")), "");
  await page.getByRole("columnheader", { name: "Value" }).getByRole("button").click();
  await eventually(() => rowNames(1), "oslo/rack-3/s39");
  assert.equal(await page.getByRole("columnheader", { name: "Value" }).getAttribute("aria-sort"), "descending");
  await publish("lab", 24.5);
  await eventually(() => rowNames(2), "lab,oslo/rack-3/s39");
  await eventually(search, "?view=table&sort=value&of=temperature&groups=no");
  await page.getByLabel("Metric", { exact: true }).selectOption("");
  await eventually(() => page.getByRole("columnheader", { name: "Sensor" }).getAttribute("aria-sort"), "ascending");
});

test("axe finds no serious violations in the table", () => assertAccessible(page));

test("the list is filtered by name, MQTT filter and metric", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("rack-1 OSLO");
  await eventually(counted, "7 of 41 sensors");
  await filter().fill("berlin/+/s2");
  await eventually(counted, "1 of 41 sensors");
  await filter().fill("");
  await page.getByLabel("Metric", { exact: true }).selectOption("humidity");
  await eventually(counted, "1 of 41 sensors");
  await eventually(search, "?view=table&sort=value&of=humidity&groups=no");
});

test("Escape empties the filter, and then shows all", async () => {
  await filter().fill("nothing is called this");
  await eventually(() => textOf(page.getByTestId("nothing-listed")), /No sensor matches “nothing is called this”/);
  await page.keyboard.press("Escape");
  await eventually(counted, "1 of 41 sensors");
  await page.keyboard.press("Escape");
  await eventually(counted, "41 sensors");
});

test("a count of the summary filters by it", async () => {
  await publish("lab", 26.5);
  await eventually(() => page.locator('[data-testid="row"][data-alerting="true"]').count(), 1);
  await page.locator('[data-filter="alerting"]').click();
  await eventually(counted, "1 of 41 sensors");
  await page.locator('[data-filter="stale"]').click();
  await eventually(counted, "0 of 41 sensors");
  await page.getByTestId("nothing-listed").getByRole("button").click();
  await eventually(counted, "41 sensors");
});

test("the address shows the same to somebody else", async () => {
  await page.goto(`${millrace.http}/?device=oslo/rack-1/s25&metric=humidity&q=oslo&sort=-age&closed=oslo/rack-2`);
  await eventually(() => textOf(page.locator("#chart-title")), "oslo/rack-1/s25");
  await eventually(counted, "20 of 41 sensors");
  assert.equal(await filter().inputValue(), "oslo");
  assert.equal(await page.getByLabel("Sort by").inputValue(), "age");
  await eventually(() => group("oslo/rack-2").getByRole("button").getAttribute("aria-expanded"), "false");
  await tile("oslo/rack-1/s22").click();
  await eventually(search, "?device=oslo/rack-1/s22&metric=temperature&range=15m&sort=-age&q=oslo&closed=oslo/rack-2");
  await page.goBack();
  await eventually(() => textOf(page.locator("#chart-title")), "oslo/rack-1/s25");
});

test("arrow keys reach every tile, and Enter shows it", async () => {
  await page.goto(`${millrace.http}/`);
  await eventually(() => tiles().count(), (count) => count > 0);
  await tile("lab").focus();
  await press("ArrowDown", "group:berlin");
  await press("ArrowDown", "group:berlin/rack-1");
  await press("ArrowDown", "temperature/berlin/rack-1/s1");
  await press("ArrowRight", "temperature/berlin/rack-1/s4");
  await press("End", "temperature/oslo/rack-3/s39");
  assert.ok(await page.locator(":focus").isVisible());
  await press("ArrowLeft", "temperature/oslo/rack-3/s36");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.locator("#chart-title")), "oslo/rack-3/s36");
  await press("Home", "temperature/lab");
  await press("ArrowDown", "group:berlin");
  await page.keyboard.press("ArrowLeft");
  await eventually(() => group("berlin").getByRole("button").getAttribute("aria-expanded"), "false");
  assert.equal(await focused(), "group:berlin");
  assert.equal(await page.locator('[data-item][tabindex="0"]').count(), 1);
});

test("axe finds no serious violations among the tiles, with an incident and a closed group", () => assertAccessible(page));

test("it fits a phone", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: "Sensors" }).click();
  for (const view of ["Tiles", "Table"]) {
    await page.getByRole("button", { name: view }).click();
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 360);
    await assertAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("while the socket is cut the table says so and greys its values; afterwards it is right again", async () => {
  const before = await valueColour();
  cut.now();
  await eventually(() => textOf(page.getByTestId("connection")), /disconnected since .*\d.*, reconnecting/);
  await eventually(valueColour, (colour) => colour !== before);
  assert.match(await textOf(page.getByTestId("rate")), /^– readings/);
  await publish("lab", 19.5);
  await assertAccessible(page);
  cut.restore();
  await eventually(() => page.getByTestId("connection").getAttribute("data-connected"), "true");
  await eventually(() => textOf(row("lab").getByTestId("row-value")), "19.5");
  await eventually(() => row("lab").getAttribute("data-alerting"), "false");
  await eventually(valueColour, before);
});

test("a browser whose clock is an hour ahead shows the same ages, and the server's time of the loss", async (t) => {
  let lost;
  const ahead = await browse(`${millrace.http}/?view=table`, {
    prepare: async (page) => {
      lost = await allowCuts(page);
      await page.addInitScript(shiftClock, HOUR_MS);
    },
  });
  t.after(() => ahead.close());
  await publish("lab", 20);
  await eventually(() => textOf(ahead.page.locator('[data-device="lab"] .age')), /^[0-9] s ago$/);
  lost.now();
  await eventually(() => textOf(ahead.page.getByTestId("connection")), /disconnected since/);
  const text = await textOf(ahead.page.getByTestId("connection"));
  assert.ok(recentClockTimes().some((time) => text.includes(time)), text);
});

test("the page made no requests to other hosts, and the browser logged no errors", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

function shiftClock(aheadMs) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) {
      super(...(given.length > 0 ? given : [Real.now() + aheadMs]));
    }
    static now() {
      return Real.now() + aheadMs;
    }
  };
}

/** As the page writes them, of the last minute. */
function recentClockTimes() {
  const clock = new Intl.DateTimeFormat("en-US", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return Array.from({ length: 60 }, (_, seconds) => clock.format(Date.now() - seconds * 1000));
}

/** Sockets go through a gate that can be shut. */
async function allowCuts(page) {
  const open = new Set();
  let isCut = false;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    if (isCut) return socket.close();
    socket.connectToServer();
    open.add(socket);
  });
  cut = {
    now() {
      isCut = true;
      open.forEach((socket) => socket.close());
      open.clear();
    },
    restore: () => (isCut = false),
  };
  return cut;
}

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value, metric = "temperature") {
  return device.publishAsync(`${metric}/${name}`, String(value), { qos: 1 });
}

async function press(key, item) {
  await page.keyboard.press(key);
  await eventually(focused, item);
}

const repeat = (work) => setInterval(work, 200);
const focused = () => page.evaluate(() => document.activeElement?.dataset.item);
const search = () => new URL(page.url()).search;
const filter = () => page.locator("#filter");
const counted = () => textOf(page.getByTestId("listed-count"));
const tiles = () => page.getByTestId("tile");
const tile = (name) => page.locator(`[data-testid="tile"][data-device="${name}"]`).first();
const row = (name) => page.locator(`[data-testid="row"][data-device="${name}"]`);
const rowNames = (count) => page.getByTestId("row").evaluateAll((rows, n) => rows.slice(0, n).map((one) => one.dataset.device).join(), count);
const groups = () => page.getByTestId("group");
const group = (path) => page.locator(`[data-testid="group"][data-path="${path}"]`);
const valueColour = () => row("oslo/rack-1/s22").getByTestId("row-value").evaluate((element) => getComputedStyle(element).color);
