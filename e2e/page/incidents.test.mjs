import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const RULES = `
group_wait = "0s"
max_mails_per_hour = 100000

[[rules]]
name = "hot"
metric = "temperature"
device = "lab"
above = 25.0
severity = "critical"

[[rules]]
name = "silent"
device = "away/#"
absent_for = "1s"
`;
const REASON = "the racks are moved";

const dataDir = dataFolder("incidents");
const rules = join(dataDir, "rules.toml");
const settings = {
  MILLRACE__ALERTER__RULES: rules,
  ...STAYS_FRESH,
};

let millrace, browser, page, device;

before(async () => {
  writeFileSync(rules, RULES);
  millrace = await startMillrace(dataDir, { settings });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await publish("lab", 22);
  await publish("lab", 26.5);
  browser = await browse(`${millrace.http}/?device=lab&metric=temperature`);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("an incident shows its limit with the unit, and the chart has a line there", async () => {
  await eventually(() => textOf(open("lab").locator(".incident-value")), "26.5\u202f°C, above 25\u202f°C");
  await eventually(() => textOf(page.getByTestId("legend")), /above 25\u202f°C.*incident open/);
});

test("the keyboard opens a form, and Escape gives the focus back", async () => {
  await button("Acknowledge").focus();
  await page.keyboard.press("Enter");
  await eventually(focused, "by");
  await page.keyboard.press("Escape");
  await eventually(() => page.locator(".reply").count(), 0);
  await eventually(focused, "acknowledge");
});

test("an incident is acknowledged with a name and a note", async () => {
  await page.keyboard.press("Enter");
  await eventually(focused, "by");
  await page.keyboard.type("ann");
  await page.getByLabel("Note").fill("on my way");
  await assertAccessible(page);
  await page.keyboard.press("Enter");
  await eventually(() => open("lab").getAttribute("data-acknowledged"), "true");
  await eventually(() => textOf(open("lab").locator(".incident-times")), /acknowledged.*by ann: on my way/);
  await eventually(() => textOf(page.getByRole("status")), "Acknowledged: hot at lab temperature.");
  assert.equal(await button("Acknowledge").count(), 0);
  assert.equal(await focused(), "incident");
  const [incident] = (await ask("api/incidents?device=lab")).incidents;
  assert.deepEqual([incident.acknowledged.by, incident.acknowledged.note], ["ann", "on my way"]);
});

test("a silence needs a reason, and the server's refusal is shown", async () => {
  await button("Silence").click();
  await eventually(focused, "text");
  assert.equal(await page.getByLabel("Name").inputValue(), "ann");
  await page.keyboard.press("Enter");
  assert.deepEqual((await ask("api/silences")).silences, []);
  await page.keyboard.type("  ");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("reply-problem")), /^Not sent: .*reason.*500/);
  assert.equal(await open("lab").getAttribute("data-silenced"), "false");
});

test("a device is silenced for the selected time", async () => {
  await page.getByRole("button", { name: "4 hours" }).click();
  await page.getByLabel("Reason").fill(REASON);
  await page.locator(".reply").getByRole("button", { name: "Silence" }).click();
  await eventually(() => open("lab").getAttribute("data-silenced"), "true");
  await eventually(() => textOf(open("lab").locator(".incident-times")), new RegExp(`silenced.*until.*by ann: ${REASON}`));
  assert.equal(await open("lab").evaluate((element) => getComputedStyle(element).backgroundColor), "rgba(0, 0, 0, 0)");
  await eventually(() => textOf(silence("lab")), new RegExp(`lab.*until.*ann: ${REASON}`));
  const [{ from, until, by }] = (await ask("api/silences")).silences;
  assert.equal(Math.round((Date.parse(until) - Date.parse(from)) / 60_000), 240);
  assert.equal(by, "ann");
});

test("each notification shows its state: a silenced one is held back", async () => {
  await publish("lab", 22);
  await eventually(() => open("lab").count(), 0);
  await publish("lab", 27);
  await eventually(() => textOf(open("lab").locator("summary")), /^1 held back/);
  await open("lab").locator("summary").click();
  await eventually(() => textOf(open("lab").getByTestId("notifications").locator("li")), /opened · mail to .+held back: silenced/);
  await assertAccessible(page);
});

test("a silence is ended, and the focus is not lost with its button", async () => {
  await silence("lab").getByRole("button", { name: "End the silence of lab" }).focus();
  await page.keyboard.press("Enter");
  await eventually(() => silence("lab").count(), 0);
  await eventually(() => open("lab").getAttribute("data-silenced"), "false");
  await eventually(() => textOf(page.getByRole("status")), "Ended the silence of lab.");
  assert.equal(await focused(), "incidents-title");
  assert.deepEqual((await ask("api/silences")).silences, []);
});

test("the list shows open or past incidents, and the address contains which", async () => {
  await page.locator('[data-incidents="past"]').click();
  await eventually(() => listedIncidents(), "false");
  await eventually(search, "?device=lab&metric=temperature&alerts=past");
  await page.reload();
  await eventually(() => listedIncidents(), "false");
  await page.getByTestId("incident").getByRole("link").click();
  await eventually(search, /from=.*&alerts=past/);
  await page.locator('[data-incidents="open"]').click();
  await eventually(() => listedIncidents(), "true");
  await page.locator('[data-incidents="all"]').click();
  await eventually(() => listedIncidents(), "true,false");
  await eventually(search, (address) => !address.includes("alerts="));
});

