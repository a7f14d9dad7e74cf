import type { Incident } from "../api/client";
import { shownIn } from "./unit-preference";
import { convert, unitSign, type Conversion } from "./units";
import { wordFor } from "./words";

const PER_MINUTE = " per minute";

/**
 * The condition of an incident in the reader's unit: "above 25 °C", "above closed", "changing by more than 2 °C per minute",
 * "silent for 2 min".
 */
export function conditionText({ kind, metric, condition }: Pick<Incident, "kind" | "metric" | "condition">, unit: string | null, shown = shownIn(unit)): string {
  if (kind === "absent") return spaced(condition.replace(/^absent /, "silent "));
  if (kind === "stuck") return spaced(condition.replace(/^the same /, "unchanged "));
  // A change has no offset: 1 °C more is 1.8 °F more.
  const text = kind === "rate" ? converted(condition, { ...shown, offset: 0 }) : worded(metric, converted(condition, shown), unit);
  const sign = unitSign(shown.unit);
  if (!sign || !text) return text;
  const end = kind === "rate" && text.endsWith(PER_MINUTE) ? PER_MINUTE : "";
  return `${text.slice(0, text.length - end.length)}\u202f${sign}${end}`;
}

/** A limit that the reader did not write in this unit has no more digits than a measurement. */
const DIGITS = 6;

function converted(condition: string, shown: Conversion): string {
  if (shown.factor === 1 && shown.offset === 0) return condition;
  return condition.replace(/-?\d+(\.\d+)?/g, (number) => String(Number(convert(Number(number), shown).toPrecision(DIGITS))));
}

/** Words for the limits that have one, as mails have them. */
function worded(metric: string, condition: string, unit: string | null): string {
  return condition.split(" ").map((part) => (/^-?\d/.test(part) && wordFor(metric, Number(part), unit)) || part).join(" ");
}

const UNITS: Record<string, string> = { m: "min", day: "d", days: "d" };

/** Durations as the page writes them elsewhere: "1h 30m" becomes "1 h 30 min". */
function spaced(text: string): string {
  return text.replace(/(\d+)(days?|ms|[hms])\b/g, (_, count, unit) => `${count} ${UNITS[unit] ?? unit}`);
}
