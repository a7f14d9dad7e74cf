import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("scope");
const settings = {
  ...STAYS_FRESH,
  MILLRACE__DASHBOARD__MAX_CLIENTS: "1",
};
const devices = ["lab", ...["berlin", "oslo"].flatMap((site) => Array.from({ length: 6 }, (_, n) => `${site}/s${n}`))];

let millrace, browser, page, device, frames;

before(async () => {
  millrace = await startMillrace(dataDir, { settings });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all(devices.map((name) => publish(name, 20)));
  await publish("oslo/s3", 44, "humidity");
  await publish("berlin/s1", 26.5);
  await publish("twice", "no number");
  frames = [];
  browser = await browse(`${millrace.http}/?topics=temperature/oslo/%23`, { prepare: listenIn });
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("a page of a part shows and counts that part, and says that it is one", async () => {
  await eventually(connected, "true");
  await eventually(() => textOf(page.getByTestId("scope")), /^only temperature\/oslo\/#/);
  await eventually(tiles, (names) => names.length === 6 && names.every((name) => name.startsWith("oslo/")));
  assert.match(await textOf(page.getByTestId("summary")), /6 sensors.*6 fresh.*0 open incidents/);
  assert.equal(await page.getByTestId("rejected-count").count(), 0);
  await assertAccessible(page);
});

test("it is sent nothing of others", async () => {
  frames.length = 0;
  await publish("berlin/s2", 21);
  await publish("oslo/s2", 23.5);
  await eventually(() => textOf(tile("oslo/s2").getByTestId("tile-value")), "23.5");
  assert.ok(!frames.some((frame) => frame.includes("berlin")), frames.join("\n"));
  assert.equal(frames.flatMap((frame) => JSON.parse(frame).values ?? []).length, 1);
});

test("links to a sensor keep to the part", async () => {
  await tile("oslo/s2").click();
  await eventually(search, "?device=oslo/s2&metric=temperature&range=15m&topics=temperature/oslo/%23");
});

test("the link out of it shows all, over the same connection, and the way back is the browser's", async () => {
  await page.getByTestId("scope").getByRole("link", { name: "Show all" }).click();
  await eventually(() => textOf(page.getByTestId("summary")), /^14 sensors.*1 open incident.*1 rejected/);
  await eventually(search, "?device=oslo/s2&metric=temperature&range=15m");
  await page.goBack();
  await eventually(() => textOf(page.getByTestId("summary")), /6 sensors/);
  await page.goForward();
  await eventually(() => textOf(page.getByTestId("summary")), /^14 sensors/);
});

test("a group's heading leads to a page of it, by mouse and by keyboard", async () => {
  await group("berlin").hover();
  await group("berlin").getByRole("link", { name: "only berlin" }).click();
  await eventually(() => textOf(page.getByTestId("scope")), /^only \+\/berlin\/#/);
  await eventually(() => textOf(page.getByTestId("summary")), /6 sensors.*1 open incident/);
  await eventually(() => textOf(page.locator("#chart-title")), /^berlin\//);
  await eventually(search, (address) => !address.includes("device="));
  await page.goBack();
  await eventually(() => group("oslo").count(), 1);
  await group("oslo").getByRole("button").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("summary")), /7 sensors/);
});

test("wrong filters are reported, and all sensors are shown", async () => {
  await page.goto(`${millrace.http}/?topics=temperature/%23/lab`);
  await eventually(() => textOf(page.getByTestId("scope")), /^Showing all sensors: “temperature\/#\/lab” is not a filter/);
  await eventually(() => textOf(page.getByTestId("summary")), /14 sensors/);
  await assertAccessible(page);
});

test("a page without sensors says so, with a link to all", async () => {
  await page.goto(`${millrace.http}/?topics=%2B/bergen/%23`);
  await eventually(() => textOf(page.getByTestId("empty")), /No sensor has sent a reading to \+\/bergen\/#/);
  await page.getByRole("link", { name: "Show all sensors" }).click();
  await eventually(() => textOf(page.getByTestId("summary")), /^14 sensors/);
});

test("all incidents are counted, though not all are listed; of a part the sensors are counted", async () => {
  await Promise.all(Array.from({ length: 102 }, (_, n) => publish(`hot/s${n}`, 30)));
  await eventually(() => textOf(page.getByTestId("summary")), /103 open incidents/);
  await eventually(() => textOf(page.getByTestId("incident-groups")), /103 open/);
  await eventually(() => page.title(), /^\(103\)/);
  await page.goto(`${millrace.http}/?topics=temperature/hot/%23`);
  await eventually(() => textOf(page.getByTestId("summary")), /102 sensors with open incidents/);
});

test("a page too many says why it is not connected, and connects when another closes", async (t) => {
  const second = await browse(`${millrace.http}/`);
  t.after(() => second.close());
  await eventually(
    () => textOf(second.page.getByTestId("connection")),
    /^disconnected since .*\d.*: too many pages are open: see dashboard.max_clients. Trying again…$/,
  );
  await assertAccessible(second.page);
  await page.goto("about:blank");
  await eventually(() => second.page.getByTestId("connection").getAttribute("data-connected"), "true");
});

test("the page made no requests to other hosts, and the browser logged no errors", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

/** Records what the server sends. */
function listenIn(opened) {
  opened.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
}

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value, metric = "temperature") {
  return device.publishAsync(`${metric}/${name}`, String(value), { qos: 1 });
}

const connected = () => page.getByTestId("connection").getAttribute("data-connected");
const search = () => new URL(page.url()).search;
const tiles = () => page.getByTestId("tile").evaluateAll((all) => all.map(({ dataset }) => dataset.device));
const tile = (name) => page.locator(`[data-testid="tile"][data-device="${name}"]`).first();
const group = (path) => page.locator(`[data-testid="group"][data-path="${path}"]`);
