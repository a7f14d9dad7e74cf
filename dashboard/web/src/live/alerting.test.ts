import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleIncident } from "../api/samples";
import { changedBy, codeOf, isQuiet, withListed } from "./alerting";

test("frames add, change and remove series", () => {
  const first = changedBy(new Map(), [["t/a", 4], ["t/b", 2]]);
  const second = changedBy(first, [["t/a", 0], ["t/b", 5], ["t/c", 1]]);
  assert.deepEqual([...second], [["t/b", 5], ["t/c", 1]]);
  assert.deepEqual([...first.keys()], ["t/a", "t/b"]);
});

test("an incident that is acknowledged or silenced is quiet", () => {
  const acknowledged = { at: "2026-01-15T10:05:00Z", by: null, note: null };
  assert.deepEqual([{}, { silenced_until: "2026-01-15T12:00:00Z" }, { acknowledged }, { severity: "critical" as const }].map(sampleIncident).map(codeOf), [4, 2, 1, 5]);
  assert.deepEqual(([undefined, 1, 2, 3, 5] as const).map(isQuiet), [false, true, true, false, false]);
});

test("a listed incident counts for its series, with the worst of several", () => {
  const open = (fields: object) => sampleIncident({ resolved_at: null, ...fields });
  const listed = [open({ device: "a" }), open({ device: "a", severity: "critical" }), open({ device: "b" }), sampleIncident({ device: "c", resolved_at: "2026-01-15T10:30:00Z" })];
  const all = withListed(new Map([["temperature/b", 1]]), listed);
  assert.deepEqual([...all], [["temperature/b", 1], ["temperature/a", 5]]);
});
