import assert from "node:assert/strict";
import { test } from "node:test";
import { incidentsOf, isWithin, limitsOf, merged, stretched } from "./incident-bands";

const at = (minute) => `2026-01-15T10:${String(minute).padStart(2, "0")}:00Z`;
const alert = (id, fields) => ({
  id, rule: "hot", kind: "above", condition: "above 25", threshold: 25, unit: "celsius",
  began_at: at(1), opened_at: at(3), resolved_at: at(9), ...fields,
});

test("the stream's word of an alert goes before the store's", () => {
  const stored = [alert("a", { resolved_at: null }), alert("b")];
  assert.deepEqual(merged(stored, [alert("a")]).map(({ id, resolved_at }) => [id, resolved_at]), [["a", at(9)], ["b", at(9)]]);
});

test("an incident is shaded from its opening to its end, an absence from the last reading on", () => {
  const now = Date.parse(at(20));
  const [past, open, absent] = incidentsOf([alert("a"), alert("b", { resolved_at: null }), alert("c", { kind: "absent" })], now);
  assert.deepEqual(past, { from: Date.parse(at(3)), to: Date.parse(at(9)), isGap: false });
  assert.deepEqual([open.to, open.isGap], [now, false]);
  assert.deepEqual([absent.from, absent.isGap], [Date.parse(at(1)), true]);
});

test("a span is within a frame when they overlap", () => {
  const frame = { from: 10, to: 20 };
  const spans = [[0, 10], [0, 11], [12, 13], [19, 30], [20, 30], [0, 30]];
  assert.deepEqual(spans.map(([from, to]) => isWithin({ from, to }, frame)), [false, true, true, true, false, true]);
});

test("each limit has one line, with its unit; a rate and an absence have none", () => {
  const limits = limitsOf([
    alert("a"), alert("b"),
    alert("c", { kind: "below", condition: "below 3", threshold: 3, unit: null }),
    alert("d", { kind: "rate", condition: "changing by more than 2 per minute", threshold: 2 }),
    alert("e", { kind: "absent", condition: "absent for 2m", threshold: null }),
    alert("f", { condition: "", threshold: 30 }),
  ], "celsius");
  assert.deepEqual(limits, [
    { at: 30, words: "limit of hot" },
    { at: 25, words: "above 25\u202f°C" },
    { at: 3, words: "below 3\u202f°C" },
  ]);
});

test("the scale reaches for a limit that is near, and not for one that would press the curve flat", () => {
  const limit = (value) => [{ at: value, words: "" }];
  assert.deepEqual(stretched(20, 24, 1, limit(25)), [20, 25]);
  assert.deepEqual(stretched(20, 24, 1, limit(14)), [14, 24]);
  assert.deepEqual(stretched(20, 24, 1, limit(80)), [20, 24]);
  assert.deepEqual(stretched(20, 20, 2, limit(22)), [20, 22]);
  assert.deepEqual(stretched(20, 24, 1, []), [20, 24]);
});
