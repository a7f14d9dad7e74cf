import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatCount, formatDuration, formatLasting, formatNumber, formatQuantity, formatUtc } from "./format";

test("durations have at most two units", () => {
  const texts = [0, 999, 59_999, 60_000, 185_000, 9_600_000, 532_800_000].map(formatDuration);
  assert.deepEqual(texts, ["0 s", "0 s", "59 s", "1 min", "3 min 5 s", "2 h 40 min", "6 d 4 h"]);
});

test("ages have one unit, and those in the future are ahead", () => {
  assert.equal(formatAge(1000, 4999), "3 s ago");
  assert.equal(formatAge(0, 240_000), "4 min ago");
  assert.equal(formatAge(3000, 0), "0 s ago");
  assert.equal(formatAge(180_000, 0), "3 min ahead");
  assert.equal(formatAge(Date.parse("2015-02-18T09:00:00Z"), Date.parse("2026-01-15T10:30:00Z")), "10 y ago");
  assert.equal(formatAge(0, 364 * 86_400_000), "364 d ago");
});

test("how long something lasts changes every second only in its first minute", () => {
  const texts = [42_000, 60_000, 61_000, 3_599_000, 9_600_000].map(formatLasting);
  assert.deepEqual(texts, ["42 s", "1 min", "1 min", "59 min", "2 h 40 min"]);
});

test("very large and very small values have a power of ten", () => {
  assert.equal(formatNumber(1e308, 0), "1×10³⁰⁸");
  assert.equal(formatNumber(-1.7976931348623157e308, 2), "−1.798×10³⁰⁸");
  assert.equal(formatNumber(999_999_999, 0), "999,999,999");
  assert.equal(formatNumber(5e-324, 4), "5×10⁻³²⁴");
  assert.equal(formatNumber(0.00002, 2), "0.00");
  assert.equal(formatNumber(-0, 4), "0.0000");
});

test("known units are written as signs", () => {
  assert.equal(formatQuantity(23.5, "celsius", 1), "23.5\u202f°C");
  assert.equal(formatQuantity(3, "lux", 0), "3\u202flx");
  assert.equal(formatQuantity(-0.04, null, 1), "0.0");
  assert.equal(formatQuantity(-18.2, null, 1), "−18.2");
});

test("times in UTC have seconds", () => {
  assert.equal(formatUtc(Date.parse("2026-01-15T10:30:00.250Z")), "2026-01-15 10:30:00 UTC");
});

test("large counts have separators", () => {
  assert.deepEqual([0, 999, 10047, 1234567].map(formatCount), ["0", "999", "10,047", "1,234,567"]);
});
