// Which series have open incidents. The server says so of every series, however many incidents the page lists.

import { keyOf } from "../address/names";
import type { Incident } from "../api/client";

/**
 * How a series stands, as frames write it: 1 where all its open incidents are acknowledged, 2 where the others are
 * silenced, 3 to 5 by the highest severity of the rest. A series without open incidents has none.
 */
export type AlertingCode = 1 | 2 | 3 | 4 | 5;

export type Alerting = ReadonlyMap<string, AlertingCode>;

const SEVERITY_CODES = { info: 3, warning: 4, critical: 5 } as const;

export function codeOf(incident: Incident): AlertingCode {
  if (incident.acknowledged) return 1;
  return incident.silenced_until ? 2 : SEVERITY_CODES[incident.severity];
}

/** Whether every open incident is acknowledged or silenced. */
export function isQuiet(code: AlertingCode | undefined): boolean {
  return code === 1 || code === 2;
}

/** The set after a frame; code 0 removes a series. */
export function changedBy(before: Alerting, rows: [key: string, code: number][]): Alerting {
  const after = new Map(before);
  for (const [key, code] of rows) {
    if (code === 0) after.delete(key);
    else after.set(key, code as AlertingCode);
  }
  return after;
}

/** The set, with listed incidents whose series it does not have: they may be of a series that was never heard. */
export function withListed(set: Alerting, incidents: Incident[]): Alerting {
  const missing = incidents.filter((incident) => incident.resolved_at === null && !set.has(keyOf(incident)));
  if (missing.length === 0) return set;
  const all = new Map(set);
  for (const incident of missing) {
    const key = keyOf(incident);
    const code = codeOf(incident);
    if (code > (all.get(key) ?? 0)) all.set(key, code);
  }
  return all;
}
