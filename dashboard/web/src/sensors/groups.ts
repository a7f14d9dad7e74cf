import { compareWords } from "../address/names";

/** Sensors that share the leading levels of their devices' names: a site, a rack. */
export interface Group<T> {
  /** The levels that they share, with slashes; empty for the whole. */
  path: string;
  /** The path without that of the group around it. */
  name: string;
  /** How many groups are around it. */
  depth: number;
  /** How many levels its members need not repeat. */
  levels: number;
  all: T[];
  /** Members that are in none of its groups. */
  loose: T[];
  groups: Group<T>[];
}

interface Member {
  paths: string[];
}

/**
 * The paths that make groups: those of at least two sensors, but not those that all share, which would tell nothing
 * apart. They are found among all sensors, so that a group does not come and go with a filter.
 */
export function groupPaths(sensors: Member[]): Set<string> {
  const counts = new Map<string, number>();
  for (const sensor of sensors) for (const path of sensor.paths) counts.set(path, (counts.get(path) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count > 1 && count < sensors.length).map(([path]) => path));
}

/** Members keep their order; groups stand in the order of their names, whatever their members do. */
export function groupBy<T extends Member>(members: T[], paths: Set<string>): Group<T> {
  const whole: Group<T> = { path: "", name: "", depth: -1, levels: 0, all: members, loose: [], groups: [] };
  const groups = new Map<string, Group<T>>();
  for (const member of members) {
    let inner = whole;
    for (const path of member.paths) {
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
