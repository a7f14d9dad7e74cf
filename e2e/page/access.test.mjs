import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("access");

const PASSWORDS = { ann: "correct horse battery", ben: "four other short words", cat: "a cat on a warm stone" };
const VIEWS = ["Overview", "Devices", "Inputs", "Data gaps", "Pipeline"];

let millrace, device, browser, page, bens, cats;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: STAYS_FRESH });
  device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  await Promise.all([publish("lab", 26), publish("cellar", 27)]);
  await device.publishAsync("temperature/lab", "twenty", { qos: 1 });
  await device.publishAsync("house/mood/now", "3 smiles", { qos: 1 });
  browser = await browse(millrace.http);
  page = browser.page;
});
after(async () => {
  await Promise.all([bens?.close(), cats?.close()]);
  await end(dataDir, { browser, device, millrace });
});

// The tests build on each other and run in this order.

test("without users the page is open, and its menu has only the first user to add", async () => {
  await eventually(() => open(page, "lab").count(), 1);
  assert.deepEqual(await views(page), VIEWS);
  await open(page, "lab").locator('[data-reply="acknowledge"]').click();
  await eventually(() => page.getByLabel("Name", { exact: true }).count(), 1);
  await page.keyboard.press("Escape");
  await menu(page).click();
  assert.deepEqual(await menuItems(page), ["Add the first user"]);
  await assertAccessible(page);
});

test("the first user is refused with the server's reason, and then closes the page", async () => {
  await page.getByRole("link", { name: "Add the first user" }).click();
  await eventually(() => textOf(page.getByTestId("first-user")), /closes the page and the API for good/);
  assert.equal(await page.getByLabel("Role").count(), 0);
  await page.getByLabel("Name", { exact: true }).fill("ann");
  await page.getByLabel("Password").fill("too short");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(problem(page)), /^Not added: .*12 characters/);
  await assertAccessible(page);
  await page.getByLabel("Password").fill(PASSWORDS.ann);
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("login-note")), "Millrace has users now: log in as ann.");
  assert.equal((await fetch(`${millrace.http}/api/series`)).status, 401);
  assert.equal(await page.title(), "Log in – Millrace");
  await assertAccessible(page);
});

test("a wrong password is refused, the right one leads to where the address points", async () => {
  await eventually(() => focused(page), "password");
  await page.keyboard.type("something wrong");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(page.getByTestId("login-problem")), /^Not logged in: .*wrong/);
  await eventually(() => focused(page), "password");
  await page.keyboard.type(PASSWORDS.ann);
  await page.keyboard.press("Enter");
  await eventually(() => page.getByTestId("user").count(), 1);
  assert.equal(new URL(page.url()).hash, "#users");
  await menu(page).click();
  await eventually(() => textOf(page.getByTestId("me")), /^ann · admin.*all devices$/);
  assert.deepEqual(await menuItems(page), ["Sessions", "Change password", "API keys", "Users", "Audit", "Log out"]);
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await eventually(() => menu(page).getAttribute("aria-expanded"), "false");
});

test("while the server cannot say who the caller is, the page says why and asks again", async () => {
  const path = `${millrace.http}/api/me`;
  await page.route(path, (route) => route.fulfill({ status: 503, json: { error: "the store is unavailable" } }));
  await page.reload();
  await eventually(() => textOf(page.getByTestId("unidentified")), /the store is unavailable\. Trying again/);
  await assertAccessible(page);
  await page.unroute(path);
  await eventually(() => page.getByTestId("user").count(), 1);
});

test("an admin adds users, and sees why one cannot be added", async () => {
  await addUser("ben", { role: "operator", filters: "lab", email: "ben@localhost" });
  await addUser("cat", { role: "viewer" });
  await eventually(() => page.getByTestId("user").evaluateAll((all) => all.map((one) => one.dataset.username).join()), "ann,ben,cat");
  assert.match(await textOf(user("ben")), /operator.*only lab.*ben@localhost.*Last loginnever/);
  await page.getByRole("button", { name: "Add a user…" }).click();
  await fillUser("ben", { role: "viewer" });
  await eventually(() => textOf(page.locator(".entry-form [data-testid=problem]")), /^Not added: .*ben/);
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await eventually(() => textOf(page.locator(":focus")), "Add a user…");
});

test("the last admin stays, and the server says why", async () => {
  await user("ann").getByRole("button", { name: "Remove ann" }).click();
  await eventually(() => textOf(page.locator(":focus")), "Remove ann");
  await page.keyboard.press("Enter");
  await eventually(() => textOf(user("ann")), /Not removed: .*last admin/);
  await user("ann").getByRole("button", { name: "Change ann" }).click();
  await page.getByLabel("Role").selectOption("viewer");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await eventually(() => textOf(page.locator(".entry-form [data-testid=problem]")), /^Not changed: .*last admin/);
  await page.keyboard.press("Escape");
});

