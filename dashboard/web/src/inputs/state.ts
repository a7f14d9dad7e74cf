// What the view knows: the rules in force, and what none of them reads.

import { signal } from "@preact/signals";
import { addRules, fetchInputs, type Inputs } from "../api/client";
import { serverNow } from "../live/clock";
import { unmappedCount } from "../live/state";

const ASK_MS = 3000;
const TIMEOUT_MS = 8000;

export const inputs = signal<Inputs | null>(null);

/** Since when the server has not answered, and why. */
export const outage = signal<{ since: string; why: string } | null>(null);

let askAgain = () => {};

/** Asks every three seconds while the page is visible, and at once when the server counts other topics. */
export function keepAsking(): () => void {
  const stop = new AbortController();
  inputs.value = outage.value = null;
  const stopCounting = unmappedCount.subscribe(() => askAgain());
  void (async () => {
    while (!stop.signal.aborted) {
      if (document.visibilityState === "visible") await load(stop.signal);
      await new Promise<void>((resume) => {
        const timer = setTimeout(resume, ASK_MS);
        askAgain = () => (clearTimeout(timer), resume());
      });
    }
  })();
  return () => [() => stop.abort(), stopCounting, () => askAgain()].forEach((end) => end());
}

async function load(stop: AbortSignal): Promise<void> {
  try {
    const found = await fetchInputs(AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]));
    if (stop.aborted) return;
    inputs.value = found;
    outage.value = null;
  } catch (error) {
    if (stop.aborted) return;
    outage.value = { since: outage.peek()?.since ?? new Date(serverNow()).toISOString(), why: (error as Error).message };
  }
}

/** Adds rules, which are in force then. Throws the server's reason when it refuses them. */
export async function add(rule: string): Promise<void> {
  const { mappings } = await addRules(rule);
  if (inputs.peek()) inputs.value = { ...inputs.peek()!, mappings };
  askAgain();
}
