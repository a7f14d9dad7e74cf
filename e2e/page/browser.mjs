import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
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

const WIDE = { width: 1280, height: 900 };

/**
 * Opens the page in a browser of its own, and notes what it complains of and whom it asks besides the page's server.
 * `prepare` is given the page before it loads; other options are those of a browser context.
 */
export async function browse(address, { prepare, ...options } = {}) {
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium, or set CHROMIUM`);
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGUMENTS });
  const context = await browser.newContext({ locale: "en-US", viewport: WIDE, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  if (process.env.MILLRACE_PAGE) await serveFrom(process.env.MILLRACE_PAGE, context);
  const page = await context.newPage();
  const heard = overhear(page, address);
  await prepare?.(page);
  await page.goto(address);
  return Object.assign(heard, { page, close: () => browser.close() });
}

const CONTENT_TYPES = { ".js": "text/javascript", ".css": "text/css" };

/**
 * With MILLRACE_PAGE script and style come from that folder, as `npm run build` leaves them, and the binary need not be
 * built anew. The document is the server's: one that came from nowhere may not ask this machine for anything. So what
 * it names and the folder does not have stands for what the folder's own document names in its place.
 */
async function serveFrom(folder, context) {
  const own = readFileSync(join(folder, "index.html"), "utf8");
  const entry = (extension) => own.match(new RegExp(`assets/([^"/]+\\${extension})"`))[1];
  await context.route(/\/assets\/[^/]+\.(js|css)$/, async (route) => {
    const name = basename(new URL(route.request().url()).pathname);
    const extension = extname(name);
    const file = join(folder, "assets", name);
    const body = existsSync(file) ? readFileSync(file) : insteadOf(folder, extension, entry(extension));
    await route.fulfill({ contentType: CONTENT_TYPES[extension], body });
  });
}

/** Parts of the page import the entry by its own name; under two names it would run twice. */
function insteadOf(folder, extension, entry) {
  return extension === ".js" ? `import "./${entry}";` : readFileSync(join(folder, "assets", entry));
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
