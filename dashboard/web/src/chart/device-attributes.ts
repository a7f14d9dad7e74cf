// What the device in front says of itself in words, kept while a chart is shown.

import { computed, effect, signal } from "@preact/signals";
import { front } from "../address/state";
import { fetchAttributes, type Attribute } from "../api/client";
import { generation } from "../live/state";
import { attributeRows } from "./attribute-rows";

/** A change shows within this time. */
const RELOAD_MS = 60_000;

const loaded = signal<{ device: string; attributes: Attribute[] } | null>(null);

const device = computed(() => front.value?.device ?? null);

/** Those of the device in front, once they are loaded. */
export const shownAttributes = computed(() => {
  const of = loaded.value;
  return of !== null && of.device === device.value ? attributeRows(of.attributes) : [];
});

/** Loads them now, with each new connection or device, and once a minute. */
export function startAttributes(): () => void {
  let abort = new AbortController();
  let timer = 0;
  async function load(of: string | null) {
    abort.abort();
    abort = new AbortController();
    clearTimeout(timer);
    if (of === null) return;
    // What cannot be loaded now is loaded a minute later: the chart is right without it.
    const { signal } = abort;
    const attributes = await fetchAttributes(of, signal).catch(() => null);
    if (signal.aborted) return;
    if (attributes) loaded.value = { device: of, attributes };
    timer = window.setTimeout(() => void load(of), RELOAD_MS);
  }
  const stop = effect(() => {
    void generation.value;
    void load(device.value);
  });
  return () => [stop, () => abort.abort(), () => clearTimeout(timer)].forEach((end) => end());
}
