import { fetchBuckets, type Bucket, type Span } from "../api/client";
import type { Sensor } from "./state";

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

/** The recent past of one sensor, just fine enough for its sparkline: at most 120 slots of equal width. */
export class Trail {
  slots: Slot[] = [];
  slotMs = TEN_MINUTES / SLOTS;
  /** The snapshot since which it was filled from the store; 0 before. */
  generation = 0;
  /** Whether live readings join it: only of a sensor that somebody looks at, or ten thousand would fill the memory. */
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
   * What a sparkline shows: the last ten minutes, or the last ones that the sensor spoke in. A new sensor fills it
   * from the left, so that its first minutes are a line and not a speck.
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
  slot.mean += (value - slot.mean) / ++slot.count;
}

const MOST_FOLLOWED = 400;

/** The sensors with a trail; the one that was looked at longest ago is the first. */
const followed = new Set<Sensor>();

export function follow(sensor: Sensor): void {
  followed.delete(sensor);
  followed.add(sensor);
  sensor.trail.followed = true;
  if (sensor.trail.slots.length === 0) {
    const { measuredAtMs, value } = sensor.newest.peek();
    sensor.trail.add(measuredAtMs, value);
  }
  if (followed.size > MOST_FOLLOWED) forget(followed.values().next().value!);
}

function forget(sensor: Sensor): void {
  followed.delete(sensor);
  sensor.trail.forget();
}

/** Replaces the trail with what the store has, unless nobody waits for it any more when its turn comes. */
export async function seed(sensor: Sensor, nowMs: number, abort: AbortSignal): Promise<void> {
  const { trail, newest, precision } = sensor;
  const latestMs = newest.peek().measuredAtMs;
  // Recordings that are played back are days old and coarse; ten minutes of them would be two points.
  const slotMs = (nowMs - latestMs > DAY ? DAY : TEN_MINUTES) / SLOTS;
  const to = nowMs - latestMs > TEN_MINUTES ? latestMs : Math.max(nowMs, latestMs);
  const span = { from: to - SLOTS * slotMs, to: to + 1 };
  const buckets = await inTurn(() => fetchBuckets(sensor, span, SLOTS, abort), abort);
  const arrivedSince = trail.slots.filter((slot) => slot.at >= to);
  trail.fill(buckets, slotMs);
  trail.slots.push(...arrivedSince);
  for (const { min, max } of buckets) [min, max].forEach((value) => precision.learn(value));
}

// Browsers open six connections to a server. Seeding takes three of them at most, which leaves room for the chart.
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