test("an admin makes a key, which is shown once and works until it is revoked", async () => {
  await choose(page, "API keys");
  await eventually(() => textOf(page.getByTestId("no-keys")), "No API keys yet");
  await page.getByRole("button", { name: "Make a key…" }).click();
  await eventually(() => focused(page), "name");
  await page.keyboard.type("nightly \u202e report");
  await page.getByLabel("Days").fill("7");
  await assertAccessible(page);
  await page.keyboard.press("Enter");
  await eventually(() => page.getByTestId("new-key").count(), 1);
  const key = await textOf(page.getByTestId("new-key").locator("code"));
  assert.match(key, /^mk_/);
  assert.equal((await asProgram(key, "api/series")).status, 200);
  assert.equal((await asProgram(key, "api/users")).status, 403);
  await assertAccessible(page);
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.reload();
  await eventually(() => textOf(page.getByTestId("key")), /^nightly \\u202e report.*viewer.*Ownerann.*all devices/);
  assert.equal((await page.content()).includes(key), false);
  await page.getByRole("button", { name: /^Revoke the key/ }).click();
  await page.getByRole("button", { name: "Revoke it for good" }).click();
  await eventually(() => page.getByTestId("key").count(), 0);
  await eventually(async () => (await asProgram(key, "api/series")).status, 401);
});

test("a viewer is not offered what only others may do", async () => {
  cats = await browse(millrace.http);
  await logIn(cats.page, "cat");
  await eventually(() => open(cats.page, "lab").count(), 1);
  assert.equal(await cats.page.locator("[data-reply], .incident input").count(), 0);
  assert.deepEqual(await views(cats.page), VIEWS);
  await menu(cats.page).click();
  assert.deepEqual(await menuItems(cats.page), ["Sessions", "Change password", "API keys", "Log out"]);
  await cats.page.goto(`${millrace.http}/#inputs`);
  await eventually(() => cats.page.getByTestId("unmapped-group").count(), 1);
  assert.equal(await cats.page.locator(".unmapped button").count(), 0);
  await cats.page.goto(`${millrace.http}/#rejected`);
  await eventually(() => cats.page.getByTestId("rejected").count(), 1);
  assert.equal(await cats.page.getByTestId("rejected").getByRole("button").count(), 0);
  await cats.page.goto(`${millrace.http}/#audit`);
  await eventually(() => textOf(cats.page.getByTestId("not-offered")), /not for your account/);
  await assertAccessible(cats.page);
});

test("a mail's link waits for the login, and a viewer is told why its form is not open", async () => {
  const [{ id }] = (await (await page.request.get(`${millrace.http}/api/incidents?device=lab`)).json()).incidents;
  const link = `${millrace.http}/?device=lab&metric=temperature&silence=${encodeURIComponent(id)}`;
  await cats.page.goto(link);
  await eventually(() => textOf(cats.page.getByTestId("link-problem")), "Your account may not silence incidents.");
  bens = await browse(link);
  await logIn(bens.page, "ben");
  await eventually(() => bens.page.locator(".reply").getAttribute("aria-label"), "Silence temperature-high at lab temperature");
  await eventually(() => new URL(bens.page.url()).search, "?device=lab&metric=temperature");
});

test("an operator silences without being asked for a name, and sees only what the filters match", async () => {
  await eventually(() => focused(bens.page), "text");
  assert.equal(await bens.page.getByLabel("Name", { exact: true }).count(), 0);
  await bens.page.keyboard.type("the racks are moved");
  await bens.page.keyboard.press("Enter");
  await eventually(() => open(bens.page, "lab").getAttribute("data-silenced"), "true");
  const { silences } = await (await page.request.get(`${millrace.http}/api/silences`)).json();
  assert.deepEqual(silences.map(({ device, by, reason }) => [device, by, reason]), [["lab", "ben", "the racks are moved"]]);
  assert.equal(await open(bens.page, "cellar").count(), 0);
  await eventually(() => textOf(bens.page.getByTestId("summary")), /sensor.*open incident/);
  assert.deepEqual(await views(bens.page), ["Overview", "Devices", "Data gaps"]);
  await bens.page.goto(`${millrace.http}/?device=lab&metric=temperature#pipeline`);
  await eventually(() => textOf(bens.page.getByTestId("not-offered")), /not for your account/);
});

