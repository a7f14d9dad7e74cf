// The periods in which the server's clock was wrong, kept while a chart is shown.

import { computed, effect, signal } from "@preact/signals";
import { frontKey } from "../address/state";
import { fetchClockPeriods, type ClockPeriod } from "../api/client";
import { may } from "../live/caller";
import { generation } from "../live/state";
import { clockSpans } from "./clock-spans";
import { frame } from "./data";

/** A step of the clock shows within this time. */
const RELOAD_MS = 60_000;

const periods = signal<ClockPeriod[]>([]);

/** Those that the chart shows. */
export const shownClockSpans = computed(() => clockSpans(periods.value, frame.value));

/** Loads them now, with each new connection, and once a minute. Only callers without filters may. */
export function startClockPeriods(): () => void {
  if (!may("system")) return () => {};
  let abort = new AbortController();
  let timer = 0;
  async function load() {
    abort.abort();
    abort = new AbortController();
    clearTimeout(timer);
    // What cannot be loaded now is loaded a minute later: the chart is right without it.
    const { signal } = abort;
    const loaded = await fetchClockPeriods(signal).catch(() => null);
    if (signal.aborted) return;
    if (loaded) periods.value = loaded;
    timer = window.setTimeout(load, RELOAD_MS);
  }
  const stop = effect(() => {
    void [frontKey.value === null, generation.value];
    void load();
  });
  return () => [stop, () => abort.abort(), () => clearTimeout(timer)].forEach((end) => end());
}
