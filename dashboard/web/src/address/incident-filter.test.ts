import assert from "node:assert/strict";
import { test } from "node:test";
import { incidentFilterFrom, withIncidentFilter } from "./incident-filter";

test("the address contains the filter, and everything else in it stays", () => {
  assert.deepEqual(["?alerts=open", "?alerts=x", ""].map(incidentFilterFrom), ["open", "all", "all"]);
  assert.equal(withIncidentFilter("?device=a/b&alerts=open", "past"), "?device=a/b&alerts=past");
  assert.equal(withIncidentFilter("?alerts=open&q=%2B", "all"), "?q=%2B");
  assert.equal(withIncidentFilter("?alerts=open", "all"), "");
});
