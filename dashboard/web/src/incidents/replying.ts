// What the reader says to an alert: the one form that is open, and what the server answered.

import { signal } from "@preact/signals";
import { acknowledge, addSilence, type Alert } from "../api/client";
import { loadSilences } from "./silences";
import { alerts } from "../live/state";

export type ReplyKind = "acknowledge" | "silence";

/** The form that is open. One at a time: two half-written ones are one too many. */
export const reply = signal<{ id: string; kind: ReplyKind } | null>(null);

/** What was done, for those who hear the page. It is said once the server has said so. */
export const done = signal("");

/** How long a silence may last, as the server writes durations. */
export const DURATIONS = { "1h": "1 hour", "4h": "4 hours", "1day": "1 day" } as const;

export interface Said {
  by: string;
  /** The note of an acknowledgement, or the reason of a silence. */
  text: string;
  lasting: string;
}

/** Throws the server's words when it refuses; then nothing has changed, and the form stays. */
export async function send(alert: Alert, kind: ReplyKind, { by, text, lasting }: Said): Promise<void> {
  rememberName(by);
  if (kind === "acknowledge") {
    const known = await acknowledge({ alert: alert.id, by, note: text });
    alerts.value = alerts.value.map((one) => (one.id === known.id ? known : one));
    done.value = `Acknowledged: ${alert.rule} at ${alert.device} ${alert.metric}.`;
  } else {
    await addSilence({ device: alert.device, for: lasting, reason: text, by });
    await loadSilences();
    done.value = `Silenced: ${alert.device}.`;
  }
}

const NAME = "millrace.name";

// A browser may forbid a page to remember anything; then the name is typed again.
export function rememberedName(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

function rememberName(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // See above.
  }
}
