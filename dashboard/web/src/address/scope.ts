// Which sensors this page is about: all of them, or those that the address names, as on a wall of one site.

import { signal } from "@preact/signals";
import { matchesPattern } from "./names";

/** As many as the server takes. */
const MOST_FILTERS = 16;

export interface Scope {
  /** MQTT filters for `metric/device`; none means all sensors. */
  filters: string[];
  /** Why the address could not be followed. */
  problem: string | null;
}

export const scope = signal(scopeFrom(globalThis.location?.search ?? ""));

globalThis.addEventListener?.("popstate", () => {
  const next = scopeFrom(location.search);
  // Whoever hears of a change asks the server again.
  if (next.filters.join() !== scope.peek().filters.join() || next.problem !== scope.peek().problem) scope.value = next;
});

export function scopeFrom(search: string): Scope {
  const asked = new URLSearchParams(search).get("topics") ?? "";
  const filters = asked.split(",").map((filter) => filter.trim()).filter((filter) => filter !== "");
  if (filters.includes("#")) return { filters: [], problem: null };
  const problem = problemOf(filters);
  return problem === null ? { filters, problem } : { filters: [], problem };
}

function problemOf(filters: string[]): string | null {
  if (filters.length > MOST_FILTERS) return `${filters.length} filters are too many: ${MOST_FILTERS} at most`;
  const wrong = filters.find((filter) => !isFilter(filter.split("/")));
  return wrong === undefined ? null : `“${wrong}” is no filter: + is a whole level, # the last one`;
}

function isFilter(levels: string[]): boolean {
  return levels.every((level, at) => level === "+" || (level === "#" ? at === levels.length - 1 : !/[+#]/.test(level)));
}

/** Whether a sensor, named `metric/device`, belongs to what the filters say. */
export function isInScope(filters: string[], key: string): boolean {
  return filters.length === 0 || filters.some((filter) => matchesPattern(filter.split("/"), key.split("/")));
}

/** What shows all of a group's sensors; null where the address cannot say it, as commas part its filters. */
export function filterOfGroup(path: string): string | null {
  return path.includes(",") ? null : `+/${path}/#`;
}
