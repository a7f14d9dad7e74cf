import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf, fieldText, tomorrowMorning, UNTIL } from "./lasting";

const now = new Date(2026, 11, 31, 22, 15);

test("tomorrow morning is in the reader's time zone, also at the end of a year", () => {
  assert.equal(fieldText(tomorrowMorning(now)), "2027-01-01T08:00");
});

test("the end is a length or a time", () => {
  assert.deepEqual(endOf("4h", "", now.getTime()), { for: "4h" });
  assert.deepEqual(endOf("tomorrow", "", now.getTime()), { until: new Date(2027, 0, 1, 8).toISOString() });
  assert.deepEqual(endOf(UNTIL, "2027-01-03T06:30", now.getTime()), { until: new Date(2027, 0, 3, 6, 30).toISOString() });
});

test("a time that is missing or over is refused with the reason", () => {
  assert.throws(() => endOf(UNTIL, "", now.getTime()), /choose a day and a time/);
  assert.throws(() => endOf(UNTIL, "2026-12-31T22:00", now.getTime()), /the end is in the past/);
});
