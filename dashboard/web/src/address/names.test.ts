import assert from "node:assert/strict";
import { test } from "node:test";
import { groupBy, groupPaths } from "../sensors/groups";
import { compareNames, matcher, mergeInOrder, nameOf } from "./names";
import { Rate } from "../live/rate";

const names = (...devices) => devices.map((device) => nameOf(device, "temperature"));
const devicesOf = (list) => list.map(({ device }) => device);

test("names are ordered level for level, and numbers as numbers", () => {
  const sorted = names("b", "a-b/x", "a/rack-10", "a/rack-2", "a").sort(compareNames);
  assert.deepEqual(devicesOf(sorted).filter((device) => device.startsWith("a/")), ["a/rack-2", "a/rack-10"]);
  const [first, second] = devicesOf(sorted);
  assert.deepEqual([first, second], ["a", "a/rack-2"]);
});

test("new names find their places among the sorted ones", () => {
  const all = names("a", "b", "c", "d", "e", "f");
  const merged = mergeInOrder([all[1], all[3]], [all[5], all[0], all[4], all[2]], compareNames);
  assert.deepEqual(merged, all);
  assert.deepEqual(mergeInOrder([], [all[1], all[0]], compareNames), [all[0], all[1]]);
});

test("a filter has parts of names, in any order and letter case", () => {
  const matches = (text) => matcher(text)(nameOf("Berlin/rack-1/probe", "temperature"));
  assert.ok(["", "berlin", "RACK-1 temp", "probe berlin", "lin/rack", "temperature/berlin"].every(matches));
  assert.ok(!["oslo", "berlin oslo", "rack-2"].some(matches));
});

test("a filter has patterns, for the topic or for the device", () => {
  const matches = (text) => matcher(text)(nameOf("berlin/rack-1/probe", "temperature"));
  assert.ok(["#", "temperature/#", "+/berlin/#", "berlin/+/probe", "berlin/rack-1/probe/#", "+/rack-1/+"].every(matches));
  assert.ok(!["+", "berlin/+", "humidity/#", "+/oslo/#"].some(matches));
});

test("groups are the leading levels that some share, and not all", () => {
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

test("a flat level makes no groups, nor does one that all share", () => {
  assert.equal(groupPaths(names("a", "b", "c")).size, 0);
  assert.equal(groupPaths(names("site/a", "site/b")).size, 0);
  const whole = groupBy(names("plant/l1/a", "plant/l1/b", "plant/l2/c", "plant/l2/d"), groupPaths(names("plant/l1/a", "plant/l1/b", "plant/l2/c", "plant/l2/d")));
  assert.deepEqual(whole.groups.map(({ name, depth }) => [name, depth]), [["plant/l1", 0], ["plant/l2", 0]]);
});

test("groups stand by name while their members stand as ordered", () => {
  const members = names("s/10/b", "s/10/a", "s/9/d", "s/9/c", "x");
  const [s] = groupBy(members, groupPaths(members)).groups;
  assert.deepEqual(s.groups.map(({ name }) => name), ["9", "10"]);
  assert.deepEqual(devicesOf(s.groups[1].loose), ["s/10/b", "s/10/a"]);
});

test("the rate is of the last ten seconds, and not known at once", () => {
  const rate = new Rate();
  assert.equal(rate.perSecond(0), null);
  rate.start(0);
  rate.add(1000, 10);
  assert.equal(rate.perSecond(1500), null);
  assert.equal(rate.perSecond(4000), 2.5);
  for (let at = 4100; at <= 20_000; at += 100) rate.add(at, 5);
  assert.equal(rate.perSecond(20_000), 50);
  assert.equal(rate.perSecond(25_000), 25);
  assert.equal(rate.perSecond(60_000), 0);
  rate.start(60_000);
  assert.equal(rate.perSecond(61_000), null);
});
