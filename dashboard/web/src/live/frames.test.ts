import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesIds } from "./frames";

const AT = 1_768_473_030_400_000;

test("ids stand for topics and ages for times", () => {
  const ids = new SeriesIds();
  ids.learn([[3, "temperature/site-a/lab", "celsius"], [4, "humidity/lab", null]]);
  const [first, second] = ids.read([[3, 26.1, 250_001, 0], [4, 48.2, -1000, 2]], AT);
  assert.deepEqual([first.key, first.metric, first.device], ["temperature/site-a/lab", "temperature", "site-a/lab"]);
  assert.deepEqual([first.newest.value, first.newest.unit, first.newest.state], [26.1, "celsius", "fresh"]);
  assert.equal(first.newest.measuredAtMicros, AT - 250_001);
  assert.equal(first.newest.measured_at, "2026-01-15T10:30:30.149Z");
  assert.deepEqual([second.newest.state, second.newest.measuredAtMicros], ["offline", AT + 1000]);
});

test("a repeated name brings a new unit", () => {
  const ids = new SeriesIds();
  ids.learn([[0, "temperature/lab", null]]);
  assert.equal(ids.read([[0, 1, 0, 0]], AT)[0].newest.unit, null);
  ids.learn([[0, "temperature/lab", "kelvin"]]);
  assert.equal(ids.read([[0, 1, 0, 1]], AT)[0].newest.unit, "kelvin");
});

test("an id without a name is an error", () => {
  assert.throws(() => new SeriesIds().read([[7, 1, 0, 0]], AT), /the id 7/);
});
