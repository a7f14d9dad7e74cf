// The silences that last. They are not on the stream, so they are asked for again now and then.

import { effect, signal } from "@preact/signals";
import { fetchSilences, type Alert, type Silence } from "../api/client";
import { now, serverNow } from "../live/clock";
import { matchesPattern } from "../address/names";
import { connection, generation } from "../live/state";

const REFETCH_MS = 20_000;

export const silences = signal<Silence[]>([]);
export const silencesProblem = signal<string | null>(null);

let answered = 0;
let asked = 0;

export async function loadSilences(): Promise<void> {
  const turn = ++asked;
  try {
    const found = await fetchSilences();
    // An older answer knows less than what somebody has just done.
    if (turn < answered) return;
    answered = turn;
    silences.value = found;
    silencesProblem.value = null;
  } catch (error) {
    silencesProblem.value = (error as Error).message;
  }
}

export function startSilences(): void {
  effect(() => {
    if (generation.value > 0) void loadSilences();
  });
  setInterval(() => connection.peek().connected && void loadSilences(), REFETCH_MS);
  effect(() => {
    if (silences.value.some((silence) => !lasts(silence, now.value))) {
      silences.value = silences.value.filter((silence) => lasts(silence, serverNow()));
    }
  });
}

export function lasts(silence: Silence, nowMs: number): boolean {
  return Date.parse(silence.until) > nowMs;
}

/** Of those that cover an alert, the one that lasts longest. */
export function silenceOf(alert: Alert, among: Silence[]): Silence | undefined {
  const covering = among.filter((silence) => covers(silence, alert));
  return covering.sort((a, b) => Date.parse(b.until) - Date.parse(a.until))[0];
}

function covers({ device, metric, rule }: Silence, alert: Alert): boolean {
  return (
    (metric ?? alert.metric) === alert.metric &&
    (rule ?? alert.rule) === alert.rule &&
    matchesPattern(device.split("/"), alert.device.split("/"))
  );
}
