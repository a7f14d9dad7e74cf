import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleIncident } from "../api/samples";
import { mergeIncidents } from "./merge-incidents";

test("a live incident replaces the stored one", () => {
  const [a, b] = ["a", "b"].map((id) => sampleIncident({ id, resolved_at: "2026-01-15T10:09:00Z" }));
  assert.deepEqual(mergeIncidents([{ ...a, resolved_at: null }, b], [a]), [a, b]);
});
