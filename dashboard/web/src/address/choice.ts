import { computed, signal } from "@preact/signals";
import { alertFilter } from "./incident-filter";
import { changed, choiceFrom, withChoice, type Choice } from "./selection";
import { listing } from "../sensors/rows";
import { withListing } from "./rows-view";
import { scope } from "./scope";
import { keyOf, openAlerts, sensorOf, sensors } from "../live/state";

export const choice = signal(choiceFrom(location.search));

window.addEventListener("popstate", () => {
  clearTimeout(address);
  choice.value = choiceFrom(location.search);
});

// Without a choice the chart shows what needs a look, and stays there when alerts come and go.
let firstShown: string | null = null;

/** The sensor in the chart: the chosen one, even if it is unknown, or else the first that alerts, or else the first. */
export const chosen = computed(() => {
  if (choice.value.sensor) return choice.value.sensor;
  const all = sensors.value;
  const kept = all.find((sensor) => sensor.key === firstShown);
  const pick = kept ?? all.find((sensor) => openAlerts.value.has(sensor.key)) ?? all[0];
  firstShown = pick?.key ?? null;
  return pick ? { device: pick.device, metric: pick.metric } : null;
});

/** Those that are drawn with the chosen one. What the page itself puts in front stands alone. */
export const others = computed(() => (choice.value.sensor ? choice.value.others : []));

export const chosenKey = computed(() => (chosen.value ? keyOf(chosen.value) : null));

/** The chosen sensor once it is known to the page. */
export const chosenSensor = computed(() => {
  void sensors.value;
  return chosenKey.value ? sensorOf(chosenKey.value) : undefined;
});

export function choose(next: Partial<Choice>): void {
  const wanted = changed(current(), next);
  if (hrefOf(wanted) === hrefOf({})) return;
  clearTimeout(address);
  history.pushState(null, "", hrefOf(wanted));
  choice.value = wanted;
}

// Browsers refuse to change the address hundreds of times in a few seconds, as a key that is held down would.
const ADDRESS_AFTER_MS = 250;
const ONE_MOVE_MS = 2000;
let address = 0;
let movedAt = -Infinity;

/** For what is done step by step, such as zooming by keys: one step back leads to before all of them. */
export function move(next: Partial<Choice>): void {
  const goesOn = performance.now() - movedAt < ONE_MOVE_MS;
  movedAt = performance.now();
  if (!goesOn) return choose(next);
  choice.value = changed(current(), next);
  clearTimeout(address);
  address = window.setTimeout(() => history.replaceState(history.state, "", hrefOf({}) + location.hash), ADDRESS_AFTER_MS);
}

/** The address that shows this page with another choice, and the same list. */
export function hrefOf(next: Partial<Choice>): string {
  const query = new URLSearchParams(withChoice(location.search, changed({ ...choice.value, sensor: chosen.value, others: others.value }, next)));
  query.delete("alerts");
  if (alertFilter.value !== "all") query.set("alerts", alertFilter.value);
  if (scope.value.filters.length > 0) query.set("topics", scope.value.filters.join());
  return withListing(query.toString(), listing.value);
}

/** The choice, with the sensor that the page chose where the reader did not. */
export function current(): Choice {
  return { ...choice.peek(), sensor: chosen.peek(), others: others.peek() };
}
