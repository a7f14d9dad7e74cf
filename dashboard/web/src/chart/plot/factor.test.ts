import assert from "node:assert/strict";
import { test } from "node:test";
import { factorFor, scaled } from "./factor";

test("values that are too large are drawn smaller, with their gaps", () => {
  assert.equal(factorFor(1e9), 1);
  const factor = factorFor(Number.MAX_VALUE);
  const joined = { times: [1, 2, 3], lines: [{ means: [Number.MAX_VALUE, null, undefined], highs: [1e308, null, 0], lows: [-1e308, null, 0] }] };
  const [line] = scaled(joined, [factor]).lines;
  assert.ok(line.means[0]! > 1 && line.means[0]! < 2 && line.lows[0]! > -2);
  assert.deepEqual(line.means.slice(1), [null, undefined]);
  assert.equal(scaled(joined, [1]).lines[0], joined.lines[0]);
});
