import type { Incident } from "../api/client";
import { unitSign } from "./format";

const PER_MINUTE = " per minute";

/** The condition of an incident with the unit: "above 25 °C", "changing by more than 2 °C per minute", "silent for 2 min". */
export function conditionText({ kind, condition }: Pick<Incident, "kind" | "condition">, unit: string | null): string {
  if (kind === "absent") return spaced(condition.replace(/^absent /, "silent "));
  if (kind === "stuck") return spaced(condition.replace(/^the same /, "unchanged "));
  const sign = unitSign(unit);
  if (!sign || !condition) return condition;
  const end = kind === "rate" && condition.endsWith(PER_MINUTE) ? PER_MINUTE : "";
  return `${condition.slice(0, condition.length - end.length)}\u202f${sign}${end}`;
}

const UNITS: Record<string, string> = { m: "min", day: "d", days: "d" };

/** Durations as the page writes them elsewhere: "1h 30m" becomes "1 h 30 min". */
function spaced(text: string): string {
  return text.replace(/(\d+)(days?|ms|[hms])\b/g, (_, count, unit) => `${count} ${UNITS[unit] ?? unit}`);
}
