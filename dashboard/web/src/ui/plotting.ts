// Rules that the chart and the sparklines share.

/** Fewer readings than this are no line yet, and a speck looks broken. */
export const FEWEST_POINTS = 3;

/** The smallest range that fills a picture, so that noise of a hundredth looks as flat as it is. */
export function leastSpan(low: number, high: number): number {
  return Math.max(Math.abs(low), Math.abs(high)) * 0.02 || 1e-9;
}

/** The longest step between two points that are surely joined: two and a half of the median steps of this series. */
export function longestStep(times: number[]): number {
  const steps = stepsOf(times);
  return steps.length === 0 ? Infinity : 2.5 * medianOf(steps);
}

/**
 * Whether the line breaks before each point. A series with one reading a minute leaves most buckets of a second empty, so
 * a gap is a step that is long for the series, and also beside its neighbours: after a change of the interval, the long
 * steps before it are no gaps.
 */
export function breaksOf(times: number[]): boolean[] {
  const steps = stepsOf(times);
  const longest = longestStep(times);
  const near = (at: number) => [...steps.slice(Math.max(0, at - 2), at), ...steps.slice(at + 1, at + 3)];
  const isBreak = (step: number, at: number) => step > longest && !(step <= 2.5 * medianOf(near(at)));
  return times.map((_, index) => index > 0 && isBreak(steps[index - 1]!, index - 1));
}

function stepsOf(times: number[]): number[] {
  return times.slice(1).map((time, index) => time - times[index]!);
}

/** Of an even number, the greater one of the two in the middle. */
function medianOf(steps: number[]): number {
  return [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}
