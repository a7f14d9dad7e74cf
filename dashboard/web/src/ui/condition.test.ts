import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../api/client";
import { conditionText } from "./condition";

test("a condition has its unit where the mails have it", () => {
  const text = (kind: Incident["kind"], condition: string, unit: string | null = "celsius") => conditionText({ kind, condition }, unit);
  assert.equal(text("outside", "outside 15 to 25"), "outside 15 to 25\u202f°C");
  assert.equal(text("below", "below 3", "lux"), "below 3\u202flux");
  assert.equal(text("rate", "changing by more than 2 per minute"), "changing by more than 2\u202f°C per minute");
  assert.equal(text("above", "above 25", null), "above 25");
  assert.equal(text("above", ""), "");
});

test("silent and stuck series are described with durations as the page writes them", () => {
  const text = (kind: Incident["kind"], condition: string) => conditionText({ kind, condition }, "celsius");
  assert.equal(text("absent", "absent for 2m"), "silent for 2 min");
  assert.equal(text("absent", "absent for 1h 30m"), "silent for 1 h 30 min");
  assert.equal(text("absent", "absent for 2days 12h"), "silent for 2 d 12 h");
  assert.equal(text("stuck", "the same for 10m 500ms"), "unchanged for 10 min 500 ms");
});
