// Which sensors are listed, in which order, and where each of them stands.

import { computed, effect, signal } from "@preact/signals";
import { commonLevels, compareWords, matcher, pathsOf } from "../address/names";
import { ALL_OPEN, isClosed, isFiltered, withRowsView } from "../address/rows-view";
import { rowsView, scope } from "../address/state";
import { now } from "../live/clock";
import { alerting, allSeries, stateVersion, type Series } from "../live/state";
import { isCompact, isNarrow } from "../ui/narrow";
import { baseOf } from "../ui/units";
import { groupBy, groupPaths } from "./groups";
import { whyIncomparable } from "./comparable";
import { layOut } from "./layout";
import { inOrder, stillInOrder, type Sortable } from "./order";

/** With many sensors the page lists them beside the chart, in small tiles, and draws only the visible ones. */
export const many = computed(() => allSeries.value.length > 8);

/** Whether the page shows its sections one at a time, and scrolls as a whole. */
export const sections = computed(() => isNarrow.value || (many.value && isCompact.value));

/** The page offers filters and orders for more sensors than one can survey, or where the address uses them. */
export const hasTools = computed(() => many.value || withRowsView("", rowsView.value) !== "");

export const metrics = computed(() => [...new Set(allSeries.value.map((series) => series.metric))].sort(compareWords));

// These are signals of their own, so that folding or sorting does not match ten thousand names again.
const text = computed(() => rowsView.value.text);
const metric = computed(() => rowsView.value.metric);

/** The series that match by name and metric. Values play no part, so this changes rarely. */
const named = computed(() => {
  const [matches, wanted] = [matcher(text.value), metric.value];
  if (!text.value.trim() && wanted === null) return allSeries.value;
  return allSeries.value.filter((series) => (wanted === null || series.metric === wanted) && matches(series));
});

const passing = computed(() => {
  const { states, alerting: wanted } = rowsView.value;
  if (states.length === 0 && !wanted) return named.value;
  if (states.length > 0) void stateVersion.value;
  const open = wanted ? alerting.value : null;
  return named.value.filter(
    (series) =>
      (states.length === 0 || states.includes(series.newest.peek().state)) && (open === null || open.has(series.key)),
  );
});

/** Why the listed values have no order; null where they have one. A unit may change with any reading, so the clock counts. */
export const whyNoOrder = computed(() => {
  void now.value;
  return whyIncomparable(passing.value.map(({ metric, newest }) => ({ metric, unit: newest.peek().unit })));
});

/** What the rows are ordered by. */
export const order = computed(() => (rowsView.value.sort === "value" && whyNoOrder.value !== null ? "name" : rowsView.value.sort));

/** How the rows are ordered. */
const ordering = computed(() => ({ sort: order.value, reversed: rowsView.value.reversed }));

/** Rises when new values change the order. */
const orderVersion = signal(0);

/** The listed series, in order. */
export const rows = computed(() => {
  void orderVersion.value;
  return inOrder(passing.value, ordering.value, sortableOf);
});

/** Keeps the rows in order. Readings come ten times a second; rows that moved as often would be unreadable. */
export function startOrdering(): void {
  effect(() => {
    void now.value;
    if (!stillInOrder(rows.peek(), ordering.peek(), sortableOf)) orderVersion.value++;
  });
}

function sortableOf(series: Series): Sortable {
  const { value, unit, state, measuredAtMs } = series.newest.peek();
  return { value: baseOf(value, unit), state, measuredAtMs, alerting: alerting.peek().has(series.key) };
}

/** How many levels the names need not repeat, as this page is about one site or rack. */
const common = computed(() => (scope.value.filters.length === 0 ? 0 : commonLevels(allSeries.value.map(({ levels }) => levels))));

/**
 * The paths of all groups, even of those without a listed member. A few tiles have no groups: headings would push the
 * chart out of sight, and add nothing to the names.
 */
export const paths = computed(() => (many.value || rowsView.value.view === "table" ? groupPaths(allSeries.value, common.value) : NO_PATHS));

const NO_PATHS = new Set<string>();
const shownPaths = computed(() => (rowsView.value.grouped ? paths.value : NO_PATHS));

export const whole = computed(() => groupBy(rows.value, shownPaths.value, common.value));

/** Changes with the filter and the order, but not when a group is opened or closed. */
export const rowsViewKey = computed(() => withRowsView("", { ...rowsView.value, folds: ALL_OPEN }));

export const isListFiltered = computed(() => isFiltered(rowsView.value));

/** The visible part of the list, in pixels. */
export const room = signal({ width: 600, height: 800 });
export const scrolled = signal(0);

// A second line for names costs height, so there is one only where a name needs it.
const LONG_NAME = 18;
const someNameIsLong = computed(() => {
  const groups = shownPaths.value;
  return allSeries.value.some((series) => {
    const levels = pathsOf(series.levels, common.value).filter((path) => groups.has(path)).length + common.value;
    return series.levels.slice(levels).join("/").length > LONG_NAME;
  });
});

/** Sizes in pixels; the style sheet draws within them. */
export const measures = computed(() => {
  const { width } = room.value;
  if (rowsView.value.view === "table") return { columns: 1, itemHeight: isNarrow.value ? 48 : 34, groupHeight: 34, gap: 0 };
  const gap = many.value ? 8 : 12;
  const fit = Math.max(1, Math.floor((width + gap) / ((many.value ? 150 : 220) + gap)));
  const columns = many.value ? fit : fewColumns(rows.value.length, fit);
  return { columns, itemHeight: someNameIsLong.value ? 147 : 130, groupHeight: 32, gap };
});

/** Avoids a last row with a single tile, where possible. */
function fewColumns(tiles: number, fit: number): number {
  const columns = Math.min(fit, tiles <= 4 ? Math.max(1, tiles) : tiles <= 6 ? 3 : 4);
  return columns > 2 && tiles % columns === 1 ? columns - 1 : columns;
}

/** How many rows a few tiles take above the chart. */
export const fewRows = computed(() => Math.ceil(rows.value.length / measures.value.columns));

/** Whether each item has a fixed position in pixels; a few tiles flow instead, and take the height that they need. */
export const isPlaced = computed(() => many.value || rowsView.value.view === "table");

export const layout = computed(() => {
  const { folds } = rowsView.value;
  return layOut(whole.value, (path) => isClosed(folds, path), measures.value);
});

export function resize(width: number, height: number): void {
  const before = room.peek();
  if (before.width !== width || before.height !== height) room.value = { width, height };
}
