import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";

const run = promisify(execFile);
const dataDir = mkdtempSync(join(tmpdir(), "millrace-connect-"));
const python = process.env.PYTHON_WITH_PAHO ?? fileURLToPath(new URL("../../target/python/bin/python", import.meta.url));

let millrace, browser, page;

before(async () => {
  millrace = await startMillrace(dataDir);
  browser = await browse(millrace.http);
  page = browser.page;
  await eventually(() => page.getByTestId("empty").count(), 1);
});
after(async () => {
  await browser?.close();
  await millrace?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

// The tests build on each other and run in this order.

test("the empty page leads to the dialog, which has the address and waits", async () => {
  await page.getByTestId("empty").getByRole("button", { name: "Connect a device" }).click();
  await eventually(() => textOf(page.getByTestId("connect-address")), new RegExp(`MQTT server127\\.0\\.0\\.1Port${port()}Usernone needed`));
  assert.match(await textOf(page.getByTestId("connect-loopback")), /Only programs on this machine reach this address/);
  assert.match(await textOf(page.getByTestId("connect-arrival")), /^Waiting for the first reading/);
  await assertAccessible(page);
});

test("every kind of device has its lines with this port", async () => {
  const kinds = await dialog().locator(".connect-kinds button").allTextContents();
  assert.deepEqual(kinds, ["mosquitto_pub", "Python", "MicroPython", "Arduino", "ESPHome", "Tasmota", "Shelly", "Zigbee2MQTT", "ChirpStack"]);
  for (const kind of kinds) {
    await choose(kind);
    assert.match(await code(), new RegExp(`\\b${port()}\\b`), kind);
    assert.ok((await textOf(page.getByTestId("connect-place"))).length > 10, kind);
  }
  await assertAccessible(page);
});

test("the line for mosquitto_pub sends a reading, and the dialog says that it arrived", async () => {
  await choose("mosquitto_pub");
  await run("sh", ["-c", await code()]);
  await eventually(() => textOf(page.getByTestId("connect-arrival")), "lab: 23.5 arrived. Show temperature");
  await page.getByTestId("connect-arrival").getByRole("link").click();
  await eventually(() => dialog().count(), 0);
  await eventually(() => textOf(page.locator("#chart-title")), "lab");
});

test("the program in Python sends a reading with its unit", async () => {
  assert.ok(existsSync(python), `${python} is missing: run make test-tools`);
  await page.getByRole("button", { name: "Connect a device" }).click();
  await choose("Python");
  const program = (await code()).replace("temperature/lab", "temperature/attic");
  await run(python, ["-c", program]);
  await eventually(() => textOf(page.getByTestId("connect-arrival")), "attic: 23.5\u202f°C arrived. Show temperature");
});

test("Escape closes it, and the focus is back at the button", async () => {
  await page.keyboard.press("Escape");
  await eventually(() => dialog().count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Connect a device");
});

test("the keyboard opens it, and copies the line", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.keyboard.press("Enter");
  await choose("Tasmota");
  await dialog().getByTestId("copy").focus();
  await page.keyboard.press("Enter");
  await eventually(() => textOf(dialog().getByTestId("copy")), "Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await code());
});

test("a message that no rule reads is said, with the way to a rule for it", async () => {
  await publish("shed/mood/now", "happy");
  await eventually(() => textOf(page.getByTestId("connect-arrival")), /^A message arrived that no rule reads/);
  await page.getByTestId("connect-arrival").getByRole("link", { name: "Add a rule" }).click();
  await eventually(() => textOf(page.getByTestId("view-title")), "Inputs");
  assert.equal(await dialog().count(), 0);
});

test("it fits a phone", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: "Connect a device" }).click();
  for (const kind of ["Arduino", "Shelly"]) {
    await choose(kind);
    const { scrollWidth, clientWidth } = await dialog().evaluate(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }));
    assert.ok(scrollWidth <= clientWidth, `${kind}: ${scrollWidth} > ${clientWidth}`);
  }
  await assertAccessible(page);
});

test("the page made no requests to other hosts, and the browser logged nothing", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors, []);
});

const port = () => new URL(millrace.mqtt).port;
const dialog = () => page.getByTestId("connect");
const code = () => textOf(dialog().locator(".code code"));

async function choose(kind) {
  await dialog().getByRole("button", { name: kind, exact: true }).click();
  await eventually(() => dialog().getByRole("button", { name: kind, exact: true }).getAttribute("aria-pressed"), "true");
}

async function publish(topic, payload) {
  const device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await device.publishAsync(topic, payload, { qos: 1 });
  await device.endAsync(true);
}
