// Names of series: how they are split into levels, ordered and matched.

import type { SeriesName } from "../api/client";

/** The topic of a series' readings, which identifies it. */
export function keyOf({ device, metric }: SeriesName): string {
  return `${metric}/${device}`;
}

/** The name of a series and what is derived from it. Slashes separate the levels of a device. */
export interface Name extends SeriesName {
  levels: string[];
  /** The groups that it can belong to, the outermost first: "site" and "site/rack" of "site/rack/sensor". */
  paths: string[];
  /** The text that a filter searches. */
  text: string;
}

const DEEPEST_GROUP = 2;

export function nameOf(device: string, metric: string): Name {
  const levels = device.split("/");
  return { device, metric, levels, paths: pathsOf(levels, 0), text: `${metric}/${device}`.toLowerCase() };
}

/** The groups of a device where all devices share the first `common` levels. */
export function pathsOf(levels: string[], common: number): string[] {
  // The last level is the device itself.
  const count = Math.min(DEEPEST_GROUP, levels.length - 1 - common);
  return Array.from({ length: Math.max(0, count) }, (_, index) => levels.slice(0, common + index + 1).join("/"));
}

/** How many first levels all devices share; the last level of a device is its own. */
export function commonLevels(all: string[][]): number {
  const [first, ...others] = all;
  if (!first) return 0;
  const shared = (levels: string[], most: number) => {
    let count = 0;
    while (count < most && count < levels.length - 1 && levels[count] === first[count]) count++;
    return count;
  };
  return others.reduce((most, levels) => shared(levels, most), first.length - 1);
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Orders by device, level by level, so that devices of one group stand together; then by metric. */
export function compareNames(a: Name, b: Name): number {
  const common = Math.min(a.levels.length, b.levels.length);
  for (let level = 0; level < common; level++) {
    const order = compareWords(a.levels[level]!, b.levels[level]!);
    if (order !== 0) return order;
  }
  return a.levels.length - b.levels.length || compareWords(a.metric, b.metric);
}

/** Orders "rack-2" before "rack-10", as readers expect. */
export function compareWords(a: string, b: string): number {
  // Most neighbours share most of their levels, and a collator is slow.
  return a === b ? 0 : collator.compare(a, b);
}

/** Inserts new items into sorted ones without sorting all of them again: ten thousand devices may come one by one. */
export function mergeInOrder<T>(sorted: T[], added: T[], compare: (a: T, b: T) => number): T[] {
  const merged: T[] = [];
  let next = 0;
  for (const one of [...added].sort(compare)) {
    const place = placeOf(one, sorted, next, compare);
    for (; next < place; next++) merged.push(sorted[next]!);
    merged.push(one);
  }
  for (; next < sorted.length; next++) merged.push(sorted[next]!);
  return merged;
}

function placeOf<T>(one: T, sorted: T[], from: number, compare: (a: T, b: T) => number): number {
  let [low, high] = [from, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle]!, one) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Returns a test of whether a name contains all words of a text. A word with a level `+` or `#` is an MQTT filter, for
 * the topic `metric/device` or for the device alone.
 */
export function matcher(text: string): (name: Name) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).map(wordMatcher);
  return (name) => words.every((matches) => matches(name));
}

function wordMatcher(word: string): (name: Name) => boolean {
  const pattern = word.split("/");
  if (!pattern.some((level) => level === "+" || level === "#")) return (name) => name.text.includes(word);
  return ({ text }) => {
    const topic = text.split("/");
    return matchesPattern(pattern, topic) || matchesPattern(pattern, topic.slice(1));
  };
}

/** Whether the levels of a topic match those of an MQTT filter. */
export function matchesPattern(pattern: string[], levels: string[]): boolean {
  const rest = pattern.indexOf("#");
  const fixed = rest < 0 ? pattern : pattern.slice(0, rest);
  if (rest < 0 ? levels.length !== fixed.length : levels.length < fixed.length) return false;
  return fixed.every((level, index) => level === "+" || level === levels[index]);
}
