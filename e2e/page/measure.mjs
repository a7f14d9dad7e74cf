// Measures the page in Debian's Chromium, for `make bench`: node measure.mjs SECONDS, which is how long the heap is
// watched. Prints one JSON object.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import mqtt from "mqtt";
import { browse, eventually, textOf } from "./browser.mjs";
import { startMillrace } from "./millrace.mjs";

const SENSORS = 10_000;
const UPDATES_PER_SECOND = 1000;
const SCROLL_MS = 5000;
const LOADS = 5;
// Of 60 frames a second, with a tenth to spare for the clock.
const LATE_MS = (1000 / 60) * 1.1;
const HEAP_SAMPLES = 20;

const watchedSeconds = Number(process.argv[2] ?? 600);
const dataDir = mkdtempSync(join(tmpdir(), "millrace-measure-"));
const settings = { MILLRACE__DASHBOARD__STALE_AFTER: "1h", MILLRACE__DASHBOARD__OFFLINE_AFTER: "2h" };
const devices = Array.from({ length: SENSORS }, (_, n) => `site-${Math.floor(n / 1000)}/rack-${Math.floor(n / 50) % 20}/s${n}`);

try {
  const figures = { sensors: SENSORS, ...(await few()), ...(await many()), all_gzip_bytes: allGzipBytes() };
  console.log(JSON.stringify(figures));
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

/** The weight and the first paint, in a new browser each time. */
async function few() {
  const millrace = await startMillrace(join(dataDir, "few"), { settings: { ...settings, MILLRACE__SENSORS__COUNT: "3" } });
  const [paints, weights] = [[], []];
  try {
    for (let load = 0; load < LOADS; load++) {
      const browser = await browse(millrace.http);
      await eventually(() => browser.page.evaluate(firstPaint), (ms) => ms > 0);
      await browser.page.waitForLoadState("networkidle").catch(() => {});
      paints.push(await browser.page.evaluate(firstPaint));
      weights.push(await browser.page.evaluate(weight));
      await browser.close();
    }
  } finally {
    await millrace.stop();
  }
  return { first_paint_ms: median(paints), first_load_bytes: median(weights) };
}

/** Ten thousand sensors of which a thousand a second are read. */
async function many() {
  const millrace = await startMillrace(join(dataDir, "many"), { settings });
  const device = await mqtt.connectAsync(millrace.mqtt, { reconnectPeriod: 0 });
  const publish = (name, value) => device.publishAsync(`temperature/${name}`, String(value), { qos: 1 });
  let [browser, stream] = [];
  try {
    for (let from = 0; from < SENSORS; from += 1000) {
      await Promise.all(devices.slice(from, from + 1000).map((name, n) => publish(name, 10 + (n % 140) / 10)));
    }
    browser = await browse(millrace.http);
    const { page } = browser;
    await eventually(() => textOf(page.getByTestId("listed-count")), /10,000/);
    stream = readAll(publish);
    const scrolling = [];
    for (const view of ["Tiles", "Table"]) {
      await page.getByRole("button", { name: view }).click();
      await eventually(() => page.getByTestId("list").getAttribute("data-view"), view.toLowerCase());
      scrolling.push({ view: view.toLowerCase(), ...summed(await page.evaluate(scroll, SCROLL_MS)) });
    }
    const before = stream.acked();
    const heap = await heapOver(page, watchedSeconds);
    return { scrolling, heap, updates_per_second: (stream.acked() - before) / watchedSeconds };
  } finally {
    stream?.stop();
    await browser?.close();
    await device.endAsync(true);
    await millrace.stop();
  }
}

function readAll(publish) {
  let [next, acked] = [0, 0];
  const perTenth = UPDATES_PER_SECOND / 10;
  const timer = setInterval(() => {
    for (let n = 0; n < perTenth; n++, next++) {
      // What is under way at the end is given up with its connection.
      publish(devices[next % SENSORS], 10 + (next % 149) / 10).then(() => acked++, () => {});
    }
  }, 100);
  return { acked: () => acked, stop: () => clearInterval(timer) };
}

/** JavaScript's heap after a collection, evenly over the time. */
async function heapOver(page, seconds) {
  const browser = await page.context().newCDPSession(page);
  await browser.send("HeapProfiler.enable");
  const [samples, began] = [[], performance.now()];
  for (let sample = 0; sample <= HEAP_SAMPLES; sample++) {
    const due = began + (sample * seconds * 1000) / HEAP_SAMPLES;
    await new Promise((resume) => setTimeout(resume, Math.max(0, due - performance.now())));
    await browser.send("HeapProfiler.collectGarbage");
    const { usedSize } = await browser.send("Runtime.getHeapUsage");
    samples.push({ seconds: (performance.now() - began) / 1000, bytes: usedSize });
  }
  return samples;
}

/** In the page: scrolls up and down, and notes how long each frame took. */
function scroll(milliseconds) {
  const list = document.querySelector('[data-testid="list"]');
  list.scrollTop = 0;
  return new Promise((resolve) => {
    const frames = [];
    const began = performance.now();
    let before = began;
    const step = (now) => {
      frames.push(now - before);
      before = now;
      list.scrollTop += 60;
      if (now - began < milliseconds) requestAnimationFrame(step);
      else resolve(frames.slice(1));
    };
    requestAnimationFrame(step);
  });
}

function firstPaint() {
  return performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
}

/** In the page: bytes of all that was loaded so far, as it came over the wire. */
function weight() {
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return loaded.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}

function summed(frames) {
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const late = frames.filter((ms) => ms > LATE_MS).length;
  return { p50_ms: at(0.5), p95_ms: at(0.95), max_ms: sorted.at(-1), late_share: late / frames.length };
}

function allGzipBytes() {
  const dist = process.env.MILLRACE_PAGE ?? fileURLToPath(new URL("../../dashboard/web/dist", import.meta.url));
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
