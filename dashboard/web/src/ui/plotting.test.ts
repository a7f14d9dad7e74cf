import assert from "node:assert/strict";
import { test } from "node:test";
import { breaksOf, longestStep } from "./plotting";

test("a gap is a step that is long for its series", () => {
  assert.equal(longestStep([0, 10, 20, 30]), 25);
  assert.equal(longestStep([0, 60, 120]), 150);
  assert.equal(longestStep([0]), Infinity);
});

test("the line breaks in a gap, and not where the interval has changed", () => {
  const breaks = (...times: number[]) => breaksOf(times).flatMap((isBreak, index) => (isBreak ? [times[index]] : []));
  assert.deepEqual(breaks(0, 1, 2, 60, 61, 62), [60]);
  assert.deepEqual(breaks(0, 1, 2, 3, 60, 120, 121, 122, 123), [60, 120]);
  const slower = [...Array.from({ length: 20 }, (_, n) => n), 50, 80, 110];
  assert.deepEqual(breaks(...slower), []);
  const faster = [0, 30, 60, 90, ...Array.from({ length: 20 }, (_, n) => 91 + n)];
  assert.deepEqual(breaks(...faster), []);
});
