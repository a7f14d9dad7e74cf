// Acknowledges and silences: which form is open, and what it sends.

import { signal } from "@preact/signals";
import { acknowledge, addSilence, type Incident } from "../api/client";
import { incidents } from "../live/state";
import { done } from "../ui/status";
import { loadSilences } from "./silences";

export type ReplyKind = "acknowledge" | "silence";

/** The incident and kind of the open form. Only one form is open at a time. */
export const reply = signal<{ id: string; kind: ReplyKind } | null>(null);

/** How long a silence may last, in the notation of the server. */
export const DURATIONS = { "1h": "1 hour", "4h": "4 hours", "1day": "1 day" } as const;

export interface ReplyFields {
  by: string;
  /** The note of an acknowledgement, or the reason of a silence. */
  text: string;
  lasting: string;
}

/** Throws the server's reason when it refuses; then nothing has changed. */
export async function send(incident: Incident, kind: ReplyKind, { by, text, lasting }: ReplyFields): Promise<void> {
  rememberName(by);
  if (kind === "acknowledge") {
    const updated = await acknowledge({ incident: incident.id, by, note: text });
    incidents.value = incidents.value.map((one) => (one.id === updated.id ? updated : one));
    done.value = `Acknowledged: ${incident.rule} at ${incident.device} ${incident.metric}.`;
  } else {
    await addSilence({ device: incident.device, for: lasting, reason: text, by });
    await loadSilences();
    done.value = `Silenced: ${incident.device}.`;
  }
}

const NAME = "millrace.name";

// A browser may deny storage; then the reader types the name again.
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
    // The name is only a convenience.
  }
}
