import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsLeft } from "./retry";

test("the countdown ends when the time has come, and never before", () => {
  assert.deepEqual([0, 1, 999, 1000, 11_001, 11_999, 12_000, 99_000].map((now) => secondsLeft(12_000, now)), [12, 12, 12, 11, 1, 1, 0, 0]);
});
