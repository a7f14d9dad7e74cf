import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";

const dataDir = mkdtempSync(join(tmpdir(), "millrace-inputs-"));
const mappings = join(dataDir, "mappings.toml");

let millrace, browser, page, device;

before(async () => {
  millrace = await startMillrace(dataDir);
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  browser = await browse(millrace.http);
  page = browser.page;
  await eventually(() => page.getByTestId("empty").count(), 1);
});
after(async () => {
  await browser?.close();
  await device?.endAsync(true);
  await millrace?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

// The tests build on each other and run in this order.

test("without unread messages the view says so, and what to do", async () => {
  await page.getByRole("link", { name: "Inputs" }).click();
  await eventually(() => textOf(page.getByTestId("headline")), "Every message is read by a rule");
  assert.equal(await page.getByTestId("unmapped").count(), 0);
  await assertAccessible(page);
});

test("what no rule reads is said in the summary of every view, and shown with what is in it", async () => {
  await publish("greenhouse/bed-1/data", '{"temp": 21, "ts": 1764385200}');
  await publish("greenhouse/bed-2/data", '{"temp": 22, "ts": 1764385200}');
  await publish("house/mood/now", "happy \u202e<b>");
  await eventually(() => textOf(page.getByTestId("unmapped")), "3 topics aren’t read");
  await eventually(() => groups(), "house/mood,greenhouse/bed-2,greenhouse/bed-1");
  await eventually(() => textOf(group("greenhouse/bed-1").getByTestId("suggestion")), "Looks like temp/bed-1 = 21 celsius");
  assert.match(await textOf(group("house/mood").locator("pre")), /^happy \\u202e<b>$/);
  assert.equal(await textOf(group("house/mood").getByTestId("suggestion")), "No number was found in it");
  await assertAccessible(page);
  await page.getByRole("link", { name: "Overview" }).click();
  await eventually(() => textOf(page.getByTestId("empty")), /Messages arrive on 3 topics that no rule reads/);
  await page.getByTestId("unmapped").getByRole("link").click();
});

test("the presets in use are listed, and how many messages each rule ignores", async () => {
  await publish("tele/lab/RESULT", "{}");
  await publish("tele/lab/MARGINS", "{}");
  await eventually(() => textOf(page.getByTestId("ignored").locator("summary")), "2 messages were ignored by rule");
  await page.getByTestId("ignored").locator("summary").click();
  await eventually(() => textOf(page.getByTestId("ignored").locator("li")), "tele/# of tasmota: 2");
  await page.getByTestId("presets").locator("summary").click();
  await eventually(() => textOf(page.getByTestId("presets")), /^All \d+ presets are in use.*zigbee2mqtt/);
  await assertAccessible(page);
});

test("one click adds the rule, which reads the next message", async () => {
  await button("greenhouse/bed-1", /^Add the rule/).click();
  await eventually(() => groups(), "house/mood");
  assert.match(readFileSync(mappings, "utf8"), /topic = "greenhouse\/\{device\}\/data"/);
  await eventually(() => textOf(page.getByTestId("rules")), /Own rules1File.*mappings\.toml/);
  await publish("greenhouse/bed-1/data", '{"temp": 23, "ts": 1764385260}');
  await eventually(async () => (await ask("api/series")).series.map(({ metric, device, value }) => `${metric}/${device}=${value}`).join(), "temp/bed-1=23");
  await eventually(() => textOf(page.getByTestId("unmapped")), "1 topic isn’t read");
});

test("one click ignores what nobody wants", async () => {
  await button("house/mood", /^Ignore/).click();
  await eventually(() => groups(), "");
  await publish("house/mood/then", "sad");
  await publish("odd/thing/x", '{"level": 3}');
  await eventually(() => groups(), "odd/thing");
  await eventually(() => textOf(page.getByTestId("headline")), "1 topic isn’t read");
});

test("a rule is changed before it is added, and one that is wrong is refused with the place", async () => {
  const before = readFileSync(mappings, "utf8");
  await button("odd/thing", /^Change the rule/).click();
  await eventually(() => page.evaluate(() => document.activeElement.name), "rule");
  const suggested = await rule().inputValue();
  await rule().fill(`${suggested}metrik = "x"\n`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await eventually(() => textOf(group("odd/thing").getByTestId("add-problem")), /^Not added: .*line \d+.*metrik/s);
  assert.equal(readFileSync(mappings, "utf8"), before);
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await eventually(() => rule().count(), 0);
  await button("odd/thing", /^Change the rule/).click();
  await rule().fill(suggested.replace(/device = .*/, 'device = "loft"'));
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await eventually(() => groups(), "");
  await publish("odd/thing/x", '{"level": 4}');
  await eventually(async () => (await ask("api/series")).series.map(({ device }) => device).join(), /loft/);
});

test("a file that was changed by hand and is wrong is shown with its line, and the old rules stay", async () => {
  const good = readFileSync(mappings, "utf8");
  writeFileSync(mappings, `${good}\n[[rule]]\ntopik = "x"\n`);
  await eventually(() => textOf(page.getByTestId("rules-error")), /The file is refused.*line \d+.*topik/s);
  await eventually(() => textOf(page.getByTestId("rules")), /Rules cannot be added here: the file of mappings is wrong: correct it first/);
  await assertAccessible(page);
  writeFileSync(mappings, good);
  await eventually(() => page.getByTestId("rules-error").count(), 0);
});

test("it fits a phone", async () => {
  await publish("a-rather-long-name-for-a-site/with-a-long-second-level-too/x", JSON.stringify({ values: "x".repeat(900) }));
  await eventually(() => page.getByTestId("unmapped-group").count(), 1);
  await page.setViewportSize({ width: 360, height: 740 });
  await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 360);
  await assertAccessible(page);
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("when the server stops, the view says so and keeps what it knew", async () => {
  browser.expectRefusals = true;
  await device.endAsync(true);
  await millrace.stop();
  await eventually(() => textOf(page.getByTestId("inputs-away")), /Unknown since .*\d.*: the server does not answer\. This is the last known state\./);
  assert.equal(await page.getByTestId("unmapped-group").count(), 1);
});

test("the page made no requests to other hosts, and the browser logged only the refusals", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors.filter((error) => !/status of 422/.test(error)), []);
});

const rule = () => page.locator("textarea[name=rule]");
const group = (name) => page.locator(`[data-testid="unmapped-group"][data-name="${name}"]`);
const groups = () => page.getByTestId("unmapped-group").evaluateAll((all) => all.map(({ dataset }) => dataset.name).join());
const button = (name, label) => group(name).getByRole("button", { name: label });
const publish = (topic, payload) => device.publishAsync(topic, payload, { qos: 1 });

async function ask(path) {
  return (await fetch(`${millrace.http}/${path}`)).json();
}
