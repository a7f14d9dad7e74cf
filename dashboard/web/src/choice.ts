import { batch, computed, signal } from "@preact/signals";
import { alertFilter } from "./alert-filter";
import type { Span } from "./api";
import { listing } from "./listed";
import { withListing } from "./listing";
import { scope } from "./scope";
import { keyOf, openAlerts, sensorOf, sensors } from "./state";

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

/** What the chart shows. It lives in the page's address, so that a link shows the same to somebody else. */
export interface Choice {
  sensor: { device: string; metric: string } | null;
  range: RangeName;
  zoom: Span | null;
}

export const choice = signal(fromQuery(location.search));

window.addEventListener("popstate", () => (choice.value = fromQuery(location.search)));

// Without a choice the chart shows what needs a look, and stays there when alerts come and go.
let firstShown: string | null = null;

/** The sensor in the chart: the chosen one, even if it is unknown, or else the first that alerts, or else the first. */
export const chosen = computed(() => {
  if (choice.value.sensor) return choice.value.sensor;
  const all = sensors.value;
  const kept = all.find((sensor) => sensor.key === firstShown);
  const pick = kept ?? all.find((sensor) => openAlerts.value.has(sensor.key)) ?? all[0];
  firstShown = pick?.key ?? null;
  return pick ? { device: pick.device, metric: pick.metric } : null;
});

export const chosenKey = computed(() => (chosen.value ? keyOf(chosen.value) : null));

/** The chosen sensor once it is known to the page. */
export const chosenSensor = computed(() => {
  void sensors.value;
  return chosenKey.value ? sensorOf(chosenKey.value) : undefined;
});

export function choose(next: Partial<Choice>): void {
  const wanted = { ...current(), ...next };
  if (hrefOf(wanted) === hrefOf(choice.value)) return;
  history.pushState(null, "", hrefOf(wanted));
  batch(() => (choice.value = wanted));
}

/** The address that shows this page with another choice, and the same list. */
export function hrefOf(next: Partial<Choice>): string {
  const { sensor, range, zoom } = { ...current(), ...next };
  const query = new URLSearchParams();
  if (sensor) {
    query.set("device", sensor.device);
    query.set("metric", sensor.metric);
  }
  query.set("range", range);
  if (zoom) {
    query.set("from", new Date(zoom.from).toISOString());
    query.set("to", new Date(zoom.to).toISOString());
  }
  if (alertFilter.value !== "all") query.set("alerts", alertFilter.value);
  if (scope.value.filters.length > 0) query.set("topics", scope.value.filters.join());
  return withListing(query.toString(), listing.value);
}

function current(): Choice {
  return { ...choice.peek(), sensor: chosen.peek() };
}

function fromQuery(search: string): Choice {
  const query = new URLSearchParams(search);
  const [device, metric, range] = [query.get("device"), query.get("metric"), query.get("range")];
  const [from, to] = [Date.parse(query.get("from") ?? ""), Date.parse(query.get("to") ?? "")];
  return {
    sensor: device && metric ? { device, metric } : null,
    range: range && range in RANGES ? (range as RangeName) : "15m",
    zoom: from < to ? { from, to } : null,
  };
}
