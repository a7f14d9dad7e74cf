import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const SENSORS = 10_000;
// Those of the visible tiles and of a hundred listed incidents; ten thousand incidents have thirty times as many.
const MOST_NODES = 9000;
const RULES = `
group_wait = "0s"
max_mails_per_hour = 1

[[rules]]
name = "silent"
absent_for = "1s"
`;

const dataDir = dataFolder("outage");
const rules = join(dataDir, "rules.toml");
const settings = { MILLRACE__ALERTER__RULES: rules, ...STAYS_FRESH };
const devices = Array.from({ length: SENSORS }, (_, n) => `site-${Math.floor(n / 1000)}/rack-${Math.floor(n / 50) % 20}/s${n}`);

let millrace, browser, page, device;

before(async () => {
  writeFileSync(rules, RULES);
  millrace = await startMillrace(dataDir, { settings });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  for (let from = 0; from < SENSORS; from += 1000) await Promise.all(devices.slice(from, from + 1000).map((name) => publish(name)));
  browser = await browse(millrace.http);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("the page says of every sensor that it has an open incident, however many are open", { timeout: 120_000 }, async () => {
  const deadline = Date.now() + 100_000;
  while (!(await summary()).includes("10,000 open incidents")) assert.ok(Date.now() < deadline, await summary());
  await eventually(() => condition("site-0"), /^1,000 alerting/);
  await page.getByRole("button", { name: "Collapse all" }).click();
  await eventually(() => page.getByTestId("group").count(), 10);
  for (let site = 0; site < 10; site++) assert.match(await condition(`site-${site}`), /^1,000 alerting/);
  await page.getByRole("button", { name: "Expand all" }).click();
  await eventually(() => page.locator('[data-testid="tile"]').count(), (count) => count > 0);
  assert.equal(await page.locator('[data-testid="tile"][data-alerting="false"]').count(), 0);
  await page.locator('[data-filter="alerting"]').click();
  await eventually(() => textOf(page.getByTestId("listed-count")), "10,000 of 10,000 sensors");
  await page.locator('[data-filter="alerting"]').click();
  await page.getByRole("button", { name: "Collapse all" }).click();
});

test("incidents are grouped by rule, and a group lists its members page by page", async () => {
  await eventually(() => textOf(group("silent")), /silent.*10,000 open.*10,000 devices in 10 sites/);
  await group("silent").getByRole("button", { name: /^silent/ }).click();
  await eventually(() => page.getByTestId("incident").count(), 20);
  await page.getByRole("button", { name: "Show more" }).click();
  await eventually(() => page.getByTestId("incident").count(), 100);
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < MOST_NODES);
  await assertAccessible(page);
});

test("selected incidents are acknowledged together", async () => {
  for (const at of [0, 1, 2]) await page.getByTestId("incident").nth(at).getByRole("checkbox").check();
  await eventually(() => textOf(page.getByTestId("selection").locator("p").first()), /^3 incidents selected/);
  await page.getByTestId("selection").getByRole("button", { name: "Acknowledge" }).click();
  await page.locator(".reply").getByLabel("Name", { exact: true }).fill("ann");
  await page.locator(".reply").getByRole("button", { name: "Acknowledge" }).click();
  await eventually(() => page.locator(".reply").count(), 0);
  await eventually(() => textOf(page.getByTestId("quiet")), "3 acknowledged");
  await eventually(() => page.getByTestId("selection").count(), 0);
});

test("a site is silenced until tomorrow, and looks silenced", async () => {
  await page.getByRole("button", { name: "by site" }).click();
  await eventually(() => page.getByTestId("incident-group").count(), 10);
  await group("site-3").getByRole("button", { name: "Silence" }).click();
  await page.getByRole("button", { name: "until tomorrow 8:00" }).click();
  await page.getByLabel("Reason").fill("power cut");
  await page.locator(".reply").getByRole("button", { name: "Silence" }).click();
  await eventually(() => page.locator(".reply").count(), 0);
  const [{ device, until }] = (await ask("api/silences")).silences;
  assert.equal(device, "site-3/#");
  const wanted = await page.evaluate(() => (((now) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8).getTime()))(new Date()));
  assert.equal(Date.parse(until), wanted);
  await eventually(() => group("site-3").getAttribute("data-acknowledged"), "true");
  await eventually(() => condition("site-3"), /1,000 quiet$/);
  assert.match(await condition("site-4"), /^1,000 alerting/);
  await eventually(() => textOf(page.getByTestId("quiet")), /acknowledged · 1,000 silenced$|acknowledged · 99\d silenced$/);
});

test("all of a rule are acknowledged at once", async () => {
  await page.getByRole("button", { name: "by rule" }).click();
  await eventually(() => page.getByTestId("incident-group").count(), 1);
  await group("silent").getByRole("button", { name: "Acknowledge", exact: false }).first().click();
  await page.getByLabel("Note").fill("all sites");
  await page.locator(".reply").getByRole("button", { name: "Acknowledge" }).click();
  await eventually(() => textOf(page.getByTestId("quiet")), "10,000 acknowledged");
  await eventually(() => condition("site-9"), /1,000 quiet$/);
  await assertAccessible(page);
});

test("the browser logged no errors", () => assert.deepEqual(browser.errors, []));

function publish(name) {
  return device.publishAsync(`temperature/${name}`, "21", { qos: 1 });
}

async function ask(path) {
  return (await fetch(`${millrace.http}/${path}`)).json();
}

const summary = () => textOf(page.getByTestId("summary"));
const condition = (path) => textOf(page.locator(`[data-testid="group"][data-path="${path}"]`).getByTestId("group-condition"));
const group = (name) => page.locator(`[data-testid="incident-group"][data-name="${name}"]`);
