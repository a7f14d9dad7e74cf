// The rejected payloads as they are now.

import { effect, signal } from "@preact/signals";
import { fetchRejectedGroups, fetchRejectedPage, type Rejected } from "../api/client";
import { serverNow } from "../live/clock";
import { generation, rejectedCount } from "../live/state";
import { withWaiting, type Group } from "./rejected";

const RELOAD_MS = 1000;
const NEWEST = 100;
const HOUR = 3_600_000;

export const SINCE = {
  "1h": { label: "1 h", ms: HOUR },
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
  all: { label: "All", ms: null },
} as const;

export const since = signal<keyof typeof SINCE>("all");
export const text = signal("");

export const groups = signal<Group[] | null>(null);

/** The newest payloads of all groups. */
export const newest = signal<Rejected[]>([]);
export const problem = signal<string | null>(null);

/** What was done last, for those who hear the page. */
export const done = signal("");

/** Rises with each load, so that what lists the members of a group loads them again. */
export const loads = signal(0);

/** What the reader narrowed the payloads down to. */
export function sinceQuery(): { since?: string } {
  const { ms } = SINCE[since.peek()];
  return ms === null ? {} : { since: new Date(serverNow() - ms).toISOString() };
}

/** Reloads when the count changes, but at most once a second, however many bad payloads a device sends. */
export function keepLoaded(): () => void {
  let timer = 0;
  let askedAt = -Infinity;
  const stop = effect(() => {
    void [rejectedCount.value, generation.value, since.value];
    clearTimeout(timer);
    const ask = () => ((askedAt = performance.now()), void load());
    timer = window.setTimeout(ask, Math.max(0, askedAt + RELOAD_MS - performance.now()));
  });
  return () => [stop, () => clearTimeout(timer)].forEach((end) => end());
}

export async function load(): Promise<void> {
  const query = sinceQuery();
  try {
    const [all, waiting, page] = await Promise.all([
      fetchRejectedGroups(query),
      fetchRejectedGroups({ ...query, resent: "false" }),
      fetchRejectedPage({ ...query, limit: `${NEWEST}` }),
    ]);
    groups.value = withWaiting(all, waiting);
    newest.value = page.rejected;
    problem.value = null;
    loads.value++;
  } catch (error) {
    problem.value = (error as Error).message;
  }
}
