// The incidents of the series in front.

import { computed, effect, signal } from "@preact/signals";
import { keyOf } from "../address/names";
import { front, frontKey, selection } from "../address/state";
import { fetchIncidentsOf, type Incident } from "../api/client";
import { now } from "../live/clock";
import { mergeIncidents } from "../live/merge-incidents";
import { generation, incidents } from "../live/state";
import { frame } from "./data";
import { isWithin, limitsOf, spanOf } from "./incident-spans";
import { sentUnitOf, unitOf } from "./shown";

const RETRY_MS = 5000;

/** The stored incidents of the time frame; the live connection lists only the newest of all series. */
const stored = signal<Incident[]>([]);

export const incidentsProblem = signal<string | null>(null);

/** The incidents that were open within the time frame, or are open now. */
const shown = computed(() => {
  const own = mergeIncidents(stored.value, incidents.value).filter((incident) => keyOf(incident) === frontKey.value);
  return own.filter((incident) => incident.resolved_at === null || isWithin(spanOf(incident, now.value), frame.value));
});

export const incidentSpans = computed(() => {
  return shown.value.map((incident) => spanOf(incident, now.value)).filter((span) => isWithin(span, frame.value));
});

export const limits = computed(() => frontKey.value === null ? [] : limitsOf(shown.value, sentUnitOf(frontKey.value), unitOf(frontKey.value)));

let abort = new AbortController();
let retry = 0;
let running = false;

/** Keeps the incidents in step with the selection. The live connection brings those that open later. */
export function startChartIncidents(): () => void {
  if (running) return () => {};
  running = true;
  const stopLoading = effect(() => {
    void [frontKey.value, selection.value.range, selection.value.zoom, generation.value];
    void load();
  });
  return () => {
    running = false;
    [stopLoading, () => abort.abort(), () => clearTimeout(retry)].forEach((stop) => stop());
  };
}

async function load(): Promise<void> {
  abort.abort();
  abort = new AbortController();
  clearTimeout(retry);
  const [series, { from, to }, { signal }] = [front.peek(), frame.peek(), abort];
  if (!series) return;
  try {
    stored.value = await fetchIncidentsOf(series, { from, to: to + 1 }, signal);
    incidentsProblem.value = null;
  } catch (error) {
    if (signal.aborted) return;
    incidentsProblem.value = (error as Error).message;
    retry = window.setTimeout(load, RETRY_MS);
  }
}
