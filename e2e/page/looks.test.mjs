// What stands on the page is whole: nothing is cut off, stretched or broken.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { browse, eventually } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("looks");
const devices = Array.from({ length: 12 }, (_, n) => `site-${n % 2}/s${n}`);
const HOT = 3;

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir);
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all(devices.map((name, n) => publish(name, n < HOT ? 26.5 : 20)));
  await device.publishAsync("temperature/lab", "twenty", { qos: 1 });
  browser = await browse(millrace.http);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

test("in the table, the state of a sensor that alerts and is offline is not cut off", async () => {
  await page.goto(`${millrace.http}/?view=table`);
  for (const width of [1440, 1280, 1024]) {
    await page.setViewportSize({ width, height: 900 });
    const states = page.locator('[data-state="offline"][data-alerting="true"] .row-state');
    await eventually(() => states.count(), HOT);
    assert.deepEqual(await states.evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth)), Array(HOT).fill(0), `${width} pixels`);
    assert.equal(await states.locator(".row-incident .shape:visible").count(), HOT);
  }
});

test("on small tiles, the metric is not cut off, with and without an incident", async () => {
  await page.goto(millrace.http);
  for (const width of [1440, 1280, 1024]) {
    await page.setViewportSize({ width, height: 900 });
    await eventually(() => page.locator('[data-testid="tile"][data-state="offline"]').count(), (count) => count > HOT);
    const cut = await page.locator(".tile-metric").evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
    assert.equal(cut, 0, `${width} pixels`);
  }
});

test("an open form and open details leave the card beside them as it is", async () => {
  await page.setViewportSize({ width: 1600, height: 1200 });
  await page.goto(millrace.http);
  await eventually(() => page.locator("#incidents summary").count(), HOT);
  const [opened, beside] = await boxes();
  assert.equal(opened.y, beside.y);
  await page.locator("#incidents summary").first().click();
  await page.locator('[data-reply="silence"]').first().click();
  await eventually(() => page.locator(".reply").count(), 1);
  const [openedNow, besideNow] = await boxes();
  assert.ok(openedNow.height > opened.height + 100, `${openedNow.height} and before ${opened.height}`);
  assert.equal(besideNow.y, openedNow.y);
  assert.equal(besideNow.height, beside.height);
  await page.keyboard.press("Escape");
});

test("in every card of an incident, the value stands in the same place, however long the name is", async () => {
  await publish("site-0/by-the-door", 26.5);
  await page.goto(millrace.http);
  await eventually(() => page.locator("#incidents .incident-value").count(), HOT + 1);
  const places = await page.getByTestId("incident").evaluateAll((all) => all.map((card) => {
    const text = document.createRange();
    text.selectNodeContents(card.querySelector(".incident-value"));
    const [value, whole] = [text, card].map((one) => one.getBoundingClientRect());
    return `${Math.round(value.x - whole.x)}, ${Math.round(value.y - whole.y)}`;
  }));
  assert.deepEqual(places, Array(HOT + 1).fill(places[0]));
});

test("on a phone, the link to the rejected payloads is underlined without a gap", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const picture = await page.getByTestId("rejected-count").screenshot();
    assert.equal(await page.evaluate(fullLines, picture.toString("base64")), 1, colorScheme);
  }
  await page.emulateMedia({ colorScheme: "light" });
});

test("the page made no requests to other hosts, and the browser logged no errors", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

/** How many lines of a picture have no pixel of the background, which is the colour of its first pixel. */
async function fullLines(picture) {
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const differs = (x, y) => [0, 1, 2].some((part) => data[4 * (y * image.width + x) + part] !== data[part]);
  // The pixels at both ends may be partly covered.
  const isFull = (y) => Array.from({ length: image.width - 4 }, (_, x) => differs(x + 2, y)).every(Boolean);
  return Array.from({ length: image.height }, (_, y) => y).filter(isFull).length;
}

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value) {
  return device.publishAsync(`temperature/${name}`, JSON.stringify({ value, unit: "celsius" }), { qos: 1 });
}

const boxes = () => page.getByTestId("incident").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
