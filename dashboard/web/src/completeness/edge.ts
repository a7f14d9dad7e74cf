// What edges stored, and what arrived of it.

import { compareWords } from "../address/names";
import type { Edge } from "../api/client";
import { formatDuration } from "../ui/format";

/** An edge reports at least once a minute. */
const SILENT_AFTER_MS = 150_000;

/** Clocks that differ by less agree. */
const CLOCK_SLACK_S = 2;

/** How many readings are missing that the edge does not still have to send. */
export function lostOf({ missing, unsent }: Edge): number {
  return Math.max(missing - unsent, 0);
}

/** How many readings are on their way: an edge reports with each batch what it had to send before. */
export function onTheWayOf({ missing, unsent }: Edge): number {
  return Math.min(missing, unsent);
}

export function isSilent({ heard_at }: Edge, nowMs: number): boolean {
  return nowMs - Date.parse(heard_at) > SILENT_AFTER_MS;
}

/** Orders by lost readings, most first; then by edge, and the newest database first. */
export function edgesInOrder(edges: Edge[]): Edge[] {
  const newestFirst = (a: Edge, b: Edge) => Date.parse(b.heard_at) - Date.parse(a.heard_at);
  return [...edges].sort((a, b) => lostOf(b) - lostOf(a) || compareWords(a.edge, b.edge) || newestFirst(a, b));
}

/** Whether the edge has another database by now: this one was lost. */
export function isReplaced(edge: Edge, edges: Edge[]): boolean {
  return edges.some((other) => other.edge === edge.edge && Date.parse(other.first_heard_at) > Date.parse(edge.first_heard_at));
}

export function clockText({ clock_ahead_seconds: ahead }: Edge): string {
  if (Math.abs(ahead) < CLOCK_SLACK_S) return "right";
  return `${formatDuration(Math.abs(ahead) * 1000)} ${ahead > 0 ? "ahead" : "behind"}`;
}

/** Why readings will never arrive. */
export function goneText({ deleted, refused }: Edge): string {
  const reasons = [[deleted, "deleted at the edge"], [refused, "refused"]] as const;
  return reasons.filter(([count]) => count > 0).map(([count, reason]) => `${count.toLocaleString("en")} ${reason}`).join(", ") || "none";
}
