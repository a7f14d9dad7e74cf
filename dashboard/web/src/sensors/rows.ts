// The sensors that are listed now, and where each of them stands.

import { computed, effect, signal } from "@preact/signals";
import { now } from "../live/clock";
import { groupBy, groupPaths } from "./groups";
import { layOut } from "./layout";
import {
  ALL_OPEN,
  inOrder,
  isClosed,
  isFiltered,
  listingFrom,
  NO_FILTER,
  stillInOrder,
  withListing,
  type Listing,
  type Sortable,
} from "../address/rows-view";
import { compareWords, matcher } from "../address/names";
import { openAlerts, sensors, stateVersion, type Sensor } from "../live/state";

export const listing = signal(listingFrom(location.search));

window.addEventListener("popstate", () => (listing.value = listingFrom(location.search)));

/** With many sensors the page lists them beside the chart, in small tiles, and draws only those that are seen. */
export const many = computed(() => sensors.value.length > 8);

/** With more than one looks through, or an address that asks for it, the page offers filters and orders. */
export const hasTools = computed(() => many.value || withListing("", listing.value) !== "");

// Browsers refuse to change the address hundreds of times in a few seconds, and nobody copies it while typing.
const ADDRESS_AFTER_MS = 200;
let address = 0;

export function list(next: Partial<Listing>): void {
  listing.value = { ...listing.peek(), ...next };
  clearTimeout(address);
  address = window.setTimeout(writeAddress, ADDRESS_AFTER_MS);
}

function writeAddress(): void {
  const search = withListing(location.search, listing.peek());
  if (search !== location.search) history.replaceState(history.state, "", (search || location.pathname) + location.hash);
}

export function listAll(): void {
  list(NO_FILTER);
}

export const metrics = computed(() => [...new Set(sensors.value.map((sensor) => sensor.metric))].sort(compareWords));

// A fold or another order is no reason to match ten thousand names again.
const text = computed(() => listing.value.text);
const metric = computed(() => listing.value.metric);

/** Those with the name and the metric that are asked for. What they measure plays no part, so this changes rarely. */
const named = computed(() => {
  const [matches, wanted] = [matcher(text.value), metric.value];
  if (!text.value.trim() && wanted === null) return sensors.value;
  return sensors.value.filter((sensor) => (wanted === null || sensor.metric === wanted) && matches(sensor));
});

const passing = computed(() => {
  const { states, alerting } = listing.value;
  if (states.length === 0 && !alerting) return named.value;
  if (states.length > 0) void stateVersion.value;
  const open = openAlerts.value;
  return named.value.filter(
    (sensor) =>
      (states.length === 0 || states.includes(sensor.newest.peek().state)) && (!alerting || open.has(sensor.key)),
  );
});

/** Rises when values have changed so that the order is another one. */
const orderVersion = signal(0);

/** What is listed, in order. */
export const listed = computed(() => {
  void orderVersion.value;
  return inOrder(passing.value, listing.value, factsOf);
});

// Readings come ten times a second; an order that changed as often could not be read. So once a second it is looked at,
// and only where it does not hold any more is it made anew.
export function startOrdering(): void {
  effect(() => {
    void now.value;
    if (!stillInOrder(listed.peek(), listing.peek(), factsOf)) orderVersion.value++;
  });
}

function factsOf(sensor: Sensor): Sortable {
  const { value, state, measuredAtMs } = sensor.newest.peek();
  return { value, state, measuredAtMs, alerting: openAlerts.peek().has(sensor.key) };
}

/**
 * The groups that there are, whether or not one has a member that is listed. A few tiles have none: headings would
 * push the chart out of sight, and tell no more than the names do.
 */
export const paths = computed(() => (many.value || listing.value.view === "table" ? groupPaths(sensors.value) : NO_PATHS));

const NO_PATHS = new Set<string>();
const shownPaths = computed(() => (listing.value.grouped ? paths.value : NO_PATHS));

export const whole = computed(() => groupBy(listed.value, shownPaths.value));

/** Changes with what is listed, but not when a group is opened or closed. */
export const listingName = computed(() => withListing("", { ...listing.value, folds: ALL_OPEN }));

export const isListFiltered = computed(() => isFiltered(listing.value));

/** The room that the list has, in pixels. */
export const room = signal({ width: 600, height: 800 });
export const scrolled = signal(0);

const isNarrow = matchMedia("(max-width: 599px)");
const narrow = signal(isNarrow.matches);
isNarrow.addEventListener("change", () => (narrow.value = isNarrow.matches));

// A second line for names is worth its height only where one needs it.
const LONG_NAME = 18;
const someNameIsLong = computed(() => {
  const groups = shownPaths.value;
  return sensors.value.some((sensor) => {
    const group = sensor.paths.filter((path) => groups.has(path)).at(-1);
    return sensor.device.length - (group ? group.length + 1 : 0) > LONG_NAME;
  });
});

/** Pixels; the style sheet draws within them. */
export const measures = computed(() => {
  const { width } = room.value;
  if (listing.value.view === "table") return { columns: 1, itemHeight: narrow.value ? 48 : 34, groupHeight: 34, gap: 0 };
  const gap = many.value ? 8 : 12;
  const fit = Math.max(1, Math.floor((width + gap) / ((many.value ? 150 : 220) + gap)));
  const columns = many.value ? fit : fewColumns(listed.value.length, fit);
  return { columns, itemHeight: someNameIsLong.value ? 147 : 130, groupHeight: 32, gap };
});

/** So many columns that the last row is not left with a single tile, where that can be helped. */
function fewColumns(tiles: number, fit: number): number {
  const columns = Math.min(fit, tiles <= 4 ? Math.max(1, tiles) : tiles <= 6 ? 3 : 4);
  return columns > 2 && tiles % columns === 1 ? columns - 1 : columns;
}

/** Rows of a few tiles, which are above the chart. */
export const fewRows = computed(() => Math.ceil(listed.value.length / measures.value.columns));

/** Whether each item has its place in pixels; a few tiles flow instead, as high as they need to be. */
export const isPlaced = computed(() => many.value || listing.value.view === "table");

export const layout = computed(() => {
  const { folds } = listing.value;
  return layOut(whole.value, (path) => isClosed(folds, path), measures.value);
});

export function resize(width: number, height: number): void {
  const before = room.peek();
  if (before.width !== width || before.height !== height) room.value = { width, height };
}
