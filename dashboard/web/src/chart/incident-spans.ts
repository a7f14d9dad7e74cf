// How incidents appear in a chart: when they were open, and which limits were crossed.

import type { Incident, Span } from "../api/client";
import { conditionText } from "../ui/condition";
import { conversion, convert } from "../ui/units";

/** The time in which an incident was open. */
export interface IncidentSpan extends Span {
  /** Whether it marks missing readings, instead of values that were wrong. */
  isGap: boolean;
}

/** A value that was crossed. */
export interface Limit {
  at: number;
  label: string;
}

export function spanOf(incident: Incident, nowMs: number): IncidentSpan {
  const isGap = incident.kind === "absent";
  const from = Date.parse(isGap ? incident.began_at : incident.opened_at);
  return { from, to: incident.resolved_at === null ? nowMs : Date.parse(incident.resolved_at), isGap };
}

export function isWithin(span: Span, frame: Span): boolean {
  return span.from < frame.to && span.to > frame.from;
}

/**
 * Each limit once, the highest first, as it is drawn; `sent` is the unit of the device. The limit of a rate is left out: it
 * has no place among values.
 */
export function limitsOf(incidents: Incident[], sent: string | null, drawn = sent): Limit[] {
  const limits = new Map<string, Limit>();
  for (const incident of incidents) {
    const { kind, threshold } = incident;
    if (threshold === null || !["above", "below", "outside"].includes(kind)) continue;
    const unit = incident.unit ?? sent;
    const into = conversion(unit, drawn);
    const label = conditionText(incident, unit, into) || `limit of ${incident.rule}`;
    limits.set(`${threshold} ${label}`, { at: convert(threshold, into), label });
  }
  return [...limits.values()].sort((a, b) => b.at - a.at);
}

/**
 * Extends the scale to limits that are no further from the values than one and a half times their range. A limit that
 * is far away would press the curve flat.
 */
export function stretched(low: number, high: number, least: number, limits: Limit[]): [number, number] {
  const reach = 1.5 * Math.max(high - low, least);
  const near = limits.map(({ at }) => at).filter((at) => at >= low - reach && at <= high + reach);
  return [Math.min(low, ...near), Math.max(high, ...near)];
}
