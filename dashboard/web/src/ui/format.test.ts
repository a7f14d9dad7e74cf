import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatDuration, formatQuantity, formatUtc } from "./format";

test("durations have at most two units", () => {
  const texts = [0, 999, 59_999, 60_000, 185_000, 9_600_000, 532_800_000].map(formatDuration);
  assert.deepEqual(texts, ["0 s", "0 s", "59 s", "1 min", "3 min 5 s", "2 h 40 min", "6 d 4 h"]);
});

test("ages have one unit, and those in the future are ahead", () => {
  assert.equal(formatAge(1000, 4999), "3 s ago");
  assert.equal(formatAge(0, 240_000), "4 min ago");
  assert.equal(formatAge(3000, 0), "0 s ago");
  assert.equal(formatAge(180_000, 0), "3 min ahead");
});

test("known units are written as signs", () => {
  assert.equal(formatQuantity(23.5, "celsius", 1), "23.5\u202f°C");
  assert.equal(formatQuantity(3, "lux", 0), "3\u202flux");
  assert.equal(formatQuantity(-0.04, null, 1), "0.0");
  assert.equal(formatQuantity(-18.2, null, 1), "−18.2");
});

test("times in UTC have seconds", () => {
  assert.equal(formatUtc(Date.parse("2026-01-15T10:30:00.250Z")), "2026-01-15 10:30:00 UTC");
});
