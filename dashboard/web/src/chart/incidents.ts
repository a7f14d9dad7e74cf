import { computed, effect, signal } from "@preact/signals";
import { fetchAlertsOf, type Alert } from "../api/client";
import { frame } from "./data";
import { choice, chosen, chosenKey, chosenSensor } from "../address/choice";
import { now } from "../live/clock";
import { incidentsOf, isWithin, limitsOf, merged, spanOf } from "./incident-bands";
import { alerts, generation, keyOf } from "../live/state";

const RETRY_MS = 5000;

/** Those of the range shown that the store has; the stream has the newest of all sensors only. */
const stored = signal<Alert[]>([]);

export const alertsProblem = signal<string | null>(null);

/** The alerts of the sensor in the chart that were open in the range shown, or are open now. */
const shown = computed(() => {
  const own = merged(stored.value, alerts.value).filter((alert) => keyOf(alert) === chosenKey.value);
  return own.filter((alert) => alert.resolved_at === null || isWithin(spanOf(alert, now.value), frame.value));
});

export const incidents = computed(() => incidentsOf(shown.value, now.value).filter((incident) => isWithin(incident, frame.value)));

export const limits = computed(() => limitsOf(shown.value, chosenSensor.value?.newest.value.unit ?? null));

let abort = new AbortController();
let retry = 0;
let running = false;

/** Keeps the alerts in step with the choice. What opens later is on the stream. */
export function startChartAlerts(): () => void {
  if (running) return () => {};
  running = true;
  const stopLoading = effect(() => {
    void [chosenKey.value, choice.value.range, choice.value.zoom, generation.value];
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
  const [sensor, { from, to }, { signal }] = [chosen.peek(), frame.peek(), abort];
  if (!sensor) return;
  try {
    stored.value = await fetchAlertsOf(sensor, { from, to: to + 1 }, signal);
    alertsProblem.value = null;
  } catch (error) {
    if (signal.aborted) return;
    alertsProblem.value = (error as Error).message;
    retry = window.setTimeout(load, RETRY_MS);
  }
}
