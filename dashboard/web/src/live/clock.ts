import { signal } from "@preact/signals";

// Ages are computed by the server's clock: a browser with a wrong clock must not show a fresh series as stale.
let aheadOfBrowserMs = 0;

/** Whether the server's time is known; before that, ages are unknown. */
export const clockKnown = signal(false);

/** The server's time in milliseconds, at this instant. */
export function serverNow(): number {
  return toServerTime(Date.now());
}

/** Converts a time of the browser's clock, in milliseconds. */
export function toServerTime(browserMs: number): number {
  return browserMs + aheadOfBrowserMs;
}

/** The server's time in milliseconds; it changes once a second, and redraws what reads it. */
export const now = signal(serverNow());

export function setServerTime(serverMs: number): void {
  const ahead = serverMs - Date.now();
  const jumped = Math.abs(ahead - aheadOfBrowserMs) > 2000;
  aheadOfBrowserMs = ahead;
  clockKnown.value = true;
  if (jumped) now.value = serverNow();
}

export function startClock(): void {
  setInterval(() => (now.value = serverNow()), 1000);
}
