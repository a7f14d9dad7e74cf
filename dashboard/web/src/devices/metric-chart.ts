// The small chart of one metric: from buckets of readings to lines of a picture.

import { breaksOf, leastSpan } from "../ui/plotting";

const HOUR = 3_600_000;

export const CHART_RANGES = {
  "1h": { label: "1 h", ms: HOUR },
  "6h": { label: "6 h", ms: 6 * HOUR },
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
} as const;

export type ChartRange = keyof typeof CHART_RANGES;

/** The span that a chart shows: until now, or until the newest reading of a series that has ended before. */
export function spanOf(range: ChartRange, newest: number, now: number): { from: number; to: number } {
  const { ms } = CHART_RANGES[range];
  const to = newest < now - ms ? newest + 1 : Math.max(now, newest + 1);
  return { from: to - ms, to };
}

/** The picture in its own units; it is stretched to the room that there is. */
export const WIDTH = 300;
export const HEIGHT = 80;
const MARGIN = 4;

/** What the readings of a bucket have in common. */
export interface Slot {
  at: number;
  min: number;
  max: number;
  mean: number;
}

export interface Picture {
  /** Paths of an SVG: the band from the least to the greatest values, and the line of means. */
  band: string;
  line: string;
  min: number;
  max: number;
}

/** Null where there is nothing to draw. */
export function pictureOf(slots: Slot[], span: { from: number; to: number }): Picture | null {
  if (slots.length === 0) return null;
  const min = Math.min(...slots.map((slot) => slot.min));
  const max = Math.max(...slots.map((slot) => slot.max));
  // A flat line belongs in the middle, and noise looks flat.
  const range = Math.max(max - min, leastSpan(min, max));
  const middle = min / 2 + max / 2;
  const x = (at: number) => round(((at - span.from) / (span.to - span.from)) * WIDTH);
  const y = (value: number) => round(HEIGHT / 2 - ((value - middle) / range) * (HEIGHT - 2 * MARGIN));
  const runs = unbroken(slots);
  const line = runs.map((run) => lineOf(run.map((slot) => `${x(slot.at)} ${y(slot.mean)}`))).join("");
  const band = runs.map((run) => bandOf(run.map((slot) => `${x(slot.at)} ${y(slot.max)}`), run.map((slot) => `${x(slot.at)} ${y(slot.min)}`))).join("");
  return { band, line, min, max };
}

/** A run of one is a dash of no length, which round caps turn into a dot. */
function lineOf(spots: string[]): string {
  return spots.length === 1 ? `M${spots[0]}h0` : `M${spots.join("L")}`;
}

function bandOf(above: string[], below: string[]): string {
  return above.length === 1 ? "" : `M${[...above, ...below.reverse()].join("L")}Z`;
}

function unbroken(slots: Slot[]): Slot[][] {
  const breaks = breaksOf(slots.map((slot) => slot.at));
  const runs: Slot[][] = [];
  slots.forEach((slot, index) => {
    if (index === 0 || breaks[index]) runs.push([]);
    runs.at(-1)!.push(slot);
  });
  return runs;
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
