// Which of its views the page shows. The part of the address after # says it, so that plain links lead there and back.

import { computed, signal } from "@preact/signals";

export const VIEWS = { overview: "Overview", completeness: "Completeness", pipeline: "Pipeline" } as const;

export type ViewName = keyof typeof VIEWS;

/** The rejected payloads, a part of the view of what is complete. */
export const REJECTED = "rejected";

/** What stands after #. What is no view, such as the place that a skip link leads to, is a part of the overview. */
const place = signal(placeNow());

export const view = signal(viewOf(place.peek()));

function placeNow(): string {
  return globalThis.location?.hash.slice(1) ?? "";
}

export function viewOf(hash: string): ViewName {
  if (hash === REJECTED) return "completeness";
  return Object.hasOwn(VIEWS, hash) ? (hash as ViewName) : "overview";
}

/** Whether the reader has come here from another view: then the new one's heading takes the focus. */
let hasMoved = false;

for (const event of ["hashchange", "popstate"]) {
  globalThis.addEventListener?.(event, () => {
    place.value = placeNow();
    const next = viewOf(place.value);
    hasMoved ||= next !== view.peek();
    view.value = next;
  });
}

/** Gives the focus to a heading that has just been drawn, where that is what the reader has come for. */
export function arriveAt(heading: HTMLElement): void {
  if (!hasMoved) return;
  hasMoved = false;
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: "instant" });
}

/** Whether the address leads to the rejected payloads. */
export const isRejectedWanted = computed(() => place.value === REJECTED);
