import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { browse, eventually, textOf } from "./browser.mjs";

const MISSING = "no cluster: MILLRACE_CLUSTER is not set; `make test` or e2e/with-cluster start one";
const SENSOR = { service: "sensor1", device: "data_center_a1" };

const words = process.env.MILLRACE_CLUSTER?.split(" ");
if (!words && process.env.CI === "true") throw new Error(MISSING);
const skip = words ? false : MISSING;

let address, browser, page, device;

before(async () => {
  if (skip) return;
  compose("up", "--detach", "--no-deps", "--wait", SENSOR.service);
  device = await mqtt.connectAsync(process.env.MILLRACE_TEST_MQTT, { reconnectPeriod: 0 });
  address = `http://${compose("port", "haproxy", "8080").trim()}`;
  browser = await browse(lookFor(SENSOR.device));
  page = browser.page;
});

after(async () => {
  if (skip) return;
  await browser?.close();
  await device?.endAsync(true);
  compose("rm", "--stop", "--force", SENSOR.service);
});

test("the page of the cluster shows a sensor that runs", { skip }, async () => {
  await eventually(() => page.getByTestId("connection").getAttribute("data-connected"), "true");
  await eventually(() => tile(SENSOR.device).getAttribute("data-state"), "fresh");
  const first = await valueOf(SENSOR.device);
  await eventually(() => valueOf(SENSOR.device), (value) => value !== first);
});

test("an incident opens and is resolved with the value", { skip }, async () => {
  const name = `page-${Date.now()}`;
  const incidents = (open) => page.locator(`[data-testid="incident"][data-open="${open}"]`, { hasText: name });
  await page.goto(lookFor(name));
  await device.publishAsync(`temperature/${name}`, "26.5", { qos: 1 });
  await eventually(() => valueOf(name), "26.5");
  await eventually(() => incidents(true).count(), 1);
  await device.publishAsync(`temperature/${name}`, "22", { qos: 1 });
  await eventually(() => incidents(true).count(), 0);
  await eventually(() => incidents(false).count(), 1);
});

test("a sensor that is stopped goes stale and then offline", { skip }, async () => {
  await page.goto(lookFor(SENSOR.device));
  compose("stop", SENSOR.service);
  await eventually(() => tile(SENSOR.device).getAttribute("data-state"), "stale");
  await eventually(() => tile(SENSOR.device).getAttribute("data-state"), "offline");
});

test("the page made no requests to other hosts, and the browser logged no errors", { skip }, () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

function compose(...command) {
  return execFileSync("docker", ["compose", ...words, ...command], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

// Other tests leave sensors behind, and the page draws only those of a long list that are seen.
const lookFor = (name) => `${address}/?q=${name}`;
const tile = (name) => page.locator(`[data-testid="tile"][data-device="${name}"]`);
const valueOf = (name) => textOf(tile(name).getByTestId("tile-value"));
