// Names of sensors: how they are split into levels, ordered and matched.

/** What a sensor is called. A level of its device is what stands between two slashes. */
export interface Name {
  device: string;
  metric: string;
  levels: string[];
  /** The groups that it may be in, from the outside in: "site" and "site/rack" of "site/rack/sensor". */
  paths: string[];
  /** What a filter looks through. */
  text: string;
}

const DEEPEST_GROUP = 2;

export function nameOf(device: string, metric: string): Name {
  const levels = device.split("/");
  // The last level is the sensor's own.
  const outer = levels.slice(0, Math.min(DEEPEST_GROUP, levels.length - 1));
  const paths = outer.map((_, index) => levels.slice(0, index + 1).join("/"));
  return { device, metric, levels, paths, text: `${metric}/${device}`.toLowerCase() };
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** By device, level for level, so that what shares a level stands together; then by metric. */
export function compareNames(a: Name, b: Name): number {
  const common = Math.min(a.levels.length, b.levels.length);
  for (let level = 0; level < common; level++) {
    const order = compareWords(a.levels[level]!, b.levels[level]!);
    if (order !== 0) return order;
  }
  return a.levels.length - b.levels.length || compareWords(a.metric, b.metric);
}

/** "rack-2" before "rack-10", as a reader expects it. */
export function compareWords(a: string, b: string): number {
  // Most neighbours share most of their levels, and a collator is slow.
  return a === b ? 0 : collator.compare(a, b);
}

/** Puts new ones among sorted ones without sorting those again: ten thousand devices may come one by one. */
export function mergeInOrder<T>(sorted: T[], added: T[], compare: (a: T, b: T) => number): T[] {
  const merged: T[] = [];
  let taken = 0;
  for (const one of [...added].sort(compare)) {
    const place = placeOf(one, sorted, taken, compare);
    for (; taken < place; taken++) merged.push(sorted[taken]!);
    merged.push(one);
  }
  for (; taken < sorted.length; taken++) merged.push(sorted[taken]!);
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
 * Whether a name has all words of a text. A word with the levels `+` or `#` is a pattern as MQTT knows it, for the
 * topic `metric/device` or for the device alone.
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

export function matchesPattern(pattern: string[], levels: string[]): boolean {
  const rest = pattern.indexOf("#");
  const fixed = rest < 0 ? pattern : pattern.slice(0, rest);
  if (rest < 0 ? levels.length !== fixed.length : levels.length < fixed.length) return false;
  return fixed.every((level, index) => level === "+" || level === levels[index]);
}
