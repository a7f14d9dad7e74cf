// What the chart shows, as the page's address says it.

import type { SeriesName, Span } from "../api/client";
import { keyOf } from "./names";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The ranges that the chart offers and their lengths in milliseconds; "all" reaches back to the first reading. */
export const RANGES = {
  "15m": { label: "15 min", ms: 15 * MINUTE },
  "1h": { label: "1 h", ms: HOUR },
  "6h": { label: "6 h", ms: 6 * HOUR },
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
  all: { label: "All", ms: null },
} as const;

/** What the series in front may be compared with: itself, so many milliseconds before. */
export const EARLIER = {
  day: { label: "the day before", ms: 24 * HOUR },
  week: { label: "the week before", ms: 7 * 24 * HOUR },
} as const;

export type EarlierName = keyof typeof EARLIER;

export type RangeName = keyof typeof RANGES;

/** What the chart shows. */
export interface Selection {
  /** The series in front; null lets the page choose one. */
  series: SeriesName | null;
  /** The series that are drawn with it. */
  others: SeriesName[];
  range: RangeName;
  /** A fixed span, instead of a range that ends now. */
  zoom: Span | null;
  table: boolean;
  /** What the series in front is compared with. */
  earlier: EarlierName | null;
}

/** More lines could not be distinguished. */
export const MOST_SERIES = 8;

const PARAMETERS = ["device", "metric", "with", "range", "from", "to", "chart", "earlier"];

/** Parts that are not understood are ignored: half of a link is more useful than an error. */
export function selectionFrom(search: string): Selection {
  const query = new URLSearchParams(search);
  const [device, metric] = [query.get("device"), query.get("metric")];
  const [range, earlier] = [query.get("range") ?? "", query.get("earlier") ?? ""];
  const series = device && metric ? { device, metric } : null;
  return {
    series,
    others: series ? distinct(query.getAll("with").flatMap((names) => names.split(",")).flatMap(seriesFrom), series).slice(0, MOST_SERIES - 1) : [],
    range: Object.hasOwn(RANGES, range) ? (range as RangeName) : "15m",
    zoom: spanFrom(query.get("from"), query.get("to")),
    table: query.get("chart") === "table",
    earlier: Object.hasOwn(EARLIER, earlier) ? (earlier as EarlierName) : null,
  };
}

function seriesFrom(topic: string): SeriesName[] {
  const [metric, ...levels] = topic.split("/");
  const device = levels.join("/");
  return metric && device ? [{ device, metric }] : [];
}

/** Each series once, without the one in front. */
function distinct(others: SeriesName[], series: SeriesName): SeriesName[] {
  const known = new Set([keyOf(series)]);
  return others.filter((one) => !known.has(keyOf(one)) && known.add(keyOf(one)));
}

// Some browsers parse nearly any text with a digit as a date.
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

function spanFrom(fromText: string | null, toText: string | null): Span | null {
  const [from, to] = [fromText, toText].map((text) => Date.parse(TIME.test(text ?? "") ? text! : "")) as [number, number];
  return from < to ? { from, to } : null;
}

/** The address with this selection; everything else in it stays. */
export function withSelection(search: string, { series, others, range, zoom, table, earlier }: Selection): string {
  const query = new URLSearchParams();
  if (series) {
    query.set("device", series.device);
    query.set("metric", series.metric);
    others.forEach((other) => query.append("with", keyOf(other)));
  }
  query.set("range", range);
  if (zoom) {
    query.set("from", new Date(zoom.from).toISOString());
    query.set("to", new Date(zoom.to).toISOString());
  }
  if (table) query.set("chart", "table");
  if (earlier) query.set("earlier", earlier);
  new URLSearchParams(search).forEach((value, name) => {
    if (!PARAMETERS.includes(name)) query.append(name, value);
  });
  return query.toString();
}

/** Another series in front stands alone, unless `next` has others. */
export function changed(selection: Selection, next: Partial<Selection>): Selection {
  const others = next.series === undefined ? selection.others : [];
  return { ...selection, others, ...next };
}

/** Exchanges the series in front with one of the others. */
export function inFront(selection: Selection, series: SeriesName): Partial<Selection> {
  const others = selection.others.map((other) => (keyOf(other) === keyOf(series) ? selection.series! : other));
  return { series, others };
}

/** Removes a series from the chart; if it was in front, the next one takes its place. */
export function withoutSeries(selection: Selection, series: SeriesName): Partial<Selection> {
  const [first, ...others] = [selection.series!, ...selection.others].filter((one) => keyOf(one) !== keyOf(series));
  return first ? { series: first, others } : {};
}
