// What alerts have to say in a chart: when something was wrong, and beyond which limit.

import { limitOf } from "../incidents/text";
import type { Alert, Span } from "../api/client";

/** A stretch of time in which an alert was open. */
export interface Incident extends Span {
  /** Nothing came: what is shaded is a gap, not values that were wrong. */
  isGap: boolean;
}

/** A value that was crossed, and the words for it. */
export interface Limit {
  at: number;
  words: string;
}

/** The stream knows the newest state of an alert, the store has the older ones. */
export function merged(stored: Alert[], live: Alert[]): Alert[] {
  const known = new Set(live.map((alert) => alert.id));
  return [...live, ...stored.filter((alert) => !known.has(alert.id))];
}

export function spanOf(alert: Alert, nowMs: number): Span {
  const from = alert.kind === "absent" ? alert.began_at : alert.opened_at;
  return { from: Date.parse(from), to: alert.resolved_at === null ? nowMs : Date.parse(alert.resolved_at) };
}

export function isWithin(span: Span, frame: Span): boolean {
  return span.from < frame.to && span.to > frame.from;
}

export function incidentsOf(alerts: Alert[], nowMs: number): Incident[] {
  return alerts.map((alert) => ({ ...spanOf(alert, nowMs), isGap: alert.kind === "absent" }));
}

/** Each limit once. That of a rate is no value, and has no place among values. */
export function limitsOf(alerts: Alert[], unit: string | null): Limit[] {
  const limits = new Map<string, Limit>();
  for (const alert of alerts) {
    const { kind, threshold } = alert;
    if (threshold === null || !["above", "below", "outside"].includes(kind)) continue;
    const words = limitOf(alert, alert.unit ?? unit) || `limit of ${alert.rule}`;
    limits.set(`${threshold} ${words}`, { at: threshold, words });
  }
  return [...limits.values()].sort((a, b) => b.at - a.at);
}

/**
 * How far the scale reaches for the limits: to those that are as near as the values are apart, or a little more. One
 * that is far away would press the curve flat.
 */
export function stretched(low: number, high: number, least: number, limits: Limit[]): [number, number] {
  const reach = 1.5 * Math.max(high - low, least);
  const near = limits.map(({ at }) => at).filter((at) => at >= low - reach && at <= high + reach);
  return [Math.min(low, ...near), Math.max(high, ...near)];
}
