import type { Bucket, Span } from "../api/client";
import { breaksOf } from "../ui/plotting";
import { stepOf, type Grid } from "./grid";

/** A bucket of the chart, with its times in milliseconds. */
export interface Point {
  from: number;
  to: number;
  min: number;
  max: number;
  mean: number;
  count: number;
}

/** The time that the chart shows. */
export interface TimeFrame extends Span {
  /** Whether it ends at the newest reading instead of now, because that reading is old. */
  endsAtNewest: boolean;
  /** Whether it begins at the first reading, because the series is younger than the range. */
  beginsAtFirst: boolean;
}

const SHORTEST_MS = 60_000;

/** A frame that reaches from the newest reading to now is at most so many times as long as its range. */
const LONGEST_REACH = 24;

/**
 * The time frame of a range of `lengthMs`. A series that has been silent for most of the range, such as a replayed
 * recording, is shown up to its newest reading instead of up to now. While it has an open incident, which may be its
 * silence, the frame reaches from there to now. A series that is new fills the chart from the left, instead of being a
 * sliver at the right edge.
 */
export function frameOf(lengthMs: number, firstMs: number | null, newestMs: number, nowMs: number, isAlerting = false): TimeFrame {
  const silentMs = nowMs - newestMs;
  const isSilent = silentMs > lengthMs / 2;
  const reachesNow = isSilent && isAlerting && silentMs < LONGEST_REACH * lengthMs;
  const endsAtNewest = isSilent && !reachesNow;
  const to = endsAtNewest ? newestMs : Math.max(nowMs, newestMs);
  const earliest = reachesNow ? newestMs - lengthMs / 2 : to - lengthMs;
  const beginsAtFirst = firstMs !== null && firstMs > earliest && firstMs < to;
  // A single reading at the very edge could not be seen.
  const from = beginsAtFirst ? firstMs - (reachesNow ? (to - firstMs) * 0.04 : 0) : earliest;
  return { from, to: Math.max(to, from + SHORTEST_MS), endsAtNewest, beginsAtFirst };
}

/** From the first reading to the newest. */
export function wholeFrame(firstMs: number, newestMs: number): TimeFrame {
  const margin = Math.max(0, SHORTEST_MS - (newestMs - firstMs)) / 2;
  return { from: firstMs - margin, to: newestMs + margin, endsAtNewest: false, beginsAtFirst: false };
}

export function toPoints(buckets: Bucket[]): Point[] {
  return buckets.map((bucket) => ({ ...bucket, from: Date.parse(bucket.from), to: Date.parse(bucket.to) }));
}

/** The same at times so many milliseconds later. */
export function later(points: Point[], ms: number): Point[] {
  return points.map((point) => ({ ...point, from: point.from + ms, to: point.to + ms }));
}

/** Adds a live reading at the end. This is approximate; the next load corrects it. */
export function extend(points: Point[], grid: Grid, at: number, value: number): Point[] {
  const last = points.at(-1);
  if (last && at < last.from) return points;
  const [before, step] = [last && stepOf(grid, last.from), Math.floor((at - grid.origin) / grid.widthMs)];
  if (before !== undefined && step <= before) return [...points.slice(0, -1), merged(last!, value)];
  const from = grid.origin + step * grid.widthMs;
  return [...points, { from, to: from + grid.widthMs, min: value, max: value, mean: value, count: 1 }];
}

function merged(point: Point, value: number): Point {
  const count = point.count + 1;
  return {
    ...point,
    count,
    min: Math.min(point.min, value),
    max: Math.max(point.max, value),
    // A difference of the largest numbers would be infinite.
    mean: point.mean * (point.count / count) + value / count,
  };
}

/** Columns as uPlot expects them: times in seconds, and null where the line breaks. */
export interface Columns {
  times: number[];
  means: (number | null)[];
  lows: (number | null)[];
  highs: (number | null)[];
  /** The point of each column; null for a break. */
  points: (Point | null)[];
}

/** The line breaks where a step is long for this series, and within `gaps`, where an incident says that it was silent. */
export function toColumns(points: Point[], frame: Span, gaps: Span[] = []): Columns {
  const columns: Columns = { times: [], means: [], lows: [], highs: [], points: [] };
  const breaks = breaksOf(points.map((point) => point.from));
  points.forEach((point, index) => {
    const before = points[index - 1];
    const isBreak = before && (breaks[index] || gaps.some((gap) => fills(gap, before, point)));
    if (isBreak) push(columns, (before.to + point.from) / 2, null);
    push(columns, Math.min((point.from + point.to) / 2, Math.max(frame.to, point.from)), point);
  });
  return columns;
}

/** Whether a gap lies between two points. Readings that came late may have filled it since. */
function fills(gap: Span, before: Point, after: Point): boolean {
  const step = after.from - before.to;
  const common = Math.min(gap.to, after.from) - Math.max(gap.from, before.to);
  return step > 0 && common >= step / 2 && step >= (gap.to - gap.from) / 2;
}

function push(columns: Columns, atMs: number, point: Point | null): void {
  columns.times.push(atMs / 1000);
  columns.means.push(point ? point.mean : null);
  columns.lows.push(point ? point.min : null);
  columns.highs.push(point ? point.max : null);
  columns.points.push(point);
}

/** Minimum, maximum and mean of a whole span; null when it has no reading. */
export function summaryOf(points: Point[], frame: Span): Point | null {
  const inside = points.filter((point) => point.to > frame.from && point.from <= frame.to);
  if (inside.length === 0) return null;
  const count = inside.reduce((sum, point) => sum + point.count, 0);
  const mean = inside.reduce((sum, point) => sum + point.mean * (point.count / count), 0);
  return {
    from: frame.from,
    to: frame.to,
    min: Math.min(...inside.map((point) => point.min)),
    max: Math.max(...inside.map((point) => point.max)),
    mean,
    count,
  };
}
