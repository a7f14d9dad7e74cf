// Numbers of readings that are missing, in words.

import type { Boot } from "../api/client";
import { formatCount } from "./format";

/** The missing numbers: "17–18, 400, 12 more". At most `most` gaps are listed. */
export function rangesText({ missing, missing_ranges }: Boot, most: number): string {
  const listed = missing_ranges.slice(0, most);
  const rest = missing - listed.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const ranges = listed.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  return [...ranges, ...(rest > 0 ? [`${formatCount(rest)} more`] : [])].join(", ");
}
