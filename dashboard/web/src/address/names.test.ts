import assert from "node:assert/strict";
import { test } from "node:test";
import { commonLevels, compareNames, matcher, mergeInOrder, nameOf, type Name } from "./names";

const names = (...devices: string[]) => devices.map((device) => nameOf(device, "temperature"));
const devicesOf = (list: Name[]) => list.map(({ device }) => device);

test("names are ordered level by level, and numbers as numbers", () => {
  const sorted = names("b", "a-b/x", "a/rack-10", "a/rack-2", "a").sort(compareNames);
  assert.deepEqual(devicesOf(sorted).filter((device) => device.startsWith("a/")), ["a/rack-2", "a/rack-10"]);
  const [first, second] = devicesOf(sorted);
  assert.deepEqual([first, second], ["a", "a/rack-2"]);
});

test("the levels that all share leave each device its last one", () => {
  const common = (...devices: string[]) => commonLevels(names(...devices).map(({ levels }) => levels));
  assert.equal(common("a/b/c", "a/b/d"), 2);
  assert.equal(common("a/b", "a/b/c"), 1);
  assert.equal(common("a/b/c"), 2);
  assert.deepEqual([common(), common("a", "b"), common("a", "a")], [0, 0, 0]);
});

test("new names are inserted in order", () => {
  const all = names("a", "b", "c", "d", "e", "f");
  const merged = mergeInOrder([all[1], all[3]], [all[5], all[0], all[4], all[2]], compareNames);
  assert.deepEqual(merged, all);
  assert.deepEqual(mergeInOrder([], [all[1], all[0]], compareNames), [all[0], all[1]]);
});

test("a filter matches parts of names, in any order and letter case", () => {
  const matches = (text: string) => matcher(text)(nameOf("Berlin/rack-1/probe", "temperature"));
  assert.ok(["", "berlin", "RACK-1 temp", "probe berlin", "lin/rack", "temperature/berlin"].every(matches));
  assert.ok(!["oslo", "berlin oslo", "rack-2"].some(matches));
});

test("a filter matches MQTT filters, for the topic or for the device", () => {
  const matches = (text: string) => matcher(text)(nameOf("berlin/rack-1/probe", "temperature"));
  assert.ok(["#", "temperature/#", "+/berlin/#", "berlin/+/probe", "berlin/rack-1/probe/#", "+/rack-1/+"].every(matches));
  assert.ok(!["+", "berlin/+", "humidity/#", "+/oslo/#"].some(matches));
});