test("rejected payloads are counted only for who sees all devices, and listed for others, too", async () => {
  await eventually(() => textOf(page.getByTestId("rejected-count")), "1 rejected");
  assert.equal(await bens.page.getByTestId("rejected-count").count(), 0);
  await bens.page.goto(`${millrace.http}/?device=lab&metric=temperature#rejected`);
  await eventually(() => bens.page.getByTestId("rejected").count(), 1);
  assert.equal(await bens.page.getByTestId("rejected-count").count(), 0);
  await bens.page.goto(`${millrace.http}/?device=lab&metric=temperature#pipeline`);
});

test("a session that an admin ends shows the login, and the same user goes on where the address points", async () => {
  await bens.page.getByRole("link", { name: "Show the overview" }).click();
  await eventually(() => open(bens.page, "lab").count(), 1);
  const address = bens.page.url();
  await choose(page, "Users");
  await user("ben").getByRole("button", { name: "Sessions of ben" }).click();
  await eventually(() => page.getByTestId("session").count(), 1);
  await assertAccessible(page);
  await page.getByRole("button", { name: /^End the session/ }).click();
  await eventually(() => page.getByTestId("session").count(), 0);
  await page.keyboard.press("Escape");
  await eventually(() => page.evaluate(() => document.activeElement.ariaLabel), "Sessions of ben");
  await eventually(() => textOf(bens.page.getByTestId("login-note")), "Your session has ended: log in again to go on.");
  assert.equal(await bens.page.getByText("lab").count(), 0);
  assert.equal(bens.page.url(), address);
  await eventually(() => focused(bens.page), "password");
  await bens.page.keyboard.type(PASSWORDS.ben);
  await bens.page.keyboard.press("Enter");
  await eventually(() => open(bens.page, "lab").count(), 1);
  await eventually(() => bens.page.getByTestId("connection").getAttribute("data-connected"), "true");
  assert.equal(bens.page.url(), address);
});

test("after too many tries the login counts down and sends nothing", async () => {
  const path = `${millrace.http}/api/session`;
  let asked = 0;
  await choose(cats.page, "Log out");
  await cats.page.getByTestId("login").waitFor();
  await cats.page.route(path, (route) => (asked++, route.fulfill({ status: 429, headers: { "retry-after": "2" }, json: { error: "too many tries" } })));
  await fillLogin(cats.page, "cat");
  await cats.page.keyboard.press("Enter");
  await eventually(() => textOf(cats.page.getByTestId("login-problem")), "Not logged in: too many tries.");
  assert.match(await textOf(cats.page.getByTestId("login").getByRole("button")), /^Try again in [12] s$/);
  await cats.page.keyboard.press("Enter");
  assert.equal(await textOf(cats.page.getByTestId("login-problem")), "Not logged in: too many tries.");
  await eventually(() => textOf(cats.page.getByTestId("login").getByRole("button")), "Log in");
  assert.equal(asked, 1);
  await cats.page.unroute(path);
  await cats.page.keyboard.press("Enter");
  await eventually(() => open(cats.page, "lab").count(), 1);
});

test("a password is changed with the old one", async () => {
  await choose(cats.page, "Change password");
  await eventually(() => focused(cats.page), "old");
  await cats.page.getByLabel("Old password").fill("something wrong");
  await cats.page.getByLabel("New password", { exact: false }).first().fill("another cat on a stone");
  await cats.page.getByLabel("New password again").fill("another cat on a stone");
  await cats.page.keyboard.press("Enter");
  await eventually(() => textOf(problem(cats.page)), /^Not changed: .*old password is wrong/);
  await assertAccessible(cats.page);
  await cats.page.getByLabel("Old password").fill(PASSWORDS.cat);
  await cats.page.keyboard.press("Enter");
  await eventually(() => textOf(cats.page.getByTestId("password-changed")), /Your password is changed/);
  PASSWORDS.cat = "another cat on a stone";
  await cats.page.keyboard.press("Escape");
});

