import assert from "node:assert/strict";
import { test } from "node:test";
import { gridOf, stepOf } from "./grid";

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

test("short steps begin where the span does", () => {
  assert.deepEqual(gridOf({ from: 5, to: 1005 }, 3), { origin: 5, widthMs: 333.334 });
  assert.equal(stepOf({ origin: 5, widthMs: 333.334 }, 338), 1);
});

// The same spans as in store/src/readings/time_bucket.rs.
test("from a minute on steps are whole minutes, hours and days, as the server's are", () => {
  const cases: [number, number, number, number, number][] = [
    [0, 2 * MINUTE, 2, 0, MINUTE],
    [MINUTE - 1, 10 * MINUTE, 5, 0, 2 * MINUTE],
    [0, 90 * MINUTE, 2, 0, 45 * MINUTE],
    [5, 119 * MINUTE, 2, 0, HOUR],
    [HOUR / 2, 27 * HOUR, 26, 0, 2 * HOUR],
    [0, 70 * DAY, 11, -3 * DAY, 7 * DAY],
  ];
  for (const [from, to, points, origin, widthMs] of cases) {
    assert.deepEqual(gridOf({ from, to }, points), { origin, widthMs }, `${from}..${to} in ${points}`);
  }
});

test("a bucket that the span cuts is on its step", () => {
  const grid = gridOf({ from: 50 * MINUTE, to: 27 * HOUR }, 26);
  assert.equal(stepOf(grid, 50 * MINUTE), 0);
  assert.equal(stepOf(grid, 2 * HOUR), 1);
});
