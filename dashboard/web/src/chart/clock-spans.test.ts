import assert from "node:assert/strict";
import { test } from "node:test";
import { clockSpanAt, clockSpans, wrongBy } from "./clock-spans";

const at = (minute: number) => Date.parse("2026-01-15T10:00:00Z") + minute * 60_000;
const period = (from: number, to: number, ahead_seconds: number) => ({
  from: new Date(at(from)).toISOString(), to: new Date(at(to)).toISOString(), ahead_seconds,
});

test("periods of a wrong clock are shown where the chart shows their times", () => {
  const spans = clockSpans([period(0, 5, -60), period(10, 20, 3600), period(30, 40, 1)], { from: at(7), to: at(30) });
  assert.deepEqual(spans, [{ from: at(10), to: at(20), aheadMs: 3_600_000 }]);
  assert.equal(clockSpanAt(at(15), spans), spans[0]);
  assert.equal(clockSpanAt(at(21), spans), undefined);
});

test("how wrong a clock was is said in words", () => {
  assert.deepEqual([3_600_000, -172_800_000, 3_605_000].map(wrongBy), ["1 h ahead", "2 d behind", "1 h ahead"]);
});
