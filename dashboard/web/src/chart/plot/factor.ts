// uPlot has no labels for values beyond about 10¹⁵, and sums of the largest numbers are infinite. Such values are drawn smaller.

import type { Joined } from "../common-axis";

const LARGEST_DRAWN = 1e12;

/** What values up to this size are multiplied by to be drawn. */
export function factorFor(largest: number): number {
  return largest > LARGEST_DRAWN ? 10 ** -Math.floor(Math.log10(largest)) : 1;
}

/** The lines with their values times the factor of each. */
export function scaled(joined: Joined, factors: number[]): Joined {
  const times = (values: (number | null | undefined)[], factor: number) => values.map((value) => (value == null ? value : value * factor));
  const lines = joined.lines.map((line, place) => {
    const factor = factors[place] ?? 1;
    if (factor === 1) return line;
    return { means: times(line.means, factor), highs: times(line.highs, factor), lows: times(line.lows, factor) };
  });
  return { ...joined, lines };
}
