// The labels of a value axis.

import { formatPlain, formatPower } from "../../ui/format";

const MOST_DECIMALS = 6;
const LARGEST_PLAIN = 1e9;

/** The labels of values that are `step` apart: with as many decimals as the step has, so that no label is rounded. */
export function labelsOf(values: number[], step: number): string[] {
  const largest = Math.max(...values.map(Math.abs));
  const decimals = decimalsOf(step);
  if (largest < LARGEST_PLAIN && decimals <= MOST_DECIMALS) return values.map((value) => formatPlain(zeroIfNear(value, step), Math.max(0, decimals)));
  // Further powers of ten are no numbers.
  const power = Math.max(-300, Math.floor(Math.log10(largest)));
  const digits = Math.min(15, Math.max(0, power + decimals));
  return values.map((value) => (zeroIfNear(value, step) === 0 ? "0" : formatPower(value / 10 ** power, power, digits)));
}

/** How many decimals a step has: 1 of 2.5, 2 of 0.25, 0 of 25; negative for a step of hundreds. */
export function decimalsOf(step: number): number {
  const [digits, exponent] = step.toExponential(6).split("e") as [string, string];
  const [, decimals = ""] = digits.split(".");
  const needed = decimals.replace(/0+$/, "").length - Number(exponent);
  return needed > 0 ? needed : Math.min(0, needed);
}

/** Sums of steps miss zero by a little. */
function zeroIfNear(value: number, step: number): number {
  return Math.abs(value) < step * 1e-6 ? 0 : value;
}
