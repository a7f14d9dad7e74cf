import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("phone");
const devices = Array.from({ length: 120 }, (_, n) => `site-${n % 3}/rack-${n % 4}/s${n}`);

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all(devices.map((name, n) => publish(name, 10 + n / 10)));
  await publish("site-1/rack-1/s1", 26.5);
  browser = await browse(millrace.http, { viewport: { width: 390, height: 844 }, hasTouch: true });
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("while an incident is open, a phone begins with the incidents", async () => {
  await eventually(shown, "Incidents1");
  await eventually(() => page.getByTestId("incident").count(), 1);
  assert.equal(await page.locator("#sensors, #chart").count(), 0);
  await assertAccessible(page);
});

test("counts of zero are left out", async () => {
  await eventually(() => page.locator(".summary > :visible").allInnerTexts(), (texts) => texts.some((text) => text.includes("1 open incident")));
  const texts = await page.locator(".summary > :visible").allInnerTexts();
  assert.deepEqual(texts.filter((text) => /^0 /.test(text)), []);
});

test("the sensors scroll with the page, and only what can be seen is drawn", async () => {
  await tab("Sensors").click();
  await eventually(() => page.getByTestId("tile").count(), (count) => count > 4 && count < 60);
  const nested = () => [...document.querySelectorAll("main *")].filter((one) => one.scrollHeight > one.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(one).overflowY)).length;
  assert.equal(await page.evaluate(nested), 0);
  await page.evaluate(() => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" }));
  await eventually(() => page.locator('[data-testid="tile"][data-device="site-2/rack-3/s119"]').count(), 1);
  await eventually(() => page.getByTestId("tile").count(), (count) => count < 60);
  await eventually(() => page.getByTestId("pinned").isVisible(), true);
});

test("a sensor leads to its chart, and the way back to the sensors", async () => {
  await page.locator('[data-testid="tile"][data-device="site-2/rack-3/s119"]').click();
  await eventually(shown, "Chart");
  await eventually(() => textOf(page.locator("#chart-title")), "site-2/rack-3/s119");
  await page.goBack();
  await eventually(shown, "Sensors");
});

test("a link to a sensor begins with its chart", async () => {
  await page.goto(`${millrace.http}/?device=site-1/rack-1/s1&metric=temperature`);
  await eventually(shown, "Chart");
  await eventually(() => page.getByTestId("chart").isVisible(), true);
  assert.ok((await page.locator("#chart-title").boundingBox()).y < 400);
  await tab("Incidents").click();
  await eventually(shown, "Incidents1");
  await page.getByTestId("incident").getByRole("link").click();
  await eventually(shown, "Chart");
});

test("a mail's link to a form begins with the incident, though it also names the sensor", async () => {
  const [{ id }] = (await (await fetch(`${millrace.http}/api/incidents?state=open`)).json()).incidents;
  await page.goto(`${millrace.http}/?device=site-1/rack-1/s1&metric=temperature&silence=${encodeURIComponent(id)}`);
  await eventually(shown, "Incidents1");
  await eventually(() => page.locator(".reply").count(), 1);
  assert.equal(new URL(page.url()).search, "?device=site-1/rack-1/s1&metric=temperature");
  await page.locator(".reply").getByRole("button", { name: "Cancel" }).click();
  await eventually(shown, "Incidents1");
});

test("in the table the values stand below each other", async () => {
  await page.goto(`${millrace.http}/?view=table#sensors`);
  await eventually(() => page.getByTestId("row").count(), (count) => count > 8);
  const ends = (name) => page.locator(`.row ${name}`).evaluateAll((all) => [...new Set(all.map((one) => Math.round(one.getBoundingClientRect().right)))]);
  assert.equal((await ends(".row-value")).length, 1);
  assert.equal((await page.locator(".row-state").evaluateAll((all) => [...new Set(all.map((one) => one.getBoundingClientRect().left))])).length, 1);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await assertAccessible(page);
});

test("the browser logged no errors", () => assert.deepEqual(browser.errors, []));

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value) {
  return device.publishAsync(`temperature/${name}`, JSON.stringify({ value, unit: "celsius" }), { qos: 1 });
}

const tab = (name) => page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name });
const shown = () => textOf(page.locator('.tabs [aria-current="true"]'));
