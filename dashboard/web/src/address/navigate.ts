// Changes what the page shows, and the address with it.

import type { SeriesName } from "../api/client";
import { hrefOf, hrefOfScope } from "./href";
import { withIncidentFilter, type IncidentFilter } from "./incident-filter";
import { keyOf } from "./names";
import { withoutReplyLink } from "./reply-link";
import { NO_FILTER, withRowsView, type RowsView } from "./rows-view";
import { isInScope } from "./scope";
import { changed, type Selection } from "./selection";
import { currentSelection, incidentFilter, replyLink, rowsView, scope, selection } from "./state";
import { noteFragment } from "./view";

// Browsers refuse to change the address hundreds of times in a few seconds, as a key that is held down would.
const WRITE_AFTER_MS = 250;
const ONE_STEP_MS = 2000;
let [selectionTimer, rowsTimer] = [0, 0];
let adjustedAt = -Infinity;

globalThis.addEventListener?.("popstate", () => clearTimeout(selectionTimer));

/** Shows another selection in the chart; the browser's way back leads to the present one. */
export function select(next: Partial<Selection>): void {
  const wanted = changed(currentSelection(), next);
  if (hrefOf(wanted) === hrefOf({})) return;
  clearTimeout(selectionTimer);
  history.pushState(null, "", hrefOf(wanted));
  noteFragment();
  selection.value = wanted;
}

/** Shows one series in the chart of the overview, from another view. */
export function showSeries(series: SeriesName): void {
  const next = changed(currentSelection(), { series, others: [], zoom: null });
  clearTimeout(selectionTimer);
  history.pushState(null, "", hrefOf(next));
  selection.value = next;
  noteFragment();
}

/** Like `select`, for small steps such as zooming by keys: one step back leads to before all of them. */
export function adjust(next: Partial<Selection>): void {
  const goesOn = performance.now() - adjustedAt < ONE_STEP_MS;
  adjustedAt = performance.now();
  if (!goesOn) return select(next);
  selection.value = changed(currentSelection(), next);
  clearTimeout(selectionTimer);
  selectionTimer = window.setTimeout(() => replace(hrefOf({})), WRITE_AFTER_MS);
}

/** Lists other sensors, or lists them in another way. */
export function changeRows(next: Partial<RowsView>): void {
  rowsView.value = { ...rowsView.peek(), ...next };
  clearTimeout(rowsTimer);
  rowsTimer = window.setTimeout(writeRowsView, WRITE_AFTER_MS);
}

function writeRowsView(): void {
  const search = withRowsView(location.search, rowsView.peek());
  if (search !== location.search) replace(search);
}

/** Lists all sensors. */
export function clearFilter(): void {
  changeRows(NO_FILTER);
}

/** Lists other incidents. */
export function showIncidents(filter: IncidentFilter): void {
  incidentFilter.value = filter;
  replace(withIncidentFilter(location.search, filter));
}

/** Shows the incidents instead of the link to a form of one: the form is open now, or cannot be. */
export function clearReplyLink(): void {
  replyLink.value = null;
  history.replaceState(history.state, "", `${withoutReplyLink(location.search) || location.pathname}#incidents`);
  noteFragment();
}

/** Shows only what matches the filters; with none, everything. */
export function showOnly(filters: string[]): void {
  history.pushState(null, "", hrefOfScope(filters));
  noteFragment();
  const { series } = selection.peek();
  if (series && !isInScope(filters, keyOf(series))) selection.value = { ...selection.peek(), series: null, zoom: null };
  scope.value = { filters, problem: null };
}

function replace(search: string): void {
  history.replaceState(history.state, "", (search || location.pathname) + location.hash);
}
