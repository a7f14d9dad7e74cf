import { signal } from "@preact/signals";
import { openDialog } from "../ui/dialogs";

/** Whose sessions the dialog shows; null for the caller's own. */
export const sessionOwner = signal<string | null>(null);

export function showSessions(owner: string | null): void {
  sessionOwner.value = owner;
  openDialog.value = "sessions";
}
