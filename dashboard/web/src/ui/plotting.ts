// Rules that the chart and the sparklines share.

/** The smallest range that fills a picture, so that noise of a hundredth looks as flat as it is. */
export function leastSpan(low: number, high: number): number {
  return Math.max(Math.abs(low), Math.abs(high)) * 0.02 || 1e-9;
}

/**
 * The longest step between two points that are still joined. A series with one reading a minute leaves most buckets of
 * a second empty, so a gap is what is long for this series: more than two and a half of its median steps.
 */
export function longestStep(times: number[]): number {
  const steps = times.slice(1).map((time, index) => time - times[index]!);
  if (steps.length === 0) return Infinity;
  steps.sort((a, b) => a - b);
  return 2.5 * steps[Math.floor(steps.length / 2)]!;
}
