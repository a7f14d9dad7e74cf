import assert from "node:assert/strict";
import { test } from "node:test";
import type { IncidentFilter } from "../address/incident-filter";
import { sampleIncident } from "../api/samples";
import { filtered } from "./filter";

test("incidents are filtered by whether they are open, open ones first, and one that is being replied to stays", () => {
  const [past, open] = [sampleIncident({ id: "past", resolved_at: "2026-01-15T12:00:00Z" }), sampleIncident({ id: "open" })];
  const ids = (filter: IncidentFilter, kept: string | null = null) => filtered([past, open], filter, kept).map(({ id }) => id).join();
  assert.deepEqual([ids("all"), ids("open"), ids("past")], ["open,past", "open", "past"]);
  assert.equal(ids("open", "past"), "open,past");
});
