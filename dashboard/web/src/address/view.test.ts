import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "./view";

test("the address contains the view; any other fragment belongs to the overview", () => {
  const views = ["", "overview", "completeness", "rejected", "pipeline", "audit", "chart", "toString"].map(viewOf);
  assert.deepEqual(views, ["overview", "overview", "completeness", "completeness", "pipeline", "audit", "overview", "overview"]);
});
