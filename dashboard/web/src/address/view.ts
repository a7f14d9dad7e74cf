// Which view the page shows. It is the part of the address after #, so that plain links lead there and back.

import { computed, signal } from "@preact/signals";

export const VIEWS = {
  overview: "Overview",
  devices: "Devices",
  inputs: "Inputs",
  completeness: "Data gaps",
  pipeline: "Pipeline",
  users: "Users",
  keys: "API keys",
  audit: "Audit",
} as const;

export type ViewName = keyof typeof VIEWS;

/** The views that the header lists; the others are in the menu. */
export const MAIN_VIEWS = ["overview", "devices", "inputs", "completeness", "pipeline"] as const satisfies ViewName[];

/** The parts of the overview, which a phone shows one at a time. The names are also the ids of their elements. */
export const SECTIONS = { incidents: "Incidents", sensors: "Sensors", chart: "Chart" } as const;

export type SectionName = keyof typeof SECTIONS;

/** The rejected payloads, a part of the view of data gaps. */
export const REJECTED = "rejected";

/** The view of what no rule reads. */
export const INPUTS: ViewName = "inputs";

/** Before the name of the device whose details are shown. */
const DEVICE = "devices/";

/** The text after #. One that is not a view, such as the target of a skip link, belongs to the overview. */
const fragment = signal(fragmentNow());

export const view = signal(viewOf(fragment.peek()));

function fragmentNow(): string {
  return globalThis.location?.hash.slice(1) ?? "";
}

export function viewOf(hash: string): ViewName {
  if (hash.startsWith(DEVICE)) return "devices";
  if (hash === REJECTED) return "completeness";
  return Object.hasOwn(VIEWS, hash) ? (hash as ViewName) : "overview";
}

/** Whether the reader came from another view, or another device: then the heading of the new one gets the focus. */
let hasMoved = false;

for (const event of ["hashchange", "popstate"]) globalThis.addEventListener?.(event, noteFragment);

/** Focuses the heading of a view that has just been drawn, if the reader came from another one. */
export function focusOnArrival(heading: HTMLElement): void {
  if (!hasMoved) return;
  hasMoved = false;
  heading.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: "instant" });
}

/** The section that the address points to. */
export const sectionWanted = computed(() => (Object.hasOwn(SECTIONS, fragment.value) ? (fragment.value as SectionName) : null));

/** To be called when the address changes without an event: it may have lost its fragment. */
export function noteFragment(): void {
  const device = deviceIn(fragment.peek());
  fragment.value = fragmentNow();
  const next = viewOf(fragment.peek());
  hasMoved ||= next !== view.peek() || deviceIn(fragment.peek()) !== device;
  view.value = next;
}

/** The device whose details the address asks for; null for the list. */
export const deviceWanted = computed(() => deviceIn(fragment.value));

export function deviceIn(hash: string): string | null {
  return hash.startsWith(DEVICE) ? decoded(hash.slice(DEVICE.length)) || null : null;
}

/** Slashes are legal after #, and easier to read unescaped. */
export function hrefOfDevice(name: string): string {
  return `#${DEVICE}${encodeURIComponent(name).replaceAll("%2F", "/")}`;
}

/** An address that was cut in the middle of an escape is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the address points to the rejected payloads. */
export const isRejectedWanted = computed(() => fragment.value === REJECTED);
