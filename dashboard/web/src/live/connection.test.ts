import assert from "node:assert/strict";
import { test } from "node:test";
import { waitBefore } from "./connection";

test("the wait before a reconnect doubles up to ten seconds", () => {
  assert.ok(waitBefore(0) >= 250 && waitBefore(0) <= 500);
  assert.ok(waitBefore(3) >= 2000 && waitBefore(3) <= 4000);
  assert.ok(waitBefore(50) >= 5000 && waitBefore(50) <= 10_000);
});
