// Which sensors are listed, and how, as the page's address says it.

import type { Freshness } from "../api/client";
import { readable } from "./readable";

export const SORTS = ["name", "value", "age", "state"] as const;
export type SortName = (typeof SORTS)[number];

export const FRESHNESSES: Freshness[] = ["fresh", "stale", "offline"];

export interface RowsView {
  view: "tiles" | "table";
  sort: SortName;
  /** Against the usual direction: from Z, the lowest value, the youngest reading, the best state. */
  reversed: boolean;
  text: string;
  /** Only these states; an empty list means any. */
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

export const PLAIN: RowsView = {
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

/** The fields that decide which sensors are listed, and not how. */
export const NO_FILTER = { text: "", states: [], alerting: false, metric: null } satisfies Partial<RowsView>;

export function isFiltered({ text, states, alerting, metric }: RowsView): boolean {
  return text.trim() !== "" || states.length > 0 || alerting || metric !== null;
}

// The chart uses `metric` and `device` already.
const PARAMETERS = ["view", "sort", "q", "state", "alerting", "of", "groups", "closed", "open"];

export function rowsViewFrom(search: string): RowsView {
  const query = new URLSearchParams(search);
  const sort = query.get("sort") ?? "name";
  const name = sort.replace("-", "") as SortName;
  const states = partsOf(query.get("state"));
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
      ? { allClosed: true, but: partsOf(query.get("open")) }
      : { allClosed: false, but: partsOf(query.get("closed")) },
  };
}

function partsOf(text: string | null): string[] {
  return (text ?? "").split(",").filter(Boolean);
}

/** The address with this view; everything else in it stays, and defaults are left out. */
export function withRowsView(search: string, rowsView: RowsView): string {
  const query = new URLSearchParams(search);
  PARAMETERS.forEach((name) => query.delete(name));
  const { folds, text, states, metric } = rowsView;
  if (rowsView.view !== "tiles") query.set("view", rowsView.view);
  if (rowsView.sort !== "name" || rowsView.reversed) query.set("sort", (rowsView.reversed ? "-" : "") + rowsView.sort);
  if (text.trim()) query.set("q", text.trim());
  if (states.length > 0) query.set("state", states.join());
  if (rowsView.alerting) query.set("alerting", "yes");
  if (metric !== null) query.set("of", metric);
  if (!rowsView.grouped) query.set("groups", "no");
  if (folds.allClosed || folds.but.length > 0) query.set(folds.allClosed ? "open" : "closed", folds.but.join());
  return readable(query);
}

export function isClosed(folds: Folds, path: string): boolean {
  return folds.allClosed !== folds.but.includes(path);
}

/** Closes an open group, and opens a closed one. */
export function fold(folds: Folds, path: string): Folds {
  const but = folds.but.includes(path) ? folds.but.filter((one) => one !== path) : [...folds.but, path];
  return { ...folds, but };
}

export function toggled<T>(list: T[], one: T): T[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}
