import type { Incident } from "../api/client";

/** Joins stored incidents with live ones; the live connection has the newest state of those that it lists. */
export function mergeIncidents(stored: Incident[], live: Incident[]): Incident[] {
  const known = new Set(live.map(({ id }) => id));
  return [...live, ...stored.filter(({ id }) => !known.has(id))];
}
