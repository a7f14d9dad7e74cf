import { batch, computed, effect, signal } from "@preact/signals";
import { fetchBuckets, fetchFirst, type Span } from "../api/client";
import { RANGES } from "../address/selection";
import { latestOf, shown, shownKeys, type Latest } from "./shown";
import { choice, choose, move } from "../address/choice";
import { now, serverNow } from "../live/clock";
import { extend, frameOf, toPoints, wholeFrame, type Frame, type Point } from "./points";
import { generation } from "../live/state";

const RETRY_MS = 5000;

/** All lines were asked for at once, so that their points lie on one grid: in steps of `widthMs` from `origin` on. */
interface Loaded {
  lines: Map<string, Point[]>;
  origin: number;
  widthMs: number;
}

export const loaded = signal<Loaded | null>(null);
export const loading = signal(false);
export const problem = signal<string | null>(null);

/** Rises whenever lines came from the store. */
export const loads = signal(0);

/** How many points the chart has room for: one for every four pixels, so that lines stay lines. */
export const room = signal(roomIn(Math.min(innerWidth, 1000)));

export function roomIn(pixels: number): number {
  return Math.max(80, Math.min(360, Math.round(pixels / 4)));
}

/** How many rows a table has, at most: the same on a narrow screen as on a wide one. */
const TABLE_ROWS = 360;

/** When each sensor first spoke, as far as that was asked for. */
const firsts = signal<Map<string, number | null>>(new Map());

/** The stretch of time to show now. It moves with the clock or with the newest reading. */
export const frame = computed<Frame>(() => {
  const { zoom, range } = choice.value;
  if (zoom) return { ...zoom, endsAtNewest: false, beginsAtFirst: false };
  const newest = shown.value.flatMap(({ key }) => latestOf(key)?.atMs ?? []);
  const newestMs = newest.length > 0 ? Math.max(...newest) : now.value;
  const first = shown.value.flatMap(({ key }) => firsts.value.get(key) ?? []);
  const firstMs = first.length > 0 ? Math.min(...first) : null;
  const lengthMs = RANGES[range].ms;
  if (lengthMs === null) return wholeFrame(firstMs ?? newestMs, newestMs);
  return frameOf(lengthMs, firstMs, newestMs, now.value);
});

let abort = new AbortController();
let refetch = 0;
let running = false;

/** Keeps `loaded` in step with the choice: fetched anew when that changes, and extended by each live reading. */
export function startChart(): () => void {
  if (running) return () => {};
  running = true;
  const stopLoading = effect(() => {
    void [shownKeys.value, choice.value.range, choice.value.zoom, choice.value.table, generation.value];
    void load();
  });
  const stopExtending = effect(() => {
    const latest = shown.value.map(({ key }) => [key, latestOf(key)] as const);
    batch(() => latest.forEach(([key, reading]) => reading && addLive(key, reading)));
  });
  return () => {
    running = false;
    [stopLoading, stopExtending, () => abort.abort(), () => clearTimeout(refetch)].forEach((stop) => stop());
  };
}

async function load(): Promise<void> {
  abort.abort();
  abort = new AbortController();
  clearTimeout(refetch);
  if (shown.peek().length === 0) return;
  loading.value = true;
  try {
    const waitMs = await fetchInto(abort.signal);
    refetch = window.setTimeout(load, waitMs);
  } catch (error) {
    if ((error as Error).name === "AbortError") return;
    problem.value = (error as Error).message;
    refetch = window.setTimeout(load, RETRY_MS);
  }
  loading.value = false;
}

