// Which sensors are listed and how, as the page's address says it.

import type { Freshness } from "../api/client";

export const SORTS = ["name", "value", "age", "state"] as const;
export type SortName = (typeof SORTS)[number];

export const FRESHNESSES: Freshness[] = ["fresh", "stale", "offline"];

export interface Listing {
  view: "tiles" | "table";
  sort: SortName;
  /** Against what the sort is for: from Z, from the lowest value, from the youngest, from the best state. */
  reversed: boolean;
  text: string;
  /** Only these; none means any. */
  states: Freshness[];
  alerting: boolean;
  metric: string | null;
  grouped: boolean;
  folds: Folds;
}

/** Which groups are closed: those named, or with `allClosed` all but those named. */
export interface Folds {
  allClosed: boolean;
  but: string[];
}

export const ALL_OPEN: Folds = { allClosed: false, but: [] };
export const ALL_CLOSED: Folds = { allClosed: true, but: [] };

export const PLAIN: Listing = {
  view: "tiles",
  sort: "name",
  reversed: false,
  text: "",
  states: [],
  alerting: false,
  metric: null,
  grouped: true,
  folds: ALL_OPEN,
};

/** Those that change which sensors are there, not how. */
export const NO_FILTER = { text: "", states: [], alerting: false, metric: null } satisfies Partial<Listing>;

export function isFiltered({ text, states, alerting, metric }: Listing): boolean {
  return text.trim() !== "" || states.length > 0 || alerting || metric !== null;
}

// `metric` and `device` already say what is in the chart.
const PARAMETERS = ["view", "sort", "q", "state", "alerting", "of", "groups", "closed", "open"];

export function listingFrom(search: string): Listing {
  const query = new URLSearchParams(search);
  const sort = query.get("sort") ?? "name";
  const name = sort.replace("-", "") as SortName;
  const states = listed(query.get("state"));
  return {
    view: query.get("view") === "table" ? "table" : "tiles",
    sort: SORTS.includes(name) ? name : "name",
    reversed: SORTS.includes(name) && sort.startsWith("-"),
    text: query.get("q") ?? "",
    states: FRESHNESSES.filter((state) => states.includes(state)),
    alerting: query.get("alerting") === "yes",
    metric: query.get("of") || null,
    grouped: query.get("groups") !== "no",
    folds: query.has("open")
      ? { allClosed: true, but: listed(query.get("open")) }
      : { allClosed: false, but: listed(query.get("closed")) },
  };
}

function listed(text: string | null): string[] {
  return (text ?? "").split(",").filter(Boolean);
}

/** The address with this listing; all else in it stays, and what is plain is left out. */
export function withListing(search: string, listing: Listing): string {
  const query = new URLSearchParams(search);
  PARAMETERS.forEach((name) => query.delete(name));
  const { folds, text, states, metric } = listing;
  if (listing.view !== "tiles") query.set("view", listing.view);
  if (listing.sort !== "name" || listing.reversed) query.set("sort", (listing.reversed ? "-" : "") + listing.sort);
  if (text.trim()) query.set("q", text.trim());
  if (states.length > 0) query.set("state", states.join());
  if (listing.alerting) query.set("alerting", "yes");
  if (metric !== null) query.set("of", metric);
  if (!listing.grouped) query.set("groups", "no");
  if (folds.allClosed || folds.but.length > 0) query.set(folds.allClosed ? "open" : "closed", folds.but.join());
  const written = query.toString();
  // Slashes, colons and commas are legal in a query; left as they are, the address can be read.
  return written && `?${written.replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%2C/g, ",")}`;
}

export function isClosed(folds: Folds, path: string): boolean {
  return folds.allClosed !== folds.but.includes(path);
}

/** Opens what is closed, and closes what is open. */
export function fold(folds: Folds, path: string): Folds {
  const but = folds.but.includes(path) ? folds.but.filter((one) => one !== path) : [...folds.but, path];
  return { ...folds, but };
}

export function toggled<T>(list: T[], one: T): T[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}

/** What an order looks at. */
export interface Sortable {
  value: number;
  measuredAtMs: number;
  state: Freshness;
  alerting: boolean;
}

/** How bad it is: 0 for fresh, 3 for an open alert. */
export function badness({ state, alerting }: Pick<Sortable, "state" | "alerting">): number {
  return alerting ? 3 : FRESHNESSES.indexOf(state);
}

const ORDERS: Record<Exclude<SortName, "name">, (one: Sortable) => number> = {
  value: (one) => -one.value,
  age: (one) => one.measuredAtMs,
  state: (one) => -badness(one),
};

/**
 * Orders what is in order by name already: equals stay as they are. Each rank is looked up once, and a comparison of
 * two numbers is all that is left.
 */
export function inOrder<T>(byName: T[], { sort, reversed }: Pick<Listing, "sort" | "reversed">, facts: (one: T) => Sortable): T[] {
  if (sort === "name") return reversed ? [...byName].reverse() : byName;
  const direction = reversed ? -1 : 1;
  const ranked = byName.map((one) => ({ one, rank: direction * ORDERS[sort](facts(one)) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
}

/** Whether a list is still in order; much cheaper than ordering it again. */
export function stillInOrder<T>(list: T[], { sort, reversed }: Pick<Listing, "sort" | "reversed">, facts: (one: T) => Sortable): boolean {
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
