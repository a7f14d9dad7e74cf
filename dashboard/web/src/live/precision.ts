import { signal } from "@preact/signals";

/** How many decimals the values of a series are shown with. It only grows, so that the width of values is stable. */
export class Precision {
  #needed = 0;
  #largest = 0;
  #digits = signal(0);

  learn(value: number): void {
    this.#largest = Math.max(this.#largest, Math.abs(value));
    this.#needed = Math.max(this.#needed, decimalsOf(value));
    this.#digits.value = Math.min(this.#needed, sensibleDecimals(this.#largest));
  }

  /** As many decimals as the values have, but no more than are sensible for their size. */
  get digits(): number {
    return this.#digits.value;
  }
}

// Six significant digits hide the errors of binary fractions: 0.1 + 0.2 has one decimal, not seventeen.
function decimalsOf(value: number): number {
  const [digits, exponent] = value.toExponential(5).split("e") as [string, string];
  const [, decimals = ""] = digits.split(".");
  return Math.max(0, decimals.replace(/0+$/, "").length - Number(exponent));
}

function sensibleDecimals(largest: number): number {
  if (largest >= 10_000) return 0;
  if (largest >= 1000) return 1;
  return largest >= 1 ? 2 : 4;
}
