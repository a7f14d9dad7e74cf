import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "./view";

test("the address names the view, and what is no view is a place in the overview", () => {
  const views = ["", "overview", "completeness", "rejected", "pipeline", "chart", "toString"].map(viewOf);
  assert.deepEqual(views, ["overview", "overview", "completeness", "completeness", "pipeline", "overview", "overview"]);
});
