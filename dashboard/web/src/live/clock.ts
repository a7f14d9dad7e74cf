import { signal } from "@preact/signals";

// Ages are told by the server's clock: a browser whose clock is wrong must not call a fresh sensor stale.
let aheadOfBrowserMs = 0;

/** Whether the server has told its time. Before that nobody can say how old anything is. */
export const clockKnown = signal(false);

/** The server's time in milliseconds, at this instant. */
export function serverNow(): number {
  return toServerTime(Date.now());
}

/** What the server's clock showed when the browser's showed this. */
export function toServerTime(browserMs: number): number {
  return browserMs + aheadOfBrowserMs;
}

/** The server's time in milliseconds, once a second: whoever reads it is drawn again each second. */
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
