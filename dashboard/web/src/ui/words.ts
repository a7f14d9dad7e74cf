// Words for the values of metrics that have a few states: a door is open, not 1.

import { WORDS } from "./tables";

// Metrics are texts of devices, so this is a map: an object has "toString", too.
const byMetric = new Map(WORDS);

/** The words for the values 0, 1, and so on; null for a metric that is a quantity. */
export function wordsOf(metric: string): string[] | null {
  return byMetric.get(metric) ?? null;
}

/** The word for a value; null where the value has a unit, or is none that has a word. */
export function wordFor(metric: string, value: number, unit: string | null): string | null {
  return unit === null ? (wordsOf(metric)?.[value] ?? null) : null;
}
