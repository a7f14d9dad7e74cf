// Which readings of each device and boot are stored, and which are missing.

import { get } from "../api/client";
import { serverNow } from "../live/clock";
import { compareWords, matcher, nameOf } from "../address/names";

/** The readings that a device numbered between two starts. */
export interface Boot {
  device: string;
  boot: number;
  expected: number;
  stored: number;
  /** Rows that bear a number once more. */
  repeated: number;
  /** Taken by the broker more than a minute after they were measured. */
  late: number;
  missing: number;
  /** First and last number of each gap; the server lists a hundred at most. */
  missing_ranges: [number, number][];
  newest_measured_at: string;
}

const HOUR = 3_600_000;

export const LEDGER_RANGES = {
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
  all: { label: "All", ms: null },
} as const;

export type LedgerRange = keyof typeof LEDGER_RANGES;

export async function fetchLedger(range: LedgerRange): Promise<Boot[]> {
  const { ms } = LEDGER_RANGES[range];
  const query = ms === null ? "" : `?from=${new Date(serverNow() - ms).toISOString()}`;
  return (await get<{ completeness: Boot[] }>(`api/completeness${query}`)).completeness;
}

/** What is missing most comes first; of equals, by device, and the newest boot first. */
export function worstFirst(boots: Boot[]): Boot[] {
  return [...boots].sort((a, b) => b.missing - a.missing || compareWords(a.device, b.device) || b.boot - a.boot);
}

export function bootsLike(boots: Boot[], text: string): Boot[] {
  if (!text.trim()) return boots;
  const matches = matcher(text);
  return boots.filter(({ device }) => matches(nameOf(device, "")));
}

export interface Totals {
  devices: number;
  boots: number;
  stored: number;
  missing: number;
  /** Devices of which something is missing. */
  incomplete: number;
}

export function totalsOf(boots: Boot[]): Totals {
  const sum = (count: (boot: Boot) => number) => boots.reduce((total, boot) => total + count(boot), 0);
  const devices = (among: Boot[]) => new Set(among.map(({ device }) => device)).size;
  return {
    devices: devices(boots),
    boots: boots.length,
    stored: sum(({ stored }) => stored),
    missing: sum(({ missing }) => missing),
    incomplete: devices(boots.filter(({ missing }) => missing > 0)),
  };
}

/** "17–18, 400"; `most` gaps at most, and how many numbers are in those that are left out. */
export function rangesText({ missing, missing_ranges }: Boot, most: number): string {
  const told = missing_ranges.slice(0, most);
  const rest = missing - told.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const words = told.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  return [...words, ...(rest > 0 ? [`${rest.toLocaleString()} more`] : [])].join(", ");
}
