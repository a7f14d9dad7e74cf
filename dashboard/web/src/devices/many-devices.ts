// One action on many devices: one request after the other, so that no other caller has to wait for them.

import { changeDevice, fetchDevice } from "../api/devices";

/** Devices that can be chosen at once, at most. */
export const MOST_CHOSEN = 1000;

/** Problems that are told, at most. */
const MOST_TOLD = 5;

export interface Outcome {
  done: number;
  /** "name: reason" of those where it failed. */
  failed: string[];
}

/** Acts on each device; one that fails stops no other. `note` hears how many are behind it. */
export async function forEachDevice(names: string[], act: (name: string) => Promise<unknown>, note: (count: number) => void = () => {}): Promise<Outcome> {
  const outcome: Outcome = { done: 0, failed: [] };
  for (const name of names) {
    await act(name).then(
      () => void outcome.done++,
      (error: Error) => void outcome.failed.push(`${name}: ${error.message}`),
    );
    note(outcome.done + outcome.failed.length);
  }
  return outcome;
}

/** What did not work, in words; empty where all did. */
export function failedText({ failed }: Outcome): string {
  if (failed.length === 0) return "";
  const told = failed.slice(0, MOST_TOLD).join("; ");
  return failed.length > MOST_TOLD ? `${told}; and ${failed.length - MOST_TOLD} more` : told;
}

/** The choice with or without a device. */
export function toggled(chosen: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(name) && next.size < MOST_CHOSEN) next.add(name);
  return next;
}

/** All of these where one of them is not chosen, otherwise none. */
export function allOrNone(chosen: ReadonlySet<string>, names: string[]): ReadonlySet<string> {
  return names.every((name) => chosen.has(name)) ? new Set() : new Set(names.slice(0, MOST_CHOSEN));
}

/** The tags of a device with further ones, each once. */
export function withTags(tags: string[], further: string[]): string[] {
  return [...new Set([...tags, ...further])];
}

/** Adds tags to a device as it is now. */
export async function tagDevice(name: string, further: string[]): Promise<void> {
  const { device, revision } = await fetchDevice(name);
  if (!device.registered) throw new Error("it is not registered: adopt it first");
  const tags = withTags(device.tags, further);
  if (tags.length > device.tags.length) await changeDevice(name, { tags }, revision);
}
