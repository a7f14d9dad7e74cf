// Which sensors the page is about, as its address says it: all of them, or those of one site on a wall.

import { matchesPattern } from "./names";

/** As many as the server accepts. */
const MOST_FILTERS = 16;

export interface Scope {
  /** MQTT filters for `metric/device`; none means all sensors. */
  filters: string[];
  /** Why the filters in the address are ignored. */
  problem: string | null;
}

export function scopeFrom(search: string): Scope {
  const wanted = new URLSearchParams(search).get("topics") ?? "";
  const filters = wanted.split(",").map((filter) => filter.trim()).filter((filter) => filter !== "");
  if (filters.includes("#")) return { filters: [], problem: null };
  const problem = problemOf(filters);
  return problem === null ? { filters, problem } : { filters: [], problem };
}

function problemOf(filters: string[]): string | null {
  if (filters.length > MOST_FILTERS) return `${filters.length} filters are too many: ${MOST_FILTERS} at most`;
  const wrong = filters.find((filter) => !isFilter(filter.split("/")));
  return wrong === undefined ? null : `“${wrong}” is not a filter: + stands for a whole level, # for the last ones`;
}

function isFilter(levels: string[]): boolean {
  return levels.every((level, at) => level === "+" || (level === "#" ? at === levels.length - 1 : !/[+#]/.test(level)));
}

/** Whether a series with the key `metric/device` matches one of the filters. Without filters each one does. */
export function isInScope(filters: string[], key: string): boolean {
  return filters.length === 0 || filters.some((filter) => matchesPattern(filter.split("/"), key.split("/")));
}

/** The filter that shows all sensors of a group; null where the address cannot say it, as commas separate filters. */
export function filterOfGroup(path: string): string | null {
  return path.includes(",") ? null : `+/${path}/#`;
}
