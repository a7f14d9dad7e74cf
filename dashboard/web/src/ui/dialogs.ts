// Which dialog is open. This stands apart from the dialogs, which are loaded when they are first opened.

import { signal } from "@preact/signals";

export type DialogName = "connect" | "units" | "sessions" | "password" | "register";

export const openDialog = signal<DialogName | null>(null);

export function openConnect(): void {
  openDialog.value = "connect";
}
