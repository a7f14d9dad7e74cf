// The order of the sensors that are listed.

import { FRESHNESSES, type RowsView, type SortName } from "../address/rows-view";
import type { Freshness } from "../api/client";

/** What sensors are ordered by. */
export interface Sortable {
  value: number;
  measuredAtMs: number;
  state: Freshness;
  alerting: boolean;
}

/** 0 for fresh, 1 for stale, 2 for offline, 3 for an open incident. */
export function badness({ state, alerting }: Pick<Sortable, "state" | "alerting">): number {
  return alerting ? 3 : FRESHNESSES.indexOf(state);
}

const ORDERS: Record<Exclude<SortName, "name">, (one: Sortable) => number> = {
  value: (one) => -one.value,
  age: (one) => one.measuredAtMs,
  state: (one) => -badness(one),
};

/**
 * Orders items that are sorted by name already; equal ones keep that order. Each rank is computed once, so that only
 * numbers are compared.
 */
export function inOrder<T>(byName: T[], { sort, reversed }: Pick<RowsView, "sort" | "reversed">, facts: (one: T) => Sortable): T[] {
  if (sort === "name") return reversed ? [...byName].reverse() : byName;
  const direction = reversed ? -1 : 1;
  const ranked = byName.map((one) => ({ one, rank: direction * ORDERS[sort](facts(one)) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
}

/** Whether a list is still in order, which is much cheaper than ordering it again. */
export function stillInOrder<T>(list: T[], { sort, reversed }: Pick<RowsView, "sort" | "reversed">, facts: (one: T) => Sortable): boolean {
  if (sort === "name") return true;
  const direction = reversed ? -1 : 1;
  let before = -Infinity;
  for (const one of list) {
    const rank = direction * ORDERS[sort](facts(one));
    if (rank < before) return false;
    before = rank;
  }
  return true;
}
