import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatDuration, formatQuantity, formatUtc } from "./format";
import { waitBefore } from "../live/connection";
import { Precision } from "../live/precision";

test("durations are said in at most two units", () => {
  const said = [0, 999, 59_999, 60_000, 185_000, 9_600_000, 532_800_000].map(formatDuration);
  assert.deepEqual(said, ["0 s", "0 s", "59 s", "1 min", "3 min 5 s", "2 h 40 min", "6 d 4 h"]);
});

test("ages are said in one unit, and a clock that is ahead is told", () => {
  assert.equal(formatAge(1000, 4999), "3 s ago");
  assert.equal(formatAge(0, 240_000), "4 min ago");
  assert.equal(formatAge(3000, 0), "0 s ago");
  assert.equal(formatAge(180_000, 0), "3 min ahead");
});

test("units are written as signs, or as they came", () => {
  assert.equal(formatQuantity(23.5, "celsius", 1), "23.5\u202f°C");
  assert.equal(formatQuantity(3, "lux", 0), "3\u202flux");
  assert.equal(formatQuantity(-0.04, null, 1), "0.0");
  assert.equal(formatQuantity(-18.2, null, 1), "−18.2");
});

test("a tooltip has UTC to the second", () => {
  assert.equal(formatUtc(Date.parse("2026-01-15T10:30:00.250Z")), "2026-01-15 10:30:00 UTC");
});

test("a sensor's digits grow with what it sends, within reason", () => {
  const digitsAfter = (...values) => {
    const precision = new Precision();
    values.forEach((value) => precision.learn(value));
    return precision.digits;
  };
  assert.equal(digitsAfter(24), 0);
  assert.equal(digitsAfter(23.5, 24), 1);
  assert.equal(digitsAfter(0.1 + 0.2), 1);
  assert.equal(digitsAfter(69.88083514), 2);
  assert.equal(digitsAfter(1013.25), 1);
  assert.equal(digitsAfter(0.01234), 4);
});

test("the wait before a reconnect doubles up to ten seconds", () => {
  assert.ok(waitBefore(0) >= 250 && waitBefore(0) <= 500);
  assert.ok(waitBefore(3) >= 2000 && waitBefore(3) <= 4000);
  assert.ok(waitBefore(50) >= 5000 && waitBefore(50) <= 10_000);
});
