// The devices that the view lists.

import { effect, signal } from "@preact/signals";
import { fetchDevicePage, type Device } from "../api/devices";

const PAGE = 50;
/** As many as the server answers at once. */
const MOST_AT_ONCE = 1000;
const ASK_AFTER_MS = 300;
const REFRESH_MS = 10_000;

export const NO_FILTER = { text: "", registered: "" };
export type DeviceFilter = typeof NO_FILTER;

/** `registered` is "true", "false", or empty for both. */
export const filter = signal<DeviceFilter>(NO_FILTER);

/** Null until the first answer. */
export const devices = signal<Device[] | null>(null);

/** What the next page is asked for with; null where there is none. */
export const next = signal<string | null>(null);
export const problem = signal("");
let turn = 0;

export function isFiltered(filter: DeviceFilter): boolean {
  return Object.values(filter).some((text) => text.trim() !== "");
}

/** What is asked for; fields that are empty are left out. */
export function deviceQuery({ text, registered }: DeviceFilter, after: string | null, count: number): Record<string, string> {
  const wanted = Object.entries({ text: text.trim(), registered }).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(wanted), ...(after !== null && { after }), limit: `${Math.min(Math.max(PAGE, count), MOST_AT_ONCE)}` };
}

/** Loads the devices now, a moment after each change of the filter, and again and again, as their states change. */
export function keepLoaded(): () => void {
  let timer = 0;
  let isFirst = true;
  [devices.value, next.value, problem.value] = [null, null, ""];
  const stop = effect(() => {
    void filter.value;
    clearTimeout(timer);
    timer = window.setTimeout(() => load(null, 0), isFirst ? 0 : ASK_AFTER_MS);
    isFirst = false;
  });
  const refreshing = setInterval(() => void refresh(), REFRESH_MS);
  return () => [stop, () => clearTimeout(timer), () => clearInterval(refreshing), () => turn++].forEach((end) => end());
}

export async function loadNext(): Promise<void> {
  await load(next.peek(), PAGE);
}

/** Loads again what is listed: something was changed. */
export async function reloadAll(): Promise<void> {
  await load(null, devices.peek()?.length ?? 0);
}

/** A list that is longer than an answer stays as it was loaded. */
async function refresh(): Promise<void> {
  const count = devices.peek()?.length ?? 0;
  if (count <= MOST_AT_ONCE) await load(null, count);
}

/** Without `after` the answer replaces all devices; one that was overtaken is dropped. */
async function load(after: string | null, count: number): Promise<void> {
  const mine = ++turn;
  try {
    const page = await fetchDevicePage(deviceQuery(filter.peek(), after, count));
    if (mine !== turn) return;
    devices.value = after === null ? page.devices : [...(devices.peek() ?? []), ...page.devices];
    next.value = page.next;
    problem.value = "";
  } catch (error) {
    if (mine === turn) problem.value = (error as Error).message;
  }
}
