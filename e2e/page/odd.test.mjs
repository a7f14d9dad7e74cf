import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("odd");
const LONG = "building-with-a-long-name/second-floor-corridor/rack-12/";

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await publish("temperature/huge", { value: 1.7e308, unit: "toString" });
  await publish("temperature/tiny", { value: 5e-324, unit: "__proto__" });
  await publish("humidity/hebrew", { value: 99, unit: "\u05d0\u05d1" });
  await publish("humidity/spoof", { value: 99, unit: "\u202egnp.exe" });
  const now = Date.now();
  await publish("temperature/steps", Array.from({ length: 60 }, (_, n) => ({ value: 17 + (n % 10), measured_at: now - (60 - n) * 5000 })));
  await publish("temperature/two", [{ value: 1, measured_at: now - 2000 }, { value: 2, measured_at: now - 1000 }]);
  await publish("pressure/roof", [{ value: 98765.43, unit: "Pa", measured_at: now - 2000 }, { value: 101325.67, unit: "Pa", measured_at: now - 1000 }]);
  await publish("temperature/old", { value: 19.5, measured_at: Date.UTC(2015, 1, 18) });
  for (const name of ["probe-1", "probe-2"]) await publish(`temperature/${LONG}${name}`, { value: 21.5 });
  await device.publishAsync("temperature/bad", "23.5\0", { qos: 1 });
  browser = await browse(millrace.http);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

test("values at the ends of what a number can be are short, and units are only text", async () => {
  await eventually(() => quantity("huge"), "1.7×10³⁰⁸toString");
  await eventually(() => quantity("tiny"), "5×10⁻³²⁴__proto__");
  // What is written from right to left is isolated, so that it cannot move the value.
  await eventually(() => quantity("hebrew"), "99\u2068\u05d0\u05d1\u2069");
  for (const name of ["huge", "tiny"]) {
    await page.goto(`${millrace.http}/?device=${name}&metric=temperature`);
    await eventually(() => page.getByTestId("chart").getAttribute("data-points"), "1");
  }
});

test("no tile is wider than its content, and one reading or two make no line", async () => {
  assert.deepEqual(await page.locator(".tile-metric, .tile-state, .tile-value, .tile .age").evaluateAll(cutOff), []);
  assert.equal(await page.locator('[data-device="two"] .sparkline path').count(), 0);
  await eventually(() => page.locator('[data-device="steps"] .sparkline path').count(), (count) => count > 0);
});

test("the age of a reading is short however old it is", async () => {
  await eventually(() => textOf(page.locator('[data-device="old"] .age')), /^1\d y ago$/);
});

test("on a phone the smallest and the largest value are whole", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${millrace.http}/?device=roof&metric=pressure`);
  await eventually(() => textOf(page.locator(".readout")), /98,765.* to 101,32/);
  assert.deepEqual(await page.locator(".readout dd").evaluateAll(cutOff), []);
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("the head of the chart is as high for one range as for another", async () => {
  const heights = new Set();
  for (const range of ["15 min", "24 h", "7 d", "All"]) {
    await page.getByRole("button", { name: range, exact: true }).click();
    await eventually(() => page.getByTestId("waiting").count(), 0);
    heights.add((await page.locator(".readout").boundingBox()).height);
  }
  assert.equal(heights.size, 1, `${[...heights]}`);
});

test("labels of the value axis are as far apart as they say", async () => {
  await page.addInitScript(recordLabels);
  await page.goto(`${millrace.http}/?device=steps&metric=temperature`);
  await eventually(() => page.getByTestId("chart").getAttribute("data-points"), (count) => count > 30);
  await eventually(() => page.evaluate(() => globalThis.labels.has("20.0")), true);
  const texts = await page.evaluate(() => [...globalThis.labels]);
  const values = texts.filter((text) => /^[\d.]+$/.test(text)).map(Number).filter((value) => value > 10).sort((a, b) => a - b);
  const steps = new Set(values.slice(1).map((value, at) => Math.round((value - values[at]) * 1e6)));
  assert.ok(values.length >= 3 && steps.size === 1, `${values}`);
});

test("names in the legend are cut in the middle", async () => {
  const [one, two] = ["probe-1", "probe-2"].map((name) => LONG + name);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${millrace.http}/?device=${one}&metric=temperature&with=temperature/${two}`);
  await eventually(() => page.getByTestId("line").count(), 2);
  const isWhole = (name) => page.locator(`[data-series="temperature/${name}"] .name-last`).evaluate((last) => last.scrollWidth <= last.clientWidth);
  assert.deepEqual([await isWhole(one), await isWhole(two)], [true, true]);
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("a name in the address cannot hide or reorder anything", async () => {
  await page.goto(`${millrace.http}/?device=a%E2%80%AEb&metric=temperature`);
  await eventually(() => textOf(page.locator("#chart-title")), "a\\u202eb");
  await assertAccessible(page);
});

test("the bytes of a rejected payload that cannot be seen are shown", async () => {
  await page.goto(`${millrace.http}/#rejected`);
  const payload = (topic) => textOf(page.getByTestId("rejected").filter({ hasText: topic }).locator("pre"));
  await eventually(() => payload("temperature/bad"), "23.5\\u0000");
  await eventually(() => payload("humidity/spoof"), '{"value":99,"unit":"\\u202egnp.exe"}');
});

// The server refuses a name that no device can have.
test("the browser logged no other errors", () => assert.deepEqual(browser.errors.filter((error) => !/status of 400/.test(error)), []));

function publish(topic, payload) {
  return device.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
}

const quantity = (name) => textOf(page.locator(`[data-device="${name}"] .tile-quantity`));

/** Remembers the texts that are drawn on any canvas. */
function recordLabels() {
  globalThis.labels = new Set();
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    globalThis.labels.add(text);
    return fillText.call(this, text, ...place);
  };
}

/** The texts of elements that are wider than their room. */
function cutOff(all) {
  return all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent);
}
