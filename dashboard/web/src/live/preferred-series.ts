import type { SeriesName } from "../api/client";
import { alerting, allSeries } from "./state";

// The chart stays where it is when incidents come and go.
let shownKey: string | null = null;

/** Which series the chart shows while the reader has selected none: one with an open incident, or else the first. */
export function preferredSeries(): SeriesName | null {
  const all = allSeries.value;
  const shown = all.find(({ key }) => key === shownKey);
  const pick = shown ?? all.find(({ key }) => alerting.value.has(key)) ?? all[0];
  shownKey = pick?.key ?? null;
  return pick ? { device: pick.device, metric: pick.metric } : null;
}
