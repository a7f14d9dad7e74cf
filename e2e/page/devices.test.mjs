import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("devices");

const PASSWORDS = { ann: "correct horse battery", ben: "four other short words", cat: "a cat on a warm stone" };

let millrace, device, browser, page;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await publish("temperature/site-a/lab", 21.5);
  await publish("humidity/site-a/lab", 40);
  await publish("temperature/cellar", 12);
  browser = await browse(`${millrace.http}/#devices`);
  page = browser.page;
});
after(() => end(dataDir, { browser, device, millrace }));

// The tests build on each other and run in this order.

test("devices that were heard are listed with their state in words", async () => {
  await eventually(() => names(), "cellar,site-a/lab");
  assert.match(await textOf(row("site-a/lab")), /site-a\/lab.*not registered.*online.*ago.*2$/);
  assert.equal(await page.title(), "Devices – Millrace");
  await assertAccessible(page);
});

test("a device is registered with what is said of it, and its details are shown", async () => {
  await page.getByRole("button", { name: "Register a device…" }).click();
  await eventually(() => focused(), "name");
  await page.keyboard.type("roof/station");
  await field("title").fill("Weather \u202e station");
  await field("type").fill("bme280");
  await field("sampling_rate").fill("60");
  await field("tags").fill("outdoor\nfloor=9");
  await assertAccessible(page);
  await dialogButton("Register").click();
  await eventually(() => textOf(heading()), "Weather \\u202e station");
  await eventually(() => page.evaluate(() => document.activeElement.id), "device-title");
  assert.equal(new URL(page.url()).hash, "#devices/roof/station");
  const facts = await textOf(page.locator(".device-facts"));
  assert.match(facts, /Nameroof\/station.*Last seennever.*Typebme280.*Locationnot set.*every 60 s.*Tagsoutdoorfloor=9/);
  await eventually(() => textOf(page.locator(".device-state").first()), "never heard");
  assert.equal(await page.getByTestId("no-values").count(), 1);
  await assertAccessible(page);
});

test("a name that is taken is refused with the server's reason, and what was written stays", async () => {
  await page.getByRole("link", { name: "Devices" }).first().click();
  await page.getByRole("button", { name: "Register a device…" }).click();
  await field("name").fill("roof/station");
  await dialogButton("Register").click();
  await eventually(() => textOf(problem()), /^Not registered: .*roof\/station/);
  assert.equal(await field("name").inputValue(), "roof/station");
  await page.keyboard.press("Escape");
});

test("the list is searched, and filtered by whether devices are registered", async () => {
  await eventually(() => names(), "cellar,roof/station,site-a/lab");
  await page.getByRole("button", { name: "not registered", exact: true }).click();
  await eventually(() => names(), "cellar,site-a/lab");
  await page.getByLabel("Search devices").fill("outdoor");
  await eventually(() => textOf(page.getByTestId("no-devices")), "No matching devices");
  await page.getByRole("button", { name: "all", exact: true }).click();
  await eventually(() => names(), "roof/station");
  await page.getByLabel("Search devices").fill("");
  await eventually(() => names(), "cellar,roof/station,site-a/lab");
});

test("a device that was heard is adopted, and its values lead to their charts", async () => {
  await row("site-a/lab").click();
  await eventually(() => page.getByTestId("device-value").evaluateAll((all) => all.map((one) => one.dataset.metric).sort().join()), "humidity,temperature");
  await page.getByRole("button", { name: "Adopt" }).click();
  await eventually(async () => (await ask("devices/site-a.lab")).registered, true);
  await eventually(() => page.getByRole("button", { name: "Adopt" }).count(), 0);
  await page.getByRole("link", { name: "Chart of temperature" }).click();
  await eventually(() => page.locator("#chart").count(), 1);
  assert.match(page.url(), /\?device=site-a\/lab&metric=temperature/);
  assert.equal(new URL(page.url()).hash, "");
  await page.goBack();
  await eventually(() => textOf(heading()), "site-a/lab");
});

test("only what differs is changed, and a change of somebody else is not overwritten", async () => {
  await page.getByRole("button", { name: "Change site-a/lab" }).click();
  await eventually(() => focused(), "title");
  await field("location").fill("2nd floor");
  await patch("site-a.lab", { title: "Lab" });
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await eventually(() => textOf(page.getByTestId("outdated")), /somebody else has changed this device/);
  await assertAccessible(page);
  await page.getByRole("button", { name: "Reload" }).click();
  await eventually(() => field("title").inputValue(), "Lab");
  await field("location").fill("2nd floor");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.locator(".device-facts")), /Location2nd floor/);
  assert.equal(await textOf(heading()), "Lab");
  await eventually(() => page.evaluate(() => document.activeElement.ariaLabel), "Change site-a/lab");
});

