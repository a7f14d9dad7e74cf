import { batch, computed, effect, signal } from "@preact/signals";
import { adjust, select } from "../address/navigate";
import { EARLIER, RANGES } from "../address/selection";
import { selection } from "../address/state";
import { fetchBuckets, fetchFirst, type SeriesName, type Span } from "../api/client";
import { now, serverNow } from "../live/clock";
import { alerting, generation } from "../live/state";
import { convertPoints } from "./common-axis";
import { gridOf, type Grid } from "./grid";
import { extend, frameOf, later, toPoints, wholeFrame, type Point, type TimeFrame } from "./points";
import { conversionOf, latestOf, shown, shownKeys, type Latest } from "./shown";

const RETRY_MS = 5000;

/** All lines are loaded together, so that their points lie on one grid. */
interface Loaded extends Grid {
  lines: Map<string, Point[]>;
  /** What the series in front is compared with, at the times of the chart; empty where it is compared with nothing. */
  earlier: Point[];
}

export const loaded = signal<Loaded | null>(null);
export const loading = signal(false);
export const problem = signal<string | null>(null);

/** Counts how often lines were loaded from the store. */
export const loads = signal(0);

/** How many points the chart has room for: one for every four pixels. */
export const room = signal(roomIn(Math.min(innerWidth, 1000)));

export function roomIn(pixels: number): number {
  return Math.max(80, Math.min(360, Math.round(pixels / 4)));
}

/** The most rows of a table, on narrow and wide screens alike. */
const TABLE_ROWS = 360;

/** The time of the first reading of each series, as far as it was loaded. */
const firsts = signal<Map<string, number | null>>(new Map());

/** The time to show. It moves with the clock or with the newest reading. */
export const frame = computed<TimeFrame>(() => {
  const { zoom, range } = selection.value;
  if (zoom) return { ...zoom, endsAtNewest: false, beginsAtFirst: false };
  const newest = shown.value.flatMap(({ key }) => latestOf(key)?.atMs ?? []);
  const newestMs = newest.length > 0 ? Math.max(...newest) : now.value;
  const first = shown.value.flatMap(({ key }) => firsts.value.get(key) ?? []);
  const firstMs = first.length > 0 ? Math.min(...first) : null;
  const lengthMs = RANGES[range].ms;
  if (lengthMs === null) return wholeFrame(firstMs ?? newestMs, newestMs);
  const isAlerting = shown.value.some(({ key }) => alerting.value.has(key));
  return frameOf(lengthMs, firstMs, newestMs, now.value, isAlerting);
});

let abort = new AbortController();
let refetch = 0;
let running = false;

