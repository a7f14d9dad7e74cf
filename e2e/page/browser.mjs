import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { chromium } from "playwright-core";

export const TIMEOUT_MS = 15_000;

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
 * Opens the page in a browser of its own, and records its errors and its requests to hosts other than the page's server.
 * `prepare` receives the page before it loads; other options are those of a browser context.
 */
export async function browse(address, { prepare, ...options } = {}) {
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium, or set CHROMIUM`);
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGUMENTS });
  const context = await browser.newContext({ locale: "en-US", viewport: WIDE, ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  if (process.env.MILLRACE_PAGE) await serveFrom(process.env.MILLRACE_PAGE, context);
  const page = await context.newPage();
  const recorded = record(page, address);
  await prepare?.(page);
  await page.goto(address);
  return Object.assign(recorded, { page, close: () => browser.close() });
}

const CONTENT_TYPES = { ".js": "text/javascript", ".css": "text/css" };

/**
 * With MILLRACE_PAGE, scripts and styles come from that folder, as `npm run build` leaves them, so that the binary need
 * not be built again. The document is still the server's, since the browser refuses requests from a made-up one. So a
 * file that the document names and the folder lacks is replaced by the entry that the folder's own document names.
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

/** Other parts of the page import the entry by its name in the folder; under two names it would run twice. */
function insteadOf(folder, extension, entry) {
  return extension === ".js" ? `import "./${entry}";` : readFileSync(join(folder, "assets", entry));
}

/** Set `expectRefusals` while the server is stopped: the browser then logs the connections that were refused. */
function record(page, address) {
  const recorded = { errors: [], otherHosts: [], expectRefusals: false };
  const home = new URL(address).host;
  const note = (asked) => new URL(asked).host !== home && recorded.otherHosts.push(asked);
  page.on("request", (request) => note(request.url()));
  page.on("websocket", (socket) => note(socket.url()));
  page.on("pageerror", (error) => recorded.errors.push(String(error)));
  page.on("console", (message) => {
    const refused = recorded.expectRefusals && /ERR_CONNECTION_REFUSED|WebSocket connection/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !refused) recorded.errors.push(message.text());
  });
  return recorded;
}

export const textOf = async (locator) => (await locator.textContent()).trim();

/** Asks again until the answer is the wanted value, matches the pattern or passes the check. */
export async function eventually(ask, wanted) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (fits(answer, wanted)) return;
    if (Date.now() > deadline) assert.fail(`waited ${TIMEOUT_MS} ms for ${wanted}, last saw ${JSON.stringify(answer)}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

function fits(answer, wanted) {
  if (wanted instanceof RegExp) return wanted.test(answer);
  return typeof wanted === "function" ? wanted(answer) : answer === wanted;
}