test("the chart loads the incidents of the time that it shows", async () => {
  const [incident] = (await ask("api/incidents?device=lab&state=resolved")).incidents;
  const older = { ...incident, id: "older", kind: "below", condition: "below 21.5", threshold: 21.5 };
  const path = /\/api\/incidents\?device=lab&metric=temperature&from=.+&to=/;
  await page.route(path, (route) => route.fulfill({ json: { incidents: [older] } }));
  await page.goto(`${millrace.http}/?device=lab&metric=temperature&range=1h`);
  await eventually(() => textOf(page.getByTestId("legend")), /above 25\u202f°C.*below 21.5\u202f°C/);
  await page.unroute(path);
});

test("a silence is shaded as a gap, and the line breaks there", async () => {
  await publish("away/cellar", 20);
  await eventually(() => open("away/cellar").count(), 1);
  await eventually(() => textOf(open("away/cellar").locator(".incident-value")), "silent for 1 s");
  await publish("away/cellar", 21);
  await page.goto(`${millrace.http}/?device=away/cellar&metric=temperature`);
  await eventually(() => textOf(page.getByTestId("legend")), "silent");
});

test("with both forms and all notifications it fits a phone, and axe finds no serious violations", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: "Incidents" }).click();
  for (const summary of await page.locator("#incidents summary").all()) await summary.click();
  for (const name of ["Acknowledge", "Silence"]) {
    await button(name).click();
    await eventually(() => page.locator(".reply").count(), 1);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await assertAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("a mail's link opens the form of its incident, and the address forgets it", async () => {
  const [{ id }] = (await ask("api/incidents?device=lab&state=open")).incidents;
  await page.goto(`${millrace.http}/?device=lab&metric=temperature&acknowledge=${encodeURIComponent(id)}`);
  await eventually(() => page.locator(".reply").getAttribute("aria-label"), "Acknowledge hot at lab temperature");
  await eventually(focused, "text");
  await eventually(search, "?device=lab&metric=temperature");
  const [{ id: past }] = (await ask("api/incidents?device=lab&state=resolved")).incidents;
  await page.goto(`${millrace.http}/?silence=${encodeURIComponent(past)}`);
  await eventually(() => textOf(page.getByTestId("link-problem")), /^hot at lab temperature was resolved at /);
  await page.goto(`${millrace.http}/?silence=nothing/of/this/1`);
  await eventually(() => textOf(page.getByTestId("link-problem")), "The incident of this link is unknown.");
  await page.goto(`${millrace.http}/?device=lab&metric=temperature`);
});

test("the end of a silence is a day and a time", async () => {
  await button("Silence").click();
  await page.getByRole("button", { name: "until…" }).click();
  await page.getByLabel("End", { exact: true }).fill("2020-01-01T08:00");
  await page.getByLabel("Reason").fill(REASON);
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("reply-problem")), "Not sent: the end is in the past.");
});

test("while the server is down, a form stays open and shows why, and the panel is grey", async () => {
  const before = await valueColour();
  browser.expectRefusals = true;
  await device.endAsync(true);
  await millrace.stop();
  await eventually(() => page.getByTestId("connection").getAttribute("data-connected"), "false");
  await eventually(valueColour, (colour) => colour !== before);
  await eventually(() => button("Acknowledge").getAttribute("aria-disabled"), "true");
  await page.getByRole("button", { name: "1 hour" }).click();
  await page.getByLabel("Reason").fill(REASON);
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("reply-problem")), "Not sent: the server does not answer.");
  assert.equal(await page.getByLabel("Reason").inputValue(), REASON);
  assert.equal(await open("lab").getAttribute("data-silenced"), "false");
  await assertAccessible(page);
});

test("when the server is back, the form can be sent", async () => {
  millrace = await startMillrace(dataDir, { httpPort: millrace.port, settings });
  await eventually(() => page.getByTestId("connection").getAttribute("data-connected"), "true");
  browser.expectRefusals = false;
  await page.locator(".reply").getByRole("button", { name: "Silence" }).click();
  await eventually(() => open("lab").getAttribute("data-silenced"), "true");
});

test("the page made no requests to other hosts, and the browser logged only the refusal", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors.filter((error) => !/status of 400/.test(error)), []);
});

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value) {
  return device.publishAsync(`temperature/${name}`, JSON.stringify({ value, unit: "celsius" }), { qos: 1 });
}

async function ask(path) {
  return (await fetch(`${millrace.http}/${path}`)).json();
}

/** What has the focus: the name of a field, the kind of a button, or what tests call it. */
function focused() {
  return page.evaluate(() => {
    const { name, dataset, id } = document.activeElement;
    return name || dataset.reply || dataset.testid || id;
  });
}

const open = (name) => page.locator(`[data-testid="incident"][data-open="true"][data-device="${name}"]`);
const button = (name) => open("lab").locator(`.replies [data-reply="${name.toLowerCase()}"]`);
const silence = (name) => page.locator(`[data-testid="silence"][data-device="${name}"]`);
const search = () => new URL(page.url()).search;
const listedIncidents = () => page.getByTestId("incident").evaluateAll((all) => all.map((one) => one.dataset.open).join());
const valueColour = () => open("lab").locator(".incident-value").evaluate((element) => getComputedStyle(element).color);
