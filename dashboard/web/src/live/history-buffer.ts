import { fetchBuckets, type Bucket, type SeriesName, type Span } from "../api/client";
import type { NewestReading } from "./frames";
import type { Precision } from "./precision";

const SLOTS = 120;
const FEWEST_SLOTS = 12;
const TEN_MINUTES = 600_000;
const DAY = 86_400_000;

export interface Slot {
  /** When the slot begins, in milliseconds. */
  at: number;
  min: number;
  max: number;
  mean: number;
  count: number;
}

/** The recent past of one series, just fine enough for its sparkline: at most 120 slots of equal width. */
export class HistoryBuffer {
  slots: Slot[] = [];
  slotMs = TEN_MINUTES / SLOTS;
  /** The snapshot after which it was filled from the store; 0 before. */
  generation = 0;
  /** Whether live readings are added: only for visible series, as ten thousand buffers would fill the memory. */
  followed = false;

  forget(): void {
    this.slots = [];
    this.generation = 0;
    this.followed = false;
  }

  add(at: number, value: number): void {
    const last = this.slots.at(-1);
    const steps = last ? Math.floor((at - last.at) / this.slotMs) : 0;
    if (last && steps < 0) return;
    if (last && steps === 0) return widen(last, value);
    const from = last ? last.at + steps * this.slotMs : at;
    this.slots.push({ at: from, min: value, max: value, mean: value, count: 1 });
    this.slots = this.slots.filter((slot) => slot.at > from - SLOTS * this.slotMs);
  }

  fill(buckets: Bucket[], slotMs: number): void {
    this.slotMs = slotMs;
    this.slots = buckets.map(({ from, min, max, mean, count }) => ({ at: Date.parse(from), min, max, mean, count }));
  }

  /**
   * The time that a sparkline shows: the last ten minutes, or the last ten before a series went silent. A new series
   * fills the sparkline from the left, so that its first minutes are a line and not a speck.
   */
  span(newestMs: number, nowMs: number): Span {
    const silent = nowMs - newestMs > TEN_MINUTES;
    const to = silent ? newestMs : Math.max(nowMs, newestMs);
    const from = Math.max(to - (SLOTS - 1) * this.slotMs, this.slots[0]?.at ?? 0);
    return { from, to: Math.max(to, from + FEWEST_SLOTS * this.slotMs) };
  }
}

function widen(slot: Slot, value: number): void {
  slot.min = Math.min(slot.min, value);
  slot.max = Math.max(slot.max, value);
  // A difference of the largest numbers would be infinite.
  const count = slot.count + 1;
  slot.mean = slot.mean * (slot.count / count) + value / count;
  slot.count = count;
}

/** A series that can have a sparkline. */
interface Followed extends SeriesName {
  newest: { peek(): NewestReading };
  precision: Precision;
  buffer: HistoryBuffer;
}

const MOST_FOLLOWED = 400;

/** The series whose buffers are filled, the one that was visible longest ago first. */
const followed = new Set<Followed>();

/** Begins to add live readings to the buffer of a series. */
export function follow(series: Followed): void {
  followed.delete(series);
  followed.add(series);
  series.buffer.followed = true;
  if (series.buffer.slots.length === 0) {
    const { measuredAtMs, value } = series.newest.peek();
    series.buffer.add(measuredAtMs, value);
  }
  if (followed.size > MOST_FOLLOWED) forget(followed.values().next().value!);
}

function forget(series: Followed): void {
  followed.delete(series);
  series.buffer.forget();
}

/** Fills the buffer from the store. Throws when `abort` is signalled before its turn comes. */
export async function seed(series: Followed, nowMs: number, abort: AbortSignal): Promise<void> {
  const { buffer, newest, precision } = series;
  const latestMs = newest.peek().measuredAtMs;
  // Replayed recordings are days old and coarse; ten minutes of them would be two points.
  const slotMs = (nowMs - latestMs > DAY ? DAY : TEN_MINUTES) / SLOTS;
  const to = nowMs - latestMs > TEN_MINUTES ? latestMs : Math.max(nowMs, latestMs);
  const span = { from: to - SLOTS * slotMs, to: to + 1 };
  const buckets = await inTurn(() => fetchBuckets(series, span, SLOTS, abort), abort);
  const arrivedSince = buffer.slots.filter((slot) => slot.at >= to);
  buffer.fill(buckets, slotMs);
  buffer.slots.push(...arrivedSince);
  for (const { min, max } of buckets) [min, max].forEach((value) => precision.learn(value));
}

// Browsers open six connections to a server. Sparklines use at most three, which leaves some for the chart.
const waiting: (() => void)[] = [];
let running = 0;

async function inTurn<T>(work: () => Promise<T>, abort: AbortSignal): Promise<T> {
  if (running >= 3) await new Promise<void>((resume) => waiting.push(resume));
  running++;
  try {
    abort.throwIfAborted();
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}
