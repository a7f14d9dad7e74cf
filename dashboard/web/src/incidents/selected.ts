// Incidents that the reader has selected, to reply to all of them at once.

import { signal } from "@preact/signals";

export const selected = signal<ReadonlySet<string>>(new Set());

export function toggleSelected(id: string): void {
  const after = new Set(selected.peek());
  if (!after.delete(id)) after.add(id);
  selected.value = after;
}

export function clearSelected(): void {
  selected.value = new Set();
}
