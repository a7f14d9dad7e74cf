// What the page shows, as its address says it: one signal for each part. `navigate.ts` changes them.

import { batch, computed, signal } from "@preact/signals";
import type { SeriesName } from "../api/client";
import { incidentFilterFrom } from "./incident-filter";
import { keyOf } from "./names";
import { replyLinkFrom } from "./reply-link";
import { rowsViewFrom } from "./rows-view";
import { scopeFrom } from "./scope";
import { selectionFrom, type Selection } from "./selection";

// The unit tests run without a browser.
const search = () => globalThis.location?.search ?? "";

/** What the chart shows. */
export const selection = signal(selectionFrom(search()));

/** Which sensors are listed, and how. */
export const rowsView = signal(rowsViewFrom(search()));

/** Which incidents are listed. */
export const incidentFilter = signal(incidentFilterFrom(search()));

/** The form that the address asks for, until it is open. */
export const replyLink = signal(replyLinkFrom(search()));

/** Which sensors this page is about: all of them, or those of one site. */
export const scope = signal(scopeFrom(search()));

globalThis.addEventListener?.("popstate", () => {
  batch(() => {
    selection.value = selectionFrom(search());
    rowsView.value = rowsViewFrom(search());
    incidentFilter.value = incidentFilterFrom(search());
    replyLink.value = replyLinkFrom(search());
    const next = scopeFrom(search());
    // A new value makes the page subscribe again, so an equal one is not set.
    if (JSON.stringify(next) !== JSON.stringify(scope.peek())) scope.value = next;
  });
});

const preferred = signal<() => SeriesName | null>(() => null);

/** Says which series the chart shows while the address names none. `pick` may read signals. */
export function preferSeries(pick: () => SeriesName | null): void {
  preferred.value = pick;
}

/** The series in front in the chart: the selected one, even if the page does not know it, or else the preferred one. */
export const front = computed(() => selection.value.series ?? preferred.value());

export const frontKey = computed(() => (front.value ? keyOf(front.value) : null));

/** The series that are drawn with the one in front. A preferred one stands alone. */
export const others = computed(() => (selection.value.series ? selection.value.others : []));

/** The selection, with the preferred series where the reader has selected none. */
export function currentSelection(): Selection {
  return { ...selection.value, series: front.value, others: others.value };
}
