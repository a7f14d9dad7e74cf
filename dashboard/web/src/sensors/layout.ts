// The layout of a list that is too long to be drawn as a whole, and the part of it that is visible.

import type { Group } from "./groups";

/** A heading, or as many sensors as fit beside each other. `before` counts the sensors and headings above it. */
export type Line<T> = { top: number; height: number; before: number } & (
  | { kind: "group"; group: Group<T> }
  | { kind: "items"; items: T[]; levels: number }
);

export interface Measures {
  columns: number;
  itemHeight: number;
  groupHeight: number;
  gap: number;
}

export interface Layout<T> {
  lines: Line<T>[];
  height: number;
  /** Sensors and headings together. */
  count: number;
}

export function layOut<T>(whole: Group<T>, isClosed: (path: string) => boolean, measures: Measures): Layout<T> {
  const lines: Line<T>[] = [];
  let [top, count] = [0, 0];
  const next = (height: number, items: number) => {
    const place = { top, height, before: count };
    top += height + measures.gap;
    count += items;
    return place;
  };
  const walk = (group: Group<T>) => {
    for (let at = 0; at < group.loose.length; at += measures.columns) {
      const items = group.loose.slice(at, at + measures.columns);
      lines.push({ kind: "items", items, levels: group.levels, ...next(measures.itemHeight, items.length) });
    }
    for (const inner of group.groups) {
      lines.push({ kind: "group", group: inner, ...next(measures.groupHeight, 1) });
      if (!isClosed(inner.path)) walk(inner);
    }
  };
  walk(whole);
  return { lines, height: Math.max(0, top - measures.gap), count };
}

/** The first line that ends below a height. */
export function lineAt<T>(lines: Line<T>[], height: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const line = lines[middle]!;
    if (line.top + line.height <= height) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The group of the line at a height, if its heading is further up; else null. */
export function groupAbove<T>(lines: Line<T>[], height: number): Group<T> | null {
  let at = Math.min(lines.length - 1, lineAt(lines, height));
  if (at < 0 || lines[at]!.kind === "group") return null;
  for (; at >= 0; at--) {
    const line = lines[at]!;
    if (line.kind === "group") return line.group;
  }
  return null;
}

/** The scroll position that shows a line fully, the present one if it does. The first `covered` pixels are hidden. */
export function scrollTo(line: { top: number; height: number }, scrolled: number, seen: number, covered = 0): number {
  if (line.top - covered < scrolled) return Math.max(0, line.top - covered);
  return Math.max(scrolled, line.top + line.height - seen);
}

export interface Spot {
  line: number;
  column: number;
}

/** Where a key leads: along a line and on to the next one, up and down, a screen up and down, to either end. */
export function move<T>(lines: Line<T>[], from: Spot, key: string, seen: number): Spot | null {
  const line = lines[from.line];
  if (!line) return null;
  const last = lines.length - 1;
  const page = Math.max(1, Math.floor(seen / (line.height || 1)) - 1);
  const down = (steps: number) => at(lines, Math.max(0, Math.min(last, from.line + steps)), from.column);
  const moves: Record<string, () => Spot> = {
    ArrowDown: () => down(1),
    ArrowUp: () => down(-1),
    PageDown: () => down(page),
    PageUp: () => down(-page),
    Home: () => at(lines, 0, 0),
    End: () => at(lines, last, Infinity),
    ArrowRight: () => {
      if (from.column + 1 < widthOf(line)) return { ...from, column: from.column + 1 };
      return from.line < last ? at(lines, from.line + 1, 0) : from;
    },
    ArrowLeft: () => {
      if (from.column > 0) return { ...from, column: from.column - 1 };
      return from.line > 0 ? at(lines, from.line - 1, Infinity) : from;
    },
  };
  return moves[key]?.() ?? null;
}

function at<T>(lines: Line<T>[], line: number, column: number): Spot {
  return { line, column: Math.min(column, widthOf(lines[line]!) - 1) };
}

function widthOf<T>(line: Line<T>): number {
  return line.kind === "items" ? line.items.length : 1;
}

/** The position of an item; null when it is not listed, or its group is closed. */
export function spotOf<T>(lines: Line<T>[], key: string, keyOf: (line: Line<T>, column: number) => string): Spot | null {
  for (const [line, one] of lines.entries()) {
    for (let column = 0; column < widthOf(one); column++) if (keyOf(one, column) === key) return { line, column };
  }
  return null;
}
