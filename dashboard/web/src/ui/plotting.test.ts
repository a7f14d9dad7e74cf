import assert from "node:assert/strict";
import { test } from "node:test";
import { longestStep } from "./plotting";

test("a gap is a step that is long for its series", () => {
  assert.equal(longestStep([0, 10, 20, 30]), 25);
  assert.equal(longestStep([0, 60, 120]), 150);
  assert.equal(longestStep([0]), Infinity);
});
