import assert from "node:assert/strict";
import { test } from "node:test";
import { commonLevels, nameOf, type Name } from "../address/names";
import { groupBy, groupPaths } from "./groups";

const names = (...devices: string[]) => devices.map((device) => nameOf(device, "temperature"));
const devicesOf = (list: Name[]) => list.map(({ device }) => device);

test("groups are the leading levels that some devices share, but not all", () => {
  const members = names("berlin/r1/a", "berlin/r1/b", "berlin/r2/c", "oslo/r1/d", "oslo/e", "lab");
  const paths = groupPaths(members);
  assert.deepEqual([...paths].sort(), ["berlin", "berlin/r1", "oslo"]);
  const whole = groupBy(members, paths);
  assert.deepEqual(devicesOf(whole.loose), ["lab"]);
  const [berlin, oslo] = whole.groups;
  assert.deepEqual([berlin.name, berlin.depth, berlin.all.length, devicesOf(berlin.loose)], ["berlin", 0, 3, ["berlin/r2/c"]]);
  assert.deepEqual([berlin.groups[0].name, berlin.groups[0].levels, berlin.groups[0].depth], ["r1", 2, 1]);
  assert.deepEqual(devicesOf(oslo.loose), ["oslo/r1/d", "oslo/e"]);
});

test("a single level makes no groups, nor does a level that all share", () => {
  assert.equal(groupPaths(names("a", "b", "c")).size, 0);
  assert.equal(groupPaths(names("site/a", "site/b")).size, 0);
  const whole = groupBy(names("plant/l1/a", "plant/l1/b", "plant/l2/c", "plant/l2/d"), groupPaths(names("plant/l1/a", "plant/l1/b", "plant/l2/c", "plant/l2/d")));
  assert.deepEqual(whole.groups.map(({ name, depth }) => [name, depth]), [["plant/l1", 0], ["plant/l2", 0]]);
});

test("where a page is about one rack, its groups lie below, and nothing repeats the rack", () => {
  const members = names("berlin/r1/top/a", "berlin/r1/top/b", "berlin/r1/low/c", "berlin/r1/low/d", "berlin/r1/e");
  const common = commonLevels(members.map(({ levels }) => levels));
  assert.equal(common, 2);
  const whole = groupBy(members, groupPaths(members, common), common);
  assert.deepEqual(whole.groups.map(({ name, path, levels }) => [name, path, levels]), [["low", "berlin/r1/low", 3], ["top", "berlin/r1/top", 3]]);
  assert.deepEqual([whole.levels, devicesOf(whole.loose)], [2, ["berlin/r1/e"]]);
});

test("groups are ordered by name, and their members keep their order", () => {
  const members = names("s/10/b", "s/10/a", "s/9/d", "s/9/c", "x");
  const [s] = groupBy(members, groupPaths(members)).groups;
  assert.deepEqual(s.groups.map(({ name }) => name), ["9", "10"]);
  assert.deepEqual(devicesOf(s.groups[1].loose), ["s/10/b", "s/10/a"]);
});
