// Words for the values of metrics that have a few states: a door is open, not 1.

import { signal } from "@preact/signals";
import { WORDS } from "./tables";

/** The words that a rule has for the values of a metric. */
interface RuleWords {
  metric: string;
  words: { value: number; word: string }[];
}

/** With more states than this, an axis is no list of words. */
const MOST_STATES = 16;

// Metrics are texts of devices, so these are maps: an object has "toString", too.
const usual = new Map(WORDS);

/** The words of the user's rules, which come before the usual ones. */
const ofRules = signal<Map<string, RuleWords["words"]>>(new Map());

export function setRuleWords(rows: RuleWords[]): void {
  ofRules.value = new Map(rows.map(({ metric, words }) => [metric, words]));
}

/** The words for the values 0, 1, and so on; null for a metric that is a quantity, or has other values. */
export function wordsOf(metric: string): string[] | null {
  const own = ofRules.value.get(metric);
  if (!own) return usual.get(metric) ?? null;
  const values = own.map(({ value }) => value);
  if (!values.every((value) => Number.isInteger(value) && value >= 0 && value < MOST_STATES)) return null;
  return Array.from({ length: Math.max(...values) + 1 }, (_, value) => own.find((state) => state.value === value)?.word ?? "");
}

/** The word for a value; null where the value has a unit, or is none that has a word. */
export function wordFor(metric: string, value: number, unit: string | null): string | null {
  if (unit !== null) return null;
  const own = ofRules.value.get(metric);
  if (own) return own.find((state) => state.value === value)?.word ?? null;
  return usual.get(metric)?.[value] ?? null;
}