/** Keeps `loaded` in step with the selection: loads it when that changes, and extends it by each live reading. */
export function startChart(): () => void {
  if (running) return () => {};
  running = true;
  const stopLoading = effect(() => {
    void [shownKeys.value, selection.value.range, selection.value.zoom, selection.value.table, selection.value.earlier, generation.value];
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

/** Returns after how many milliseconds to load again. */
async function fetchInto(aborted: AbortSignal): Promise<number> {
  const wanted = shown.peek();
  await learnFirsts(aborted);
  const [{ from, to }, points] = [frame.peek(), selection.peek().table ? TABLE_ROWS : room.peek()];
  // The end of a span is not part of it, and the newest reading may lie right on it.
  const span = { from: Math.floor(from), to: Math.floor(to) + 1 };
  const grid = gridOf(span, points);
  const [earlier, ...fetched] = await Promise.all([
    fetchEarlier(wanted[0]!, span, points, aborted),
    ...wanted.map((series) => fetchBuckets(series, span, points, aborted)),
  ]);
  const lines = new Map(wanted.map(({ key }, index) => [key, toPoints(fetched[index]!)]));
  batch(() => {
    loaded.value = { lines, earlier, ...grid };
    loads.value++;
    problem.value = null;
    wanted.forEach(({ key }) => addNewestIfMissing(key));
  });
  return Math.min(300_000, Math.max(15_000, 10 * grid.widthMs));
}

async function fetchEarlier(series: SeriesName, { from, to }: Span, points: number, aborted: AbortSignal): Promise<Point[]> {
  const { earlier, table } = selection.peek();
  if (!earlier || table) return [];
  const { ms } = EARLIER[earlier];
  return later(toPoints(await fetchBuckets(series, { from: from - ms, to: to - ms }, points, aborted)), ms);
}

// Old readings are deleted in time, so for "all" the first one is looked up each time.
async function learnFirsts(aborted: AbortSignal): Promise<void> {
  const isAll = selection.peek().range === "all";
  const unknown = shown.peek().filter(({ key }) => isAll || !firsts.peek().has(key));
  if (unknown.length === 0) return;
  const found = await Promise.all(unknown.map(async (series) => [series.key, await fetchFirst(series, aborted)] as const));
  firsts.value = new Map([...firsts.peek(), ...found]);
}

/** The time of the newest live reading that was added to each line, so that none is added twice. */
const joined = new Map<string, number>();

// A reading may have arrived while the request was running.
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
  const { zoom } = selection.peek();
  if (zoom && (atMs < zoom.from || atMs > zoom.to)) return;
  const oldest = frame.peek().from - before.widthMs;
  const longer = extend(points, before, atMs, value).filter((point) => point.to > oldest);
  loaded.value = { ...before, lines: new Map(before.lines).set(key, longer) };
}

/** Whether a series has a line, though perhaps of a part of the time frame only. */
export function hasLine(key: string): boolean {
  return loaded.value?.lines.has(key) === true;
}

export type History = "loaded" | "loading" | "failed";

/** Whether all readings of a series in the time frame are known. Until then, nothing can be said of them. */
export function historyOf(key: string): History {
  const isPending = loading.value || problem.value !== null;
  if (hasLine(key) && (reachesBack.value || !isPending)) return "loaded";
  return problem.value === null ? "loading" : "failed";
}

/** Whether the lines reach back to the beginning of the time frame, which may have become longer since they were loaded. */
const reachesBack = computed(() => loaded.value !== null && frame.value.from >= loaded.value.origin - loaded.value.widthMs);

/** The points of each series within the time frame, in the units that are drawn; none while they are being loaded. */
export const shownLines = computed<Point[][]>(() => {
  const { from, to } = frame.value;
  const pointsOf = (key: string) => loaded.value?.lines.get(key) ?? [];
  const within = (key: string) => pointsOf(key).filter((point) => point.to > from && point.from <= to);
  return shown.value.map(({ key }) => convertPoints(within(key), conversionOf(key)));
});

/** What the series in front is compared with, at the times of the chart and in its unit. */
export const shownEarlier = computed<Point[]>(() => {
  const front = shown.value[0];
  return front ? convertPoints(loaded.value?.earlier ?? [], conversionOf(front.key)) : [];
});

/** The points of the series in front. */
export const shownPoints = computed<Point[]>(() => shownLines.value[0] ?? []);

/** Zooms around an instant: in with a factor below 1, out with one above. */
export function zoomAround(at: number, factor: number): void {
  const { from, to } = frame.peek();
  const length = (to - from) * factor;
  const end = Math.min(Math.min(Math.max(at, from), to) + length / 2, Math.max(to, serverNow()));
  const zoom = spanOf(end - length, end);
  if (zoom) adjust({ zoom });
}

/** Moves back in time by a part of the frame, or forward with a negative one, but not beyond now. */
export function panBy(part: number): void {
  const { from, to } = frame.peek();
  const back = Math.max((to - from) * part, to - Math.max(to, serverNow()));
  const zoom = spanOf(from - back, to - back);
  if (zoom && back !== 0) adjust({ zoom });
}

export function zoomTo(span: Span): void {
  const zoom = spanOf(span.from, span.to);
  if (zoom) select({ zoom });
}

function spanOf(from: number, to: number): Span | null {
  return to - from < 1000 ? null : { from: Math.max(0, Math.round(from)), to: Math.round(to) };
}
