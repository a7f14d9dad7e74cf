import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../api/client";
import { sampleIncident } from "../api/samples";
import { isWithin, limitsOf, spanOf, stretched } from "./incident-spans";

const at = (minute: number) => `2026-01-15T10:${String(minute).padStart(2, "0")}:00Z`;
const incident = (fields: Partial<Incident> = {}) =>
  sampleIncident({ unit: "celsius", began_at: at(1), opened_at: at(3), resolved_at: at(9), ...fields });

test("the span of an incident begins when it opened, that of a silence at the last reading", () => {
  const now = Date.parse(at(20));
  const [past, open, absent] = [incident(), incident({ resolved_at: null }), incident({ kind: "absent" })].map((one) => spanOf(one, now));
  assert.deepEqual(past, { from: Date.parse(at(3)), to: Date.parse(at(9)), isGap: false });
  assert.deepEqual([open.to, open.isGap], [now, false]);
  assert.deepEqual([absent.from, absent.isGap], [Date.parse(at(1)), true]);
});

test("a span is within a frame when they overlap", () => {
  const frame = { from: 10, to: 20 };
  const spans = [[0, 10], [0, 11], [12, 13], [19, 30], [20, 30], [0, 30]];
  assert.deepEqual(spans.map(([from, to]) => isWithin({ from, to }, frame)), [false, true, true, true, false, true]);
});

test("each limit has one line, with its unit; rates and silences have none", () => {
  const limits = limitsOf([
    incident(), incident(),
    incident({ kind: "below", condition: "below 3", threshold: 3, unit: null }),
    incident({ kind: "rate", condition: "changing by more than 2 per minute", threshold: 2 }),
    incident({ kind: "absent", condition: "absent for 2m", threshold: null }),
    incident({ condition: "", threshold: 30 }),
  ], "celsius");
  assert.deepEqual(limits, [
    { at: 30, label: "limit of hot" },
    { at: 25, label: "above 25\u202f°C" },
    { at: 3, label: "below 3\u202f°C" },
  ]);
});

test("a limit is drawn in the unit of the values", () => {
  assert.deepEqual(limitsOf([incident()], "celsius", "fahrenheit"), [{ at: 77, label: "above 77\u202f°F" }]);
});

test("the scale extends to a limit that is near, but not to one that would press the curve flat", () => {
  const limit = (value: number) => [{ at: value, label: "" }];
  assert.deepEqual(stretched(20, 24, 1, limit(25)), [20, 25]);
  assert.deepEqual(stretched(20, 24, 1, limit(14)), [14, 24]);
  assert.deepEqual(stretched(20, 24, 1, limit(80)), [20, 24]);
  assert.deepEqual(stretched(20, 20, 2, limit(22)), [20, 22]);
  assert.deepEqual(stretched(20, 24, 1, []), [20, 24]);
});