test("a credential is shown once, shuts others out, and whoever uses it is cut off when it is revoked", async () => {
  await eventually(() => textOf(page.getByTestId("no-credentials")), "No credentials yet");
  await page.getByRole("button", { name: "New credential…" }).click();
  await assertAccessible(page);
  await page.getByRole("button", { name: "Make", exact: true }).click();
  const [username, password] = await shown();
  assert.equal(username, "site-a.lab");
  await eventually(() => textOf(page.getByTestId("in-force")), /^Every broker knows it/);
  await assertAccessible(page);
  const own = await mqtt.connectAsync(millrace.mqtt, { username, password, reconnectPeriod: 0 });
  const other = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  other.publish("temperature/site-a/lab", "99", { qos: 1 });
  await eventually(() => other.connected, false);
  await publish("temperature/site-a/lab", 22, own);
  await eventually(() => textOf(page.getByTestId("device-value").filter({ hasText: "temperature" }).locator("strong")), "22");
  await page.getByRole("button", { name: "I have copied it" }).click();
  assert.equal((await page.content()).includes(password), false);
  await page.getByRole("button", { name: "Revoke site-a.lab" }).click();
  await page.getByRole("button", { name: /^Revoke it for good/ }).click();
  await eventually(() => page.getByTestId("credential").count(), 0);
  await eventually(() => textOf(page.getByTestId("revoked")), /^Revoked site-a\.lab\. Every broker knows it/);
  await eventually(() => own.connected, false);
});

test("a credential of a gateway has further rights, and one without a password says what to do", async () => {
  await page.getByRole("button", { name: "New credential…" }).click();
  await field("rights").fill("publish zigbee2mqtt/#");
  await page.getByRole("button", { name: "Make", exact: true }).click();
  await eventually(() => textOf(problem()), /^Not made: rights: .*readwrite/);
  await field("rights").fill("readwrite zigbee2mqtt/#");
  await field("client_id").fill("gate");
  await field("certificate_only").check();
  await page.getByRole("button", { name: "Make", exact: true }).click();
  await eventually(() => textOf(page.getByTestId("new-credential")), /no password.*millrace ca client site-a\.lab/);
  await page.getByTestId("new-credential").getByRole("button", { name: "Close" }).click();
  assert.match(await textOf(page.getByTestId("credential")), /certificate only.*readwrite zigbee2mqtt\/#.*gate/);
  await assertAccessible(page);
});

test("it fits a phone", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const view of ["devices/site-a/lab", "devices"]) {
    await page.goto(`${millrace.http}/#${view}`);
    await eventually(() => page.locator(".device-state").count(), (count) => count > 0);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, view);
    await assertAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("a device is removed, and is listed as one that was heard", async () => {
  await row("site-a/lab").click();
  await page.getByRole("button", { name: "Remove site-a/lab from the registry" }).click();
  await page.getByRole("button", { name: /its readings stay, its credentials are revoked/ }).click();
  await eventually(() => textOf(row("site-a/lab")), /not registered/);
  await page.goto(`${millrace.http}/#devices/nobody`);
  await eventually(() => textOf(problem()), /could not be loaded: there is no device nobody/);
});

test("an operator adopts, a viewer reads, and neither is offered more", async () => {
  for (const [name, role] of [["ann", "admin"], ["ben", "operator"], ["cat", "viewer"]]) {
    const answer = await page.request.post(`${millrace.http}/api/users`, { data: { username: name, password: PASSWORDS[name], role } });
    assert.equal(answer.status(), 201);
    if (role === "admin") await logIn(page, name);
  }
  for (const [name, adopts] of [["ben", 1], ["cat", 0]]) {
    const other = await browse(`${millrace.http}/#devices/cellar`);
    await logIn(other.page, name);
    await eventually(() => other.page.getByTestId("device-value").count(), 1);
    assert.equal(await other.page.getByRole("button", { name: "Adopt" }).count(), adopts, name);
    await other.page.goto(`${millrace.http}/#devices/roof/station`);
    await eventually(() => other.page.locator(".device-facts").count(), 1);
    await eventually(() => other.page.getByTestId("no-values").count(), 1);
    assert.deepEqual(await other.page.locator("main button").allTextContents(), []);
    await other.page.goto(`${millrace.http}/#devices`);
    await eventually(() => other.page.getByTestId("device").count(), 3);
    assert.equal(await other.page.getByRole("button", { name: "Register a device…" }).count(), 0);
    await other.close();
  }
});

test("the page made no requests to other hosts, and the browser logged only refusals", () => {
  assert.deepEqual(browser.otherHosts, []);
  assert.deepEqual(browser.errors.filter((error) => !/status of (400|401|404|409|412)/.test(error)), []);
});

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(topic, value, client = device) {
  return client.publishAsync(topic, JSON.stringify({ value }), { qos: 1 });
}

async function ask(path) {
  return (await page.request.get(`${millrace.http}/api/${path}`)).json();
}

async function patch(path, data) {
  assert.equal((await page.request.patch(`${millrace.http}/api/devices/${path}`, { data })).status(), 200);
}

/** What the new credential consists of. */
async function shown() {
  await page.getByTestId("new-credential").waitFor();
  return page.getByTestId("new-credential").locator("code").allTextContents();
}

async function logIn(of, name) {
  await of.getByTestId("login").waitFor();
  await of.getByLabel("Name", { exact: true }).fill(name);
  await of.getByLabel("Password", { exact: true }).fill(PASSWORDS[name]);
  await of.keyboard.press("Enter");
  await eventually(() => of.getByTestId("menu").count(), 1);
}

const row = (name) => page.locator(`[data-testid="device"][data-name="${name}"]`);
const names = () => page.getByTestId("device").evaluateAll((all) => all.map((one) => one.dataset.name).join());
const field = (name) => page.locator(`.entry-form [name="${name}"]`);
const heading = () => page.locator("#device-title");
const problem = () => page.getByTestId("problem").filter({ hasText: /\S/ }).first();
const focused = () => page.evaluate(() => document.activeElement.name);
const dialogButton = (name) => page.getByRole("dialog").getByRole("button", { name, exact: true });
