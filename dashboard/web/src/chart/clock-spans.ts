// When the server's clock was wrong: readings that it stamped then stand at a wrong time.

import type { ClockPeriod, Span } from "../api/client";
import { formatDuration } from "../ui/format";
import { isWithin } from "./incident-spans";

/** A span of times that a wrong clock showed. */
export interface ClockSpan extends Span {
  /** By how much the clock was ahead, in milliseconds; less than 0 where it was behind. */
  aheadMs: number;
}

/** The periods in which the clock was wrong, as far as they overlap a time frame. */
export function clockSpans(periods: ClockPeriod[], frame: Span): ClockSpan[] {
  const spans = periods.map(({ from, to, ahead_seconds }) => ({
    from: Date.parse(from), to: Date.parse(to), aheadMs: ahead_seconds * 1000,
  }));
  return spans.filter((span) => isWithin(span, frame));
}

/** "1 h ahead", "2 d behind" */
export function wrongBy(aheadMs: number): string {
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead" : "behind"}`;
}

/** The span that a time lies in. */
export function clockSpanAt(ms: number, spans: ClockSpan[]): ClockSpan | undefined {
  return spans.find(({ from, to }) => from <= ms && ms <= to);
}
