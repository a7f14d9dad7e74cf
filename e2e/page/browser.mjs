import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export const PATIENCE_MS = 15_000;

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const BROWSER_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens the page in a browser of its own, and notes what it complains of and whom it asks besides the page's server. */
export async function browse(address) {
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium, or set CHROMIUM`);
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGUMENTS });
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const heard = overhear(page, address);
  await page.goto(address);
  return Object.assign(heard, { page, close: () => browser.close() });
}

/** While the server is stopped, a browser complains about the connections that it cannot make: `expectRefusals`. */
function overhear(page, address) {
  const heard = { complaints: [], strangers: [], expectRefusals: false };
  const home = new URL(address).host;
  const note = (asked) => new URL(asked).host !== home && heard.strangers.push(asked);
  page.on("request", (request) => note(request.url()));
  page.on("websocket", (socket) => note(socket.url()));
  page.on("pageerror", (error) => heard.complaints.push(String(error)));
  page.on("console", (message) => {
    const refused = heard.expectRefusals && /ERR_CONNECTION_REFUSED|WebSocket connection/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !refused) heard.complaints.push(message.text());
  });
  return heard;
}

export const textOf = async (locator) => (await locator.textContent()).trim();

/** Asks again until the answer is the wanted value, matches the pattern or passes the check. */
export async function eventually(ask, wanted) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (fits(answer, wanted)) return;
    if (Date.now() > deadline) assert.fail(`waited ${PATIENCE_MS} ms for ${wanted}, last saw ${JSON.stringify(answer)}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

function fits(answer, wanted) {
  if (wanted instanceof RegExp) return wanted.test(answer);
  return typeof wanted === "function" ? wanted(answer) : answer === wanted;
}
