import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible } from "./axe.mjs";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";
import { startProvider } from "./provider.mjs";
import { STAYS_FRESH, dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("oidc");

const PASSWORD = "correct horse battery";

let millrace, provider, browser, page;

before(async () => {
  provider = await startProvider();
  const secret = join(dataDir, "secret");
  writeFileSync(secret, `${provider.secret}\n`);
  const settings = {
    ...STAYS_FRESH,
    MILLRACE__ACCESS__OIDC__ISSUER: provider.issuer,
    MILLRACE__ACCESS__OIDC__NAME: "Example ID",
    MILLRACE__ACCESS__OIDC__CLIENT_ID: "millrace",
    MILLRACE__ACCESS__OIDC__CLIENT_SECRET_FILE: secret,
    MILLRACE__ACCESS__OIDC__SCOPES: "profile,email,groups",
    MILLRACE__ACCESS__OIDC__ROLES: "iot-admins=admin, staff=viewer",
    MILLRACE__ACCESS__OIDC__FILTERS: "iot-admins=#, site-a=site-a/#",
  };
  millrace = await startMillrace(dataDir, { settings });
  provider.serve(millrace.http);
  await post("api/users", { username: "ann", password: PASSWORD, role: "admin" });
});
after(async () => {
  await end(dataDir, { browser, millrace });
  await provider?.stop();
});

// The tests build on each other and run in this order.

test("a person logs in at the identity provider and comes back to what the address showed", async () => {
  await open(`${millrace.http}/#users`);
  await eventually(() => textOf(page.getByTestId("login-oidc")), "Log in with Example ID");
  await assertAccessible(page);
  await throughProvider("cat");
  await eventually(() => page.getByTestId("user").count(), 2);
  assert.equal(page.url(), `${millrace.http}/#users`);
  await eventually(() => textOf(user("cat")), /admin.*you.*all devices.*cat@localhost.*at the identity provider/);
  assert.equal(await page.getByRole("button", { name: "Change cat" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Change ann" }).count(), 1);
  await assertAccessible(page);
});

test("who gets no role reads why, and what the claim held", async () => {
  await open(millrace.http);
  await throughProvider("eve");
  await eventually(() => textOf(page.getByRole("alert")), /may not use Millrace: the claim groups holds \["guests"\], and/);
  await assertAccessible(page);
  await page.getByRole("link", { name: "Back to the login page" }).click();
  await eventually(() => page.getByTestId("login").count(), 1);
});

test("while the identity provider is away the admin logs in with the password", async () => {
  const token = await provider.token();
  const me = await (await fetch(`${millrace.http}/api/me`, { headers: { authorization: `Bearer ${token}` } })).json();
  assert.deepEqual([me.username, me.role, me.filters, me.via], ["oidc:robot", "viewer", ["site-a/#"], "oidc"]);
  await provider.stop();
  await open(millrace.http);
  await page.getByLabel("Name").fill("ann");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await eventually(() => page.getByTestId("login").count(), 0);
});

/** In a browser that nobody has logged in with. */
async function open(address) {
  await browser?.close();
  browser = await browse(address);
  page = browser.page;
}

/** The provider's own pages: any password is right, and then it asks whether Millrace may know. */
async function throughProvider(name) {
  await page.getByTestId("login-oidc").click();
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.getByRole("button", { name: "Continue" }).click();
}

const user = (name) => page.locator(`[data-testid=user][data-username=${name}]`);

async function post(path, body) {
  const answer = await fetch(`${millrace.http}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, await answer.text());
}
