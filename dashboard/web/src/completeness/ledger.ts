// Which readings of each device and boot are stored, and which are missing.

import { compareWords, matcher, nameOf } from "../address/names";
import { fetchBoots, type Boot } from "../api/client";
import { serverNow } from "../live/clock";

const HOUR = 3_600_000;

export const LEDGER_RANGES = {
  "24h": { label: "24 h", ms: 24 * HOUR },
  "7d": { label: "7 d", ms: 7 * 24 * HOUR },
  all: { label: "All", ms: null },
} as const;

export type LedgerRange = keyof typeof LEDGER_RANGES;

export function fetchLedger(range: LedgerRange): Promise<Boot[]> {
  const { ms } = LEDGER_RANGES[range];
  return fetchBoots(ms === null ? null : serverNow() - ms);
}

/** Orders by missing readings, most first; then by device, and the newest boot first. */
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
  /** How many devices have missing readings. */
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

