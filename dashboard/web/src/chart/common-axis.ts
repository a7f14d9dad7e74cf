// Several sensors in one chart: a common axis of time, at most two scales of values, and rows for a table.

import type { Span } from "../api/client";
import type { Columns, Point } from "./points";

/** What one line has at each time: undefined where it has no column, null where it breaks. */
export interface LineColumns {
  means: (number | null | undefined)[];
  highs: (number | null | undefined)[];
  lows: (number | null | undefined)[];
}

/** Lines on one axis of time, as uPlot takes them. */
export interface Joined {
  times: number[];
  lines: LineColumns[];
}

/** Puts each line's columns where they belong on the axis of all. */
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

/** A break reaches from the column before it to the one after it, over all that other lines have in between. */
function spreadOut(values: (number | null)[], places: number[], length: number): (number | null | undefined)[] {
  const spread = new Array<number | null | undefined>(length).fill(undefined);
  values.forEach((value, index) => {
    const place = places[index]!;
    if (value !== null) spread[place] = value;
    else spread.fill(null, (places[index - 1] ?? place - 1) + 1, places[index + 1] ?? place + 1);
  });
  return spread;
}

/** The point of a line at an instant, or the nearest one within `reachMs`: a gap has no value. */
export function pointAt(points: Point[], atMs: number, reachMs: number): Point | null {
  let [nearest, least] = [null as Point | null, reachMs];
  for (const point of points) {
    const distance = Math.max(point.from - atMs, atMs - point.to, 0);
    if (distance <= least && !(nearest && distance === least)) [nearest, least] = [point, distance];
  }
  return nearest;
}

export interface Scales {
  /** At most two: a unit, or the metric where no unit is known. */
  names: string[];
  /** Whose scale each sensor has: 0, 1, or null for one that has none any more. */
  of: (0 | 1 | null)[];
}

export interface Measured {
  metric: string;
  unit: string | null;
}

/** Who has no unit shares the scale of the same metric, or has one of its own. */
export function scalesOf(sensors: Measured[]): Scales {
  const nameOf = ({ metric, unit }: Measured) =>
    unit ?? sensors.find((other) => other.metric === metric && other.unit !== null)?.unit ?? metric;
  const names = [...new Set(sensors.map(nameOf))].slice(0, 2);
  const of = sensors.map((sensor) => {
    const index = names.indexOf(nameOf(sensor));
    return index < 0 ? null : (index as 0 | 1);
  });
  return { names, of };
}

/** One stretch of time in the table: what each sensor had in it. */
export interface TableRow {
  from: number;
  points: (Point | null)[];
}

/** Newest first. All lines lie on one grid, that begins at `origin` and has steps of `widthMs`. */
export function toRows(lines: Point[][], origin: number, widthMs: number): TableRow[] {
  const rows = new Map<number, TableRow>();
  lines.forEach((points, line) => {
    for (const point of points) {
      const step = Math.round((point.from - origin) / widthMs);
      let row = rows.get(step);
      if (!row) rows.set(step, (row = { from: point.from, points: lines.map(() => null) }));
      row.points[line] = point;
    }
  });
  return [...rows.entries()].sort(([a], [b]) => b - a).map(([, row]) => row);
}

/** Where the raw readings of a sensor are, as a file. */
export function csvHref({ device, metric }: { device: string; metric: string }, { from, to }: Span): string {
  const [first, last] = [new Date(Math.floor(from)).toISOString(), new Date(Math.floor(to) + 1).toISOString()];
  return `api/readings?${new URLSearchParams({ device, metric, from: first, to: last, format: "csv" })}`;
}
