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

test("a device carries its charts, its history, its gaps, its payloads and its connection", async () => {
  for (const [seq, value] of [[1, 20], [2, 21], [5, 22]]) {
    await device.publishAsync("temperature/cellar", JSON.stringify({ value, boot: 7, seq }), { qos: 1 });
  }
  await device.publishAsync("temperature/cellar", "warm", { qos: 1 });
  await page.goto(`${millrace.http}/#devices/cellar`);
  await eventually(() => page.getByTestId("device-chart").count(), 1);
  await eventually(() => page.getByTestId("device-chart").locator("svg").getAttribute("aria-label"), /^temperature from .* to .*: 12 to 22/);
  await page.getByRole("button", { name: "7 d" }).click();
  await eventually(() => page.getByRole("button", { name: "7 d" }).getAttribute("aria-pressed"), "true");
  await eventually(() => textOf(page.getByTestId("missing")), /^2 readings missing in 1 restart/);
  await eventually(() => textOf(page.getByTestId("boot")), /^7.*3 of 5.*2: 3–4$/);
  await eventually(() => page.getByTestId("device-reading").count(), 4);
  assert.match(await textOf(page.getByTestId("device-reading").first()), /^temperature22.*7 \/ 5$/);
  assert.match(await textOf(page.getByTestId("device-rejected")), /^1 payload could not be read.*temperature\/cellar.*warm$/);
  assert.match(await textOf(page.getByTestId("device-connection")), new RegExp(`Client id${device.options.clientId}.*Address127.0.0.1:.*Last willnone`));
  assert.equal(await page.getByTestId("no-incidents").count(), 1);
  await assertAccessible(page);
});

test("where a device is can be changed", async () => {
  await page.goto(`${millrace.http}/#devices/roof/station`);
  await page.getByRole("button", { name: "Change roof/station" }).click();
  await field("latitude").fill("52.52");
  await field("longitude").fill("-13.405");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.locator(".device-facts")), /Position52.52°, -13.405°/);
});

test("a device is renamed and merged by the keyboard", async () => {
  const asked = await stub();
  const button = page.getByRole("button", { name: "Rename roof/station" });
  await button.focus();
  await page.keyboard.press("Enter");
  await eventually(() => focused(), "name");
  await page.keyboard.press("Escape");
  await eventually(() => page.evaluate(() => document.activeElement.ariaLabel), "Rename roof/station");
  await page.keyboard.press("Enter");
  await eventually(() => focused(), "name");
  await assertAccessible(page);
  await page.keyboard.type("roof/other");
  await page.keyboard.press("Enter");
  await eventually(() => new URL(page.url()).hash, "#devices/roof/other");
  await page.goto(`${millrace.http}/#devices/roof/station`);
  await page.getByRole("button", { name: "Merge roof/station" }).click();
  await field("name").fill("cellar");
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await eventually(() => new URL(page.url()).hash, "#devices/cellar");
  assert.deepEqual(asked(), ['POST roof.station/rename {"name":"roof/other"}', 'POST roof.station/merge {"into":"cellar"}']);
});

test("a device is forgotten once it is said what becomes of its readings", async () => {
  const asked = await stub();
  for (const [choice, path] of [["Keep the readings and incidents", "cellar"], ["Erase them for good", "cellar?data=erase"]]) {
    await page.goto(`${millrace.http}/#devices/cellar`);
    await page.getByRole("button", { name: "Forget cellar" }).click();
    await page.getByLabel(choice).check();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Forget it" }).click();
    await eventually(() => new URL(page.url()).hash, "#devices");
    assert.match(asked().at(-1), new RegExp(`^DELETE ${path.replace("?", "\\?")} `));
  }
});

test("many devices are tagged, commanded and forgotten at once", async () => {
  await page.goto(`${millrace.http}/#devices`);
  await eventually(() => names(), "cellar,roof/station,site-a/lab");
  await page.getByLabel("Choose roof/station").focus();
  await page.keyboard.press("Space");
  await page.getByLabel("Choose site-a/lab").check();
  await eventually(() => textOf(page.getByTestId("bulk").getByRole("status")), "2 devices chosen");
  await page.getByRole("button", { name: "Tag…" }).click();
  await eventually(() => focused(), "tags");
  await page.keyboard.type("many");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Tag 2 devices" }).click();
  await eventually(() => page.getByTestId("bulk").count(), 0);
  assert.deepEqual((await ask("devices/roof.station")).tags, ["outdoor", "floor=9", "many"]);
  assert.deepEqual((await ask("devices/site-a.lab")).tags, ["many"]);
  await page.getByLabel("Choose all devices of the list").check();
  await page.getByRole("button", { name: "Tag…" }).click();
  await field("tags").fill("all");
  await page.getByRole("button", { name: "Tag 3 devices" }).click();
  await eventually(() => textOf(problem()), /^Not done for all: cellar: it is not registered/);
  await page.getByRole("button", { name: "Command…" }).click();
  await field("command").fill("reboot");
  await page.getByRole("button", { name: "Command 3 devices" }).click();
  await eventually(() => page.getByTestId("bulk").count(), 0);
  assert.equal((await ask("commands?state=queued")).commands.filter(({ command }) => command === "reboot").length, 3);
  const asked = await stub();
  await page.getByLabel("Choose cellar").check();
  await page.getByRole("button", { name: "Forget…" }).click();
  await page.getByLabel("Erase them for good").check();
  await page.getByRole("button", { name: "Forget 1 device" }).click();
  await eventually(() => page.getByTestId("bulk").count(), 0);
  assert.deepEqual(asked(), ["DELETE cellar?data=erase {}"]);
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

test("a device that is not there is said to be so", async () => {
  await page.goto(`${millrace.http}/#devices/nobody`);
  await eventually(() => textOf(problem()), /could not be loaded: there is no device nobody/);
});

test("an operator adopts, a viewer reads, and neither is offered more", async () => {
  for (const [name, role] of [["ann", "admin"], ["ben", "operator"], ["cat", "viewer"]]) {
    const answer = await page.request.post(`${millrace.http}/api/users`, { data: { username: name, password: PASSWORDS[name], role } });
    assert.equal(answer.status(), 201);
    if (role === "admin") await logIn(page, name);
  }
  for (const [name, adopts, buttons] of [["ben", 1, ["New command…", "Cancel", "Say what it should be…"]], ["cat", 0, []]]) {
    const other = await browse(`${millrace.http}/#devices/cellar`);
    await logIn(other.page, name);
    await eventually(() => other.page.getByTestId("device-value").count(), 1);
    assert.equal(await other.page.getByRole("button", { name: "Adopt" }).count(), adopts, name);
    await other.page.goto(`${millrace.http}/#devices/roof/station`);
    await eventually(() => other.page.locator(".device-facts").count(), 1);
    await eventually(() => other.page.getByTestId("no-values").count(), 1);
    await eventually(async () => (await other.page.locator("main button").allTextContents()).join(), buttons.join());
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

/** From now on the server is not asked to rename, merge or forget a device; returns what it would have been asked. */
async function stub() {
  const asked = [];
  const isChange = (url) => /\/(rename|merge)$/.test(url.pathname);
  await page.unrouteAll();
  await page.route(/\/api\/devices\//, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    if (request.method() !== "DELETE" && !isChange(url)) return route.continue();
    asked.push(`${request.method()} ${url.pathname.split("/api/devices/")[1]}${url.search} ${request.postData()}`);
    await route.fulfill({ status: request.method() === "DELETE" ? 204 : 200, body: "{}" });
  });
  return () => asked;
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
