// What arrives while the reader connects a device.

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import { allSeries, rejectedCount, unmappedCount, type Series } from "../live/state";

/** More series than these that were silent are not waited for, but for new ones: a device that is connected is usually new. */
const MOST_WATCHED = 500;

export interface Arrivals {
  /** The first series with a reading since the start: a new one, or one that had been silent. */
  first: ReadonlySignal<Series | null>;
  /** What came and was not understood since the start. */
  misread: ReadonlySignal<"unmapped" | "rejected" | null>;
  stop(): void;
}

/** Watches what arrives from now on. */
export function watchArrivals(): Arrivals {
  const known = new Set(allSeries.peek().map(({ key }) => key));
  const silent = allSeries.peek().filter(({ newest }) => newest.peek().state !== "fresh").slice(0, MOST_WATCHED);
  const newestOf = (series: Series) => series.newest.peek().measuredAtMicros;
  const before = new Map(silent.map((series) => [series.key, newestOf(series)]));
  const [unmapped, rejected] = [unmappedCount.peek(), rejectedCount.peek()];
  const first = signal<Series | null>(null);
  const stop = effect(() => {
    if (first.peek()) return;
    silent.forEach((series) => void series.newest.value);
    const added = allSeries.value.find(({ key }) => !known.has(key));
    first.value = added ?? silent.find((series) => newestOf(series) !== before.get(series.key)) ?? null;
  });
  const misread = computed(() => {
    if (unmappedCount.value > unmapped) return "unmapped";
    return rejectedCount.value > rejected ? "rejected" : null;
  });
  return { first, misread, stop };
}