test("the audit lists what was done and what was refused, with what has changed", async () => {
  await user("cat").getByRole("button", { name: "Change cat" }).click();
  await page.getByLabel("Role").selectOption("operator");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  // The form, which names all roles, closes when the change is made.
  await eventually(() => user("cat").getByRole("button", { name: "Change cat" }).getAttribute("aria-expanded"), "false");
  await eventually(() => textOf(user("cat")), /operator/);
  await choose(page, "Audit");
  await eventually(() => textOf(page.getByTestId("audit-record").first()), /ann: change user cat.*viewer.*changed to operator.*on the page/);
  const texts = await page.getByTestId("audit-record").allTextContents();
  for (const done of [/ann: add user ben.*filterslab/, /ann: add key/, /ann: revoke key/, /ben: .*silence/, /ann: add user ann|somebody: add user ann/]) {
    assert.ok(texts.some((text) => done.test(text)), `${done} in ${texts.join("\n")}`);
  }
  await page.getByRole("button", { name: "refused", exact: true }).click();
  await eventually(() => outcomes(), (found) => found.length > 0 && found.every((outcome) => outcome === "refused"));
  const refused = await page.getByTestId("audit-record").locator(".audit-what").allTextContents();
  for (const said of [/^ann: refused, users(: .+)?$/, /^somebody: refused, log in: ann$/]) {
    assert.ok(refused.some((text) => said.test(text)), `${said} in ${refused.join("\n")}`);
  }
  await page.getByRole("button", { name: "all", exact: true }).click();
  await page.getByLabel("Filter by actor").fill("ben");
  await eventually(() => page.getByTestId("audit-record").allTextContents(), (found) => found.length > 0 && found.every((text) => text.includes("ben:")));
  await assertAccessible(page);
  await page.getByLabel("Filter by actor").fill("nobody");
  await eventually(() => textOf(page.getByTestId("no-records")), "No matching records");
  await page.getByLabel("Filter by actor").fill("");
});

test("a changed role ends the session, and the next one has the new role", async () => {
  await eventually(() => cats.page.getByTestId("login").count(), 1);
  await logIn(cats.page, "cat");
  await eventually(() => open(cats.page, "cellar").locator('[data-reply="silence"]').count(), 1);
});

test("every view fits a phone", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [view, row] of [["users", "user"], ["keys", "no-keys"], ["audit", "audit-record"]]) {
    await page.goto(`${millrace.http}/#${view}`);
    await eventually(() => page.getByTestId(row).count(), (count) => count > 0);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, view);
    await assertAccessible(page);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("a user is removed, and whoever logs out sees the login and nothing else", async () => {
  await choose(page, "Users");
  await user("ben").getByRole("button", { name: "Remove ben" }).click();
  await page.keyboard.press("Enter");
  await eventually(() => user("ben").count(), 0);
  await eventually(() => bens.page.getByTestId("login").count(), 1);
  await choose(page, "Log out");
  await eventually(() => page.getByTestId("login").count(), 1);
  assert.equal(await page.getByTestId("user").count(), 0);
  assert.equal((await page.request.get(`${millrace.http}/api/me`)).status(), 401);
});

test("the pages made no requests to other hosts, and the browsers logged only refusals", () => {
  for (const { otherHosts, errors } of [browser, bens, cats]) {
    assert.deepEqual(otherHosts, []);
    assert.deepEqual(errors.filter((error) => !/status of (400|401|403|409|429|503)/.test(error)), []);
  }
});

/** Resolves when the broker has acknowledged the reading, which is when it is stored. */
function publish(name, value) {
  return device.publishAsync(`temperature/${name}`, JSON.stringify({ value, unit: "celsius" }), { qos: 1 });
}

function asProgram(key, path) {
  return fetch(`${millrace.http}/${path}`, { headers: { authorization: `Bearer ${key}` } });
}

async function fillLogin(of, name) {
  await of.getByTestId("login").waitFor();
  await of.getByLabel("Name", { exact: true }).fill(name);
  await of.getByLabel("Password", { exact: true }).fill(PASSWORDS[name]);
}

async function logIn(of, name) {
  await fillLogin(of, name);
  await of.keyboard.press("Enter");
  await eventually(() => of.getByTestId("menu").count(), 1);
}

async function choose(of, item) {
  await menu(of).click();
  await of.locator(".menu li > *").filter({ hasText: item }).click();
}

async function addUser(name, fields) {
  await page.getByRole("button", { name: "Add a user…" }).click();
  await fillUser(name, fields);
  await eventually(() => user(name).count(), 1);
}

async function fillUser(name, { role, filters = "", email = "" }) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password").fill(PASSWORDS[name]);
  await page.getByLabel("Role").selectOption(role);
  await page.getByRole("textbox", { name: /^Devices/ }).fill(filters);
  await page.getByLabel("Email").fill(email);
  await page.keyboard.press("Enter");
}

const menu = (of) => of.getByTestId("menu").locator(".popover > button");
const menuItems = (of) => of.locator(".menu li").allTextContents();
const views = (of) => of.getByRole("navigation", { name: "Views" }).getByRole("link").allTextContents();
const open = (of, name) => of.locator(`[data-testid="incident"][data-open="true"][data-device="${name}"]`);
const user = (name) => page.locator(`[data-testid="user"][data-username="${name}"]`);
const problem = (of) => of.locator(".reply [data-testid=problem]");
const focused = (of) => of.evaluate(() => document.activeElement.name);
const outcomes = () => page.getByTestId("audit-record").evaluateAll((all) => all.map((one) => one.dataset.outcome));