/** Returns after how many milliseconds the store is worth asking again. */
async function fetchInto(aborted: AbortSignal): Promise<number> {
  const asked = shown.peek();
  await learnFirsts(aborted);
  const [{ from, to }, points] = [frame.peek(), choice.peek().table ? TABLE_ROWS : room.peek()];
  // The end of a span is not part of it, and the newest reading may lie right on it.
  const span = { from: Math.floor(from), to: Math.floor(to) + 1 };
  // The server's steps are whole microseconds.
  const widthMs = Math.ceil(((span.to - span.from) * 1000) / points) / 1000;
  const fetched = await Promise.all(asked.map((sensor) => fetchBuckets(sensor, span, points, aborted)));
  const lines = new Map(asked.map(({ key }, index) => [key, toPoints(fetched[index]!)]));
  batch(() => {
    loaded.value = { lines, origin: span.from, widthMs };
    loads.value++;
    problem.value = null;
    asked.forEach(({ key }) => addNewestIfMissing(key));
  });
  return Math.min(300_000, Math.max(15_000, 10 * widthMs));
}

// Old readings are deleted in time, and "all" is to begin with one that is still there.
async function learnFirsts(aborted: AbortSignal): Promise<void> {
  const isAll = choice.peek().range === "all";
  const unknown = shown.peek().filter(({ key }) => isAll || !firsts.peek().has(key));
  if (unknown.length === 0) return;
  const found = await Promise.all(unknown.map(async (sensor) => [sensor.key, await fetchFirst(sensor, aborted)] as const));
  firsts.value = new Map([...firsts.peek(), ...found]);
}

/** The newest reading of each line that has joined it: a sensor that only ages has nothing new to say. */
const joined = new Map<string, number>();

// A reading may have arrived while the answer was under way.
function addNewestIfMissing(key: string): void {
  const latest = latestOf(key);
  const last = loaded.peek()?.lines.get(key)?.at(-1);
  if (!latest) return;
  joined.delete(key);
  if (!last || latest.atMs >= last.to) addLive(key, latest);
  else joined.set(key, latest.atMs);
}

function addLive(key: string, { atMs, value }: Latest): void {
  const before = loaded.peek();
  const points = before?.lines.get(key);
  if (!before || !points || joined.get(key) === atMs) return;
  joined.set(key, atMs);
  const { zoom } = choice.peek();
  if (zoom && (atMs < zoom.from || atMs > zoom.to)) return;
  const oldest = frame.peek().from - before.widthMs;
  const longer = extend(points, before.widthMs, atMs, value, before.origin).filter((point) => point.to > oldest);
  loaded.value = { ...before, lines: new Map(before.lines).set(key, longer) };
}

/** The points of each sensor that lie in the frame; none while they are still on their way. */
export const shownLines = computed<Point[][]>(() => {
  const { from, to } = frame.value;
  const pointsOf = (key: string) => loaded.value?.lines.get(key) ?? [];
  return shown.value.map(({ key }) => pointsOf(key).filter((point) => point.to > from && point.from <= to));
});

/** Those of the sensor in front. */
export const shownPoints = computed<Point[]>(() => shownLines.value[0] ?? []);

/** Zooms to the middle part of the frame, or out of it, around an instant. */
export function zoomAround(at: number, factor: number): void {
  const { from, to } = frame.peek();
  const length = (to - from) * factor;
  const end = Math.min(Math.min(Math.max(at, from), to) + length / 2, Math.max(to, serverNow()));
  const zoom = spanOf(end - length, end);
  if (zoom) move({ zoom });
}

/** Goes back in time by a part of the frame, or with a negative one forth, but not beyond what is. */
export function panBy(part: number): void {
  const { from, to } = frame.peek();
  const back = Math.max((to - from) * part, to - Math.max(to, serverNow()));
  const zoom = spanOf(from - back, to - back);
  if (zoom && back !== 0) move({ zoom });
}

export function zoomTo(span: Span): void {
  const zoom = spanOf(span.from, span.to);
  if (zoom) choose({ zoom });
}

function spanOf(from: number, to: number): Span | null {
  return to - from < 1000 ? null : { from: Math.max(0, Math.round(from)), to: Math.round(to) };
}
