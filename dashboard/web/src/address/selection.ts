// What the chart shows, as the page's address says it.

import type { Span } from "../api/client";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The ranges that the chart offers and their lengths in milliseconds; "all" has as long as the sensor has spoken. */
export const RANGES = {
  "15m": { label: "15 min", ms: 15 * MINUTE },
  "1h": { label: "1 h", ms: HOUR },
  "6h": { label: "6 h", ms: 6 * HOUR },
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
  all: { label: "All", ms: null },
} as const;

export type RangeName = keyof typeof RANGES;

export interface SensorName {
  device: string;
  metric: string;
}

/** What the chart shows. It lives in the page's address, so that a link shows the same to somebody else. */
export interface Choice {
  /** The one in front; null lets the page choose. */
  sensor: SensorName | null;
  /** Those that are drawn with it. */
  others: SensorName[];
  range: RangeName;
  /** A span that stays, instead of a range that moves on with the clock. */
  zoom: Span | null;
  table: boolean;
}

/** So many lines can still be told apart. */
export const MOST_SENSORS = 8;

const PARAMETERS = ["device", "metric", "with", "range", "from", "to", "chart"];

/** What cannot be read is left out: half of a link shows more than a complaint. */
export function choiceFrom(search: string): Choice {
  const query = new URLSearchParams(search);
  const [device, metric, range] = [query.get("device"), query.get("metric"), query.get("range") ?? ""];
  const sensor = device && metric ? { device, metric } : null;
  return {
    sensor,
    others: sensor ? without(query.getAll("with").flatMap(sensorFrom), sensor).slice(0, MOST_SENSORS - 1) : [],
    range: Object.hasOwn(RANGES, range) ? (range as RangeName) : "15m",
    zoom: spanFrom(query.get("from"), query.get("to")),
    table: query.get("chart") === "table",
  };
}

function sensorFrom(topic: string): SensorName[] {
  const [metric, ...levels] = topic.split("/");
  const device = levels.join("/");
  return metric && device ? [{ device, metric }] : [];
}

/** Each once, and not the one in front. */
function without(others: SensorName[], sensor: SensorName): SensorName[] {
  const known = new Set([topicOf(sensor)]);
  return others.filter((one) => !known.has(topicOf(one)) && known.add(topicOf(one)));
}

function topicOf({ device, metric }: SensorName): string {
  return `${metric}/${device}`;
}

// Some browsers take nearly any text with a figure in it for a date.
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

function spanFrom(fromText: string | null, toText: string | null): Span | null {
  const [from, to] = [fromText, toText].map((text) => Date.parse(TIME.test(text ?? "") ? text! : "")) as [number, number];
  return from < to ? { from, to } : null;
}

/** The address with this choice; all else in it stays. */
export function withChoice(search: string, { sensor, others, range, zoom, table }: Choice): string {
  const query = new URLSearchParams();
  if (sensor) {
    query.set("device", sensor.device);
    query.set("metric", sensor.metric);
    others.forEach((other) => query.append("with", topicOf(other)));
  }
  query.set("range", range);
  if (zoom) {
    query.set("from", new Date(zoom.from).toISOString());
    query.set("to", new Date(zoom.to).toISOString());
  }
  if (table) query.set("chart", "table");
  new URLSearchParams(search).forEach((value, name) => {
    if (!PARAMETERS.includes(name)) query.append(name, value);
  });
  return query.toString();
}

/** Another sensor begins alone, unless it is said what is drawn with it. */
export function changed(choice: Choice, next: Partial<Choice>): Choice {
  const others = next.sensor === undefined ? choice.others : [];
  return { ...choice, others, ...next };
}

/** Puts one of the others in front; the one that was there takes its place. */
export function inFront(choice: Choice, sensor: SensorName): Partial<Choice> {
  const others = choice.others.map((other) => (topicOf(other) === topicOf(sensor) ? choice.sensor! : other));
  return { sensor, others };
}

/** Takes one out of the chart; the next one comes to the front if need be. */
export function leftOut(choice: Choice, sensor: SensorName): Partial<Choice> {
  const [first, ...others] = [choice.sensor!, ...choice.others].filter((one) => topicOf(one) !== topicOf(sensor));
  return first ? { sensor: first, others } : {};
}
