import { compareWords, pathsOf, type Name } from "../address/names";

/** Sensors whose device names share their first levels: a site, a rack. */
export interface Group<T> {
  /** The levels that they share, with slashes; of the whole, the levels that all share. */
  path: string;
  /** The path without that of the enclosing group. */
  name: string;
  /** How many groups enclose it. */
  depth: number;
  /** How many levels its members need not repeat. */
  levels: number;
  all: T[];
  /** Members that are in none of its inner groups. */
  loose: T[];
  groups: Group<T>[];
}

type Member = Pick<Name, "levels" | "paths">;

/** The groups that a member can belong to, below the levels that all share. */
function pathsBelow({ levels, paths }: Member, common: number): string[] {
  return common === 0 ? paths : pathsOf(levels, common);
}

/**
 * The paths that make groups: those of at least two sensors, but not of all, as such a group would separate nothing.
 * They are found among all sensors, so that a group does not come and go with a filter.
 */
export function groupPaths(allSeries: Member[], common = 0): Set<string> {
  const counts = new Map<string, number>();
  for (const series of allSeries) for (const path of pathsBelow(series, common)) counts.set(path, (counts.get(path) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count > 1 && count < allSeries.length).map(([path]) => path));
}

/** Members keep their order; groups are ordered by name. All members share the first `common` levels. */
export function groupBy<T extends Member>(members: T[], paths: Set<string>, common = 0): Group<T> {
  const prefix = members[0]?.levels.slice(0, common).join("/") ?? "";
  const whole: Group<T> = { path: prefix, name: "", depth: -1, levels: common, all: members, loose: [], groups: [] };
  const groups = new Map<string, Group<T>>();
  for (const member of members) {
    let inner = whole;
    for (const path of pathsBelow(member, common)) {
      if (!paths.has(path)) continue;
      inner = groups.get(path) ?? open(path, inner, groups);
      inner.all.push(member);
    }
    inner.loose.push(member);
  }
  for (const group of [whole, ...groups.values()]) group.groups.sort((a, b) => compareWords(a.name, b.name));
  return whole;
}

function open<T>(path: string, outer: Group<T>, groups: Map<string, Group<T>>): Group<T> {
  const name = outer.path ? path.slice(outer.path.length + 1) : path;
  const levels = path.split("/").length;
  const group: Group<T> = { path, name, depth: outer.depth + 1, levels, all: [], loose: [], groups: [] };
  outer.groups.push(group);
  groups.set(path, group);
  return group;
}
