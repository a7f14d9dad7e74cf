// Rejected payloads: which there are, in groups, and what changes when one is edited and resent.

import type { Rejected, RejectedGroup } from "../api/client";

interface Edited {
  topic: string;
  payload: string;
}

/** Only what was edited. Left out, the server uses the stored bytes, which a text field may be unable to show. */
export function changes(before: Pick<Rejected, "topic" | "payload">, edited: Edited): Partial<Edited> {
  return {
    ...(edited.topic !== before.topic && { topic: edited.topic }),
    ...(edited.payload !== asTyped(before.payload) && { payload: edited.payload }),
  };
}

/** As a browser returns the content of a text area. */
function asTyped(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** Payloads of one topic that were rejected for one kind of reason. */
export interface Group extends RejectedGroup {
  /** How many of them were not resent. */
  waiting: number;
}

/** Counts in each group those that were not resent. */
export function withWaiting(all: RejectedGroup[], waiting: RejectedGroup[]): Group[] {
  const counts = new Map(waiting.map((group) => [idOf(group), group.count]));
  return all.map((group) => ({ ...group, waiting: Math.min(group.count, counts.get(idOf(group)) ?? 0) }));
}

export function idOf({ topic, reason }: Pick<RejectedGroup, "topic" | "reason">): string {
  return JSON.stringify([topic, reason]);
}

/** Those whose topic or reason contains all words. */
export function groupsLike(groups: Group[], text: string): Group[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return groups.filter(({ topic, reason }) => words.every((word) => `${topic} ${reason}`.toLowerCase().includes(word)));
}

/** Whether a payload belongs to a group, in whose reason "…" stands for any text. */
export function belongsTo({ topic, reason }: Pick<Rejected, "topic" | "reason">, group: RejectedGroup): boolean {
  if (topic !== group.topic) return false;
  const [first, ...parts] = group.reason.split("…");
  if (parts.length === 0) return reason === group.reason;
  const last = parts.pop()!;
  let at = first!.length;
  for (const part of parts) {
    const found = reason.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return reason.startsWith(first!) && reason.endsWith(last) && at + last.length <= reason.length;
}
