/** The least difference worth filling a picture with: noise of a hundredth is to look as calm as it is. */
export function leastSpan(low: number, high: number): number {
  return Math.max(Math.abs(low), Math.abs(high)) * 0.02 || 1e-9;
}
