import { batch, computed, effect, signal } from "@preact/signals";
import { fetchBuckets, fetchFirst } from "./api";
import { choice, choose, chosen, chosenKey, chosenSensor, RANGES } from "./choice";
import { now, serverNow } from "./clock";
import { extend, frameOf, toPoints, wholeFrame, type Frame, type Point } from "./history";
import { generation } from "./state";

const RETRY_MS = 5000;

interface Loaded {
  key: string;
  points: Point[];
  widthMs: number;
}

export const loaded = signal<Loaded | null>(null);
export const loading = signal(false);
export const problem = signal<string | null>(null);

/** How many points the chart has room for: one for every four pixels, so that lines stay lines. */
export const room = signal(roomIn(Math.min(innerWidth, 1000)));

export function roomIn(pixels: number): number {
  return Math.max(80, Math.min(360, Math.round(pixels / 4)));
}

/** When the sensor in the chart first spoke. */
const first = signal<{ key: string; at: number | null } | null>(null);

/** The stretch of time to show now. It moves with the clock or with the newest reading. */
export const frame = computed<Frame>(() => {
  const { zoom, range } = choice.value;
  if (zoom) return { ...zoom, endsAtNewest: false, beginsAtFirst: false };
  const newest = chosenSensor.value?.newest.value;
  const newestMs = newest ? Date.parse(newest.measured_at) : now.value;
  const firstMs = first.value?.key === chosenKey.value ? first.value!.at : null;
  const lengthMs = RANGES[range].ms;
  if (lengthMs === null) return wholeFrame(firstMs ?? newestMs, newestMs);
  return frameOf(lengthMs, firstMs, newestMs, now.value);
});

let abort = new AbortController();
let refetch = 0;

/** Keeps `loaded` in step with the choice: fetched anew when that changes, and extended by each live reading. */
export function startChart(): void {
  effect(() => {
    void [chosenKey.value, choice.value.range, choice.value.zoom, generation.value];
    void load();
  });
  effect(() => {
    const newest = chosenSensor.value?.newest.value;
    if (newest) addLive(Date.parse(newest.measured_at), newest.value);
  });
}

async function load(): Promise<void> {
  abort.abort();
  abort = new AbortController();
  clearTimeout(refetch);
  if (!chosenKey.peek()) return;
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
  const [sensor, key] = [chosen.peek()!, chosenKey.peek()!];
  // Old readings are deleted in time, and "all" is to begin with one that is still there.
  if (first.peek()?.key !== key || choice.peek().range === "all") {
    first.value = { key, at: await fetchFirst(sensor, aborted) };
  }
  const { from, to } = frame.peek();
  const widthMs = (to - from) / room.peek();
  // The end of a span is not part of it, and the newest reading may lie right on it.
  const buckets = await fetchBuckets(sensor, { from, to: to + 1 }, room.peek(), aborted);
  batch(() => {
    loaded.value = { key, points: toPoints(buckets), widthMs };
    problem.value = null;
    addNewestIfMissing();
  });
  return Math.min(300_000, Math.max(15_000, 10 * widthMs));
}

// A reading may have arrived while the answer was under way.
function addNewestIfMissing(): void {
  const newest = chosenSensor.peek()?.newest.peek();
  const last = loaded.peek()?.points.at(-1);
  const at = newest ? Date.parse(newest.measured_at) : 0;
  if (newest && last && at >= last.to) addLive(at, newest.value);
}

function addLive(at: number, value: number): void {
  const before = loaded.peek();
  const { zoom } = choice.peek();
  if (!before || before.key !== chosenKey.peek()) return;
  if (zoom && (at < zoom.from || at > zoom.to)) return;
  const points = extend(before.points, before.widthMs, at, value);
  const oldest = frame.peek().from - before.widthMs;
  loaded.value = { ...before, points: points.filter((point) => point.to > oldest) };
}

/** The points that lie in the frame, or none while another sensor's are still on their way. */
export const shownPoints = computed<Point[]>(() => {
  if (!loaded.value || loaded.value.key !== chosenKey.value) return [];
  const { from, to } = frame.value;
  return loaded.value.points.filter((point) => point.to > from && point.from <= to);
});

/** Zooms to the middle part of the frame, or out of it, around an instant. */
export function zoomAround(at: number, factor: number): void {
  const { from, to } = frame.peek();
  const half = ((to - from) * factor) / 2;
  const middle = Math.min(Math.max(at, from), to);
  zoomTo({ from: middle - half, to: Math.min(middle + half, Math.max(to, serverNow())) });
}

export function zoomTo(span: { from: number; to: number }): void {
  if (span.to - span.from < 1000) return;
  choose({ zoom: { from: Math.round(span.from), to: Math.round(span.to) } });
}
