// Acknowledges and silences: which form is open, and what it sends.

import { signal } from "@preact/signals";
import { replyName } from "../live/caller";
import { serverNow } from "../live/clock";
import { incidents } from "../live/state";
import { done } from "../ui/status";
import { endOf } from "./lasting";
import { reloadGroups } from "./groups";
import { clearSelected } from "./selected";
import { loadSilences } from "./silences";
import { acknowledgeTarget, silenceTarget, type ReplyFields, type Target } from "./target";

export type ReplyKind = "acknowledge" | "silence";

export const LABELS = {
  acknowledge: { button: "Acknowledge", label: "Note", sending: "Acknowledging…" },
  silence: { button: "Silence", label: "Reason", sending: "Silencing…" },
} as const;

/** What the open form is about. Only one form is open at a time. */
export const reply = signal<{ target: Target; kind: ReplyKind } | null>(null);

export interface SilenceFields extends ReplyFields {
  lasting: string;
  /** The end as it was typed, for `lasting` that says so. */
  until: string;
}

/** Throws the server's reason when it refuses; then nothing has changed. */
export async function send(target: Target, kind: ReplyKind, typed: SilenceFields): Promise<void> {
  const username = replyName();
  if (username === null) rememberName(typed.by);
  const fields = { ...typed, by: username ?? typed.by };
  if (kind === "acknowledge") {
    const { said, updated } = await acknowledgeTarget(target, fields);
    if (updated) incidents.value = incidents.value.map((one) => (one.id === updated.id ? updated : one));
    done.value = said;
  } else {
    done.value = await silenceTarget(target, fields, endOf(fields.lasting, fields.until, serverNow()));
    await loadSilences();
  }
  if (target.ids) clearSelected();
  reloadGroups();
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
