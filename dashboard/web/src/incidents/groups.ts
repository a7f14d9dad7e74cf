// Open incidents in groups, as mails group them. With few of them, each stands for itself.

import { computed, effect, signal } from "@preact/signals";
import { scope } from "../address/state";
import { fetchIncidentGroups, type IncidentGroup } from "../api/client";
import { alerting, generation, incidents, openCount, quietCounts } from "../live/state";

/** With more open incidents the list is grouped. */
export const MOST_SINGLE = 20;
const RELOAD_MS = 2000;

export type GroupedBy = "rule" | "site";

export const groupedBy = signal<GroupedBy>("rule");

export interface Groups {
  groups: IncidentGroup[];
  total: number;
  complete: boolean;
}

export const groups = signal<Groups | null>(null);
export const groupsProblem = signal<string | null>(null);

/** What the server can be asked for with one filter of devices; null where the page shows several. */
export function queryOf(filters: string[]): { metric?: string; device?: string } | null {
  if (filters.length === 0) return {};
  const [metric, ...levels] = filters[0]!.split("/");
  if (filters.length > 1 || metric === "#") return filters.length > 1 ? null : {};
  const device = levels.join("/");
  return { ...(metric !== "+" && { metric }), ...(device && device !== "#" && { device }) };
}

/** Whether there are too many open incidents for a list of single ones. */
export const isGrouped = computed(() => openCount.value > MOST_SINGLE && queryOf(scope.value.filters) !== null);

let timer = 0;
let askedAt = -Infinity;
let abort = new AbortController();
const asked = signal(0);

/** Asks again, as something was acknowledged or silenced. */
export function reloadGroups(): void {
  askedAt = -Infinity;
  asked.value++;
}

/** Keeps the groups up to date, but asks at most every two seconds. */
export function startGroups(): () => void {
  const stop = effect(() => {
    void [generation.value, incidents.value, alerting.value, openCount.value, quietCounts.value, groupedBy.value, asked.value];
    if (!isGrouped.value) return;
    clearTimeout(timer);
    timer = window.setTimeout(load, Math.max(0, askedAt + RELOAD_MS - performance.now()), scope.value.filters, groupedBy.value);
  });
  return () => [stop, () => clearTimeout(timer), () => abort.abort()].forEach((end) => end());
}

async function load(filters: string[], by: GroupedBy): Promise<void> {
  abort.abort();
  abort = new AbortController();
  askedAt = performance.now();
  try {
    groups.value = await fetchIncidentGroups({ ...queryOf(filters), by, state: "open" }, abort.signal);
    groupsProblem.value = null;
  } catch (error) {
    if ((error as Error).name !== "AbortError") groupsProblem.value = (error as Error).message;
  }
}
