// The silences in effect. The live connection does not carry them, so the page asks for them at intervals.

import { effect, signal } from "@preact/signals";
import { matchesPattern } from "../address/names";
import { fetchSilences, type Incident, type Silence } from "../api/client";
import { now, serverNow } from "../live/clock";
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
    // An answer that was overtaken by a newer one is out of date.
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

/** Returns the silence that covers an incident; of several, the one that lasts longest. */
export function silenceOf(incident: Incident, among: Silence[]): Silence | undefined {
  const covering = among.filter((silence) => covers(silence, incident));
  return covering.sort((a, b) => Date.parse(b.until) - Date.parse(a.until))[0];
}

function covers({ device, metric, rule }: Silence, incident: Incident): boolean {
  return (
    (metric ?? incident.metric) === incident.metric &&
    (rule ?? incident.rule) === incident.rule &&
    matchesPattern(device.split("/"), incident.device.split("/"))
  );
}
