// Several series in one chart: a common time axis, at most two value scales, and the rows of the table.

import { conversion, convert, type Conversion } from "../ui/units";
import { stepOf, type Grid } from "./grid";
import type { Columns, Point } from "./points";

/** The values of one line at each time: undefined where it has no point, null where it breaks. */
export interface LineColumns {
  means: (number | null | undefined)[];
  highs: (number | null | undefined)[];
  lows: (number | null | undefined)[];
}

/** Lines on one time axis, as uPlot expects them. */
export interface Joined {
  times: number[];
  lines: LineColumns[];
}

/** Places the columns of each line on the common axis. */
export function join(all: Columns[]): Joined {
  const times = [...new Set(all.flatMap((columns) => columns.times))].sort((a, b) => a - b);
  const placeOf = new Map(times.map((time, place) => [time, place]));
  const lines = all.map((columns) => {
    const places = columns.times.map((time) => placeOf.get(time)!);
    const spread = (values: (number | null)[]) => spreadOut(values, places, times.length);
    return { means: spread(columns.means), highs: spread(columns.highs), lows: spread(columns.lows) };
  });
  return { times, lines };
}

/** A break reaches from the column before it to the one after it, across the columns of other lines. */
function spreadOut(values: (number | null)[], places: number[], length: number): (number | null | undefined)[] {
  const spread = new Array<number | null | undefined>(length).fill(undefined);
  values.forEach((value, index) => {
    const place = places[index]!;
    if (value !== null) spread[place] = value;
    else spread.fill(null, (places[index - 1] ?? place - 1) + 1, places[index + 1] ?? place + 1);
  });
  return spread;
}

/** The point of a line at an instant, or the nearest one within `reachMs`; null inside a gap. */
export function pointAt(points: Point[], atMs: number, reachMs: number): Point | null {
  let [nearest, least] = [null as Point | null, reachMs];
  for (const point of points) {
    const distance = Math.max(point.from - atMs, atMs - point.to, 0);
    if (distance <= least && !(nearest && distance === least)) [nearest, least] = [point, distance];
  }
  return nearest;
}

/**
 * Several series whose units convert into each other are drawn in the unit of the first of them. `preferred` says how each is
 * shown on its own, and `sent` in which unit its device sends.
 */
export function inOneUnit(preferred: Conversion[], sent: (string | null)[]): Conversion[] {
  return preferred.map((own, place) => {
    const first = preferred.slice(0, place).find(({ unit }) => conversion(own.unit, unit).unit === unit);
    return first && first.unit !== own.unit ? conversion(sent[place]!, first.unit) : own;
  });
}

/** The points in another unit. */
export function convertPoints(points: Point[], into: Conversion): Point[] {
  if (into.factor === 1 && into.offset === 0) return points;
  return points.map((point) => ({ ...point, min: convert(point.min, into), max: convert(point.max, into), mean: convert(point.mean, into) }));
}

export interface Scales {
  /** At most two names: units, or metrics where the unit is unknown. */
  names: string[];
  /** The scale of each series: 0, 1, or null where the chart has two other scales already. */
  of: (0 | 1 | null)[];
}

export interface Measured {
  metric: string;
  unit: string | null;
}

/** A series without a unit shares the scale of its metric, or has its own. */
export function scalesOf(all: Measured[]): Scales {
  const nameOf = ({ metric, unit }: Measured) =>
    unit ?? all.find((other) => other.metric === metric && other.unit !== null)?.unit ?? metric;
  const names = [...new Set(all.map(nameOf))].slice(0, 2);
  const of = all.map((series) => {
    const index = names.indexOf(nameOf(series));
    return index < 0 ? null : (index as 0 | 1);
  });
  return { names, of };
}

/** One row of the table: the point of each series in the same bucket. */
export interface TableRow {
  from: number;
  points: (Point | null)[];
}

/** Rows, newest first, of lines on one grid. */
export function toRows(lines: Point[][], grid: Grid): TableRow[] {
  const rows = new Map<number, TableRow>();
  lines.forEach((points, line) => {
    for (const point of points) {
      const step = stepOf(grid, point.from);
      let row = rows.get(step);
      if (!row) rows.set(step, (row = { from: point.from, points: lines.map(() => null) }));
      row.points[line] = point;
    }
  });
  return [...rows.entries()].sort(([a], [b]) => b - a).map(([, row]) => row);
}
