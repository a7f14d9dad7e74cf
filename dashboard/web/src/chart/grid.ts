import type { Span } from "../api/client";

/** The buckets of a span: from `origin` on, in steps of `widthMs`. The first may begin before the span, which then cuts it. */
export interface Grid {
  origin: number;
  widthMs: number;
}

const MINUTE = 60_000;
const UNITS = [86_400_000, 3_600_000, MINUTE];

/** A Monday from which the server counts; weeks begin on Mondays. */
const FIRST_DAY = -210_866_803_200_000;

/** The grid on which the server answers a span in at most so many points: docs/api.md says how. */
export function gridOf({ from, to }: Span, points: number): Grid {
  // The server's steps are whole microseconds.
  let widthMs = Math.ceil(((to - from) * 1000) / points) / 1000;
  while (points > 1 && widthMs >= MINUTE) {
    const unit = UNITS.find((unit) => unit <= widthMs)!;
    widthMs = Math.ceil(widthMs / unit) * unit;
    const origin = FIRST_DAY + Math.floor((from - FIRST_DAY) / widthMs) * widthMs;
    if (Math.ceil((to - origin) / widthMs) <= points) return { origin, widthMs };
    widthMs += 0.001;
  }
  return { origin: from, widthMs };
}

/** The step of the grid that a bucket begins at. Its time is in whole milliseconds, which may be one too early. */
export function stepOf({ origin, widthMs }: Grid, from: number): number {
  return Math.floor((from - origin + 1) / widthMs);
}
